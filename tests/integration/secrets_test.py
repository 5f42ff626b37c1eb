"""Secrets of clients and of members: no way around the first by the links of the second, and new
ones are read on SIGHUP."""

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile

import cluster_lab
import lab
import wire

CLIENTS = {"DOOZER_RWSECRET": "may write", "DOOZER_ROSECRET": "may read"}
CLOSED = "clients need a secret here, and members have none: this process links with no other"
DENIED = {"err_code": wire.ERR["OTHER"], "err_detail": "permission denied"}


def greeting(address):
    """How a process greets a member: docs/member-links.md."""
    def text(s):
        return struct.pack(">H", len(s)) + s
    body = struct.pack(">HHBQ", 1, 1, 0, 7) + text(b"local") + text(b"A" * 16) + text(b"") + text(address)
    return b"DZM\n" + b"\x01" + struct.pack(">I", len(body))[1:] + body


class Links(cluster_lab.ClusterCase):
    """With a secret of clients and none of members there are no links of members."""

    def protected(self, **env):
        server = self.start(env=dict(CLIENTS, **env))
        client = self.connect(server)
        self.assertAnswer(client.call("ACCESS", value=b"may write"))
        return server, client

    def test_a_process_without_a_secret_gets_no_copy(self):
        server, client = self.protected()
        self.assertEqual(1, server.stderr().count(CLOSED), server.stderr())
        client.put("/secret/key", b"the crown jewels")
        client.put("/ctl/cal/1")
        got = self.run_doozerd("-l", self.port().address, "-w", "false", "-a", server.address)
        self.assertEqual(1, got.code)
        self.assertRegex(got.stderr.splitlines()[-1], "^doozerd: no link to .*: clients of this process need a secret")
        self.assertAnswer(client.get("/ctl/cal/1"), value=b"", rev=client.get("/ctl/cal/1")["rev"])

    def test_nobody_gets_in_by_claiming_to_be_near(self):
        """What is forwarded to the port comes from loopback, too."""
        server, _ = self.protected()
        host, _, port = server.address.rpartition(":")
        with socket.create_connection((host, int(port)), lab.DEADLINE) as s:
            s.sendall(greeting(b"127.0.0.1:9"))
            heard = b""
            while chunk := s.recv(4096):
                heard += chunk
        self.assertEqual(b"DZM\n\x02", heard[:5], "a refusal")

    def test_it_dials_nobody_either(self):
        """Somebody who may write names an address where a member is said to be."""
        server, client = self.protected()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = b"127.0.0.1:%d" % listener.getsockname()[1]
            client.put("/ctl/node/AAAAAAAAAAAAAAAA/addr", address)
            client.put("/ctl/node/AAAAAAAAAAAAAAAA/version", b"1.1.0")
            client.put("/ctl/cal/1", b"AAAAAAAAAAAAAAAA")
            listener.settimeout(1.5)
            self.assertRaises(TimeoutError, listener.accept)
        client.put("/k", b"goes on")

    def test_it_does_not_start_as_one_of_several(self):
        dzns = self.server("-c", "dzns")
        for flags in (["-a", "127.0.0.1:1"], ["-b", dzns.uri()]):
            got = self.run_doozerd("-l", self.port().address, "-w", "false", *flags, env=CLIENTS)
            self.assertEqual(2, got.code)
            self.assertOneLine(got.stderr, "^doozerd: %s: %s; set DOOZER_CLUSTER_SECRET" % (flags[0], CLOSED))

    def test_members_that_share_a_secret_or_are_told_to_trust_link(self):
        for env, flags in ((dict(CLIENTS, DOOZER_CLUSTER_SECRET="the family jewels"), []),
                           (CLIENTS, ["-insecure-members"])):
            a = self.start(None, *flags, env=env)
            client = self.connect(a)
            client.call("ACCESS", value=b"may write")
            client.put("/ctl/cal/1")
            b = self.start(None, "-a", a.address, *flags, env=env)
            lab.poll(lambda: client.get("/ctl/cal/1")["value"], why="a second member")
            self.assertEqual(bool(flags), "can become a member" in b.stderr())


class WithFiles(lab.Case):
    """A folder for files of secrets, and SIGHUP"""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="doozer-reload-")
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w") as f:
            f.write(content)
        os.rename(path + ".new", path)
        return path

    def hup(self, server, line="SIGHUP: read certificates and secrets anew"):
        before = server.stderr().count("SIGHUP: ")
        server.popen.send_signal(signal.SIGHUP)
        lab.poll(lambda: server.stderr().count("SIGHUP: ") > before, why="a line about SIGHUP")
        self.assertIn(line, "SIGHUP: " + server.stderr().rpartition("SIGHUP: ")[2])


class Reload(WithFiles):
    """man doozerd, SIGNALS: SIGHUP"""

    def test_signals_that_mean_nothing_here_end_nothing(self):
        server = self.server()
        c = self.connect(server)
        server.popen.send_signal(signal.SIGUSR2)
        self.hup(server)
        c.put("/k", b"v")

    def test_secrets_of_clients(self):
        rw, ro = self.file("rw", "old write\n"), self.file("ro", "old read\n")
        server = self.server("-rwsecret", rw, "-rosecret", ro)
        early = self.connect(server)
        self.assertAnswer(early.call("ACCESS", value=b"old write"))
        self.file("rw", "new write\n")
        self.file("ro", "new read\n")
        self.assertEqual(DENIED, self.connect(server).call("ACCESS", value=b"new write"), "not before SIGHUP")
        self.hup(server)
        for old, new in ((b"old write", b"new write"), (b"old read", b"new read")):
            c = self.connect(server)
            self.assertEqual(DENIED, c.call("ACCESS", value=old))
            self.assertEqual(DENIED, c.get("/k"))
            self.assertAnswer(c.call("ACCESS", value=new))
            self.assertNotEqual(DENIED, c.get("/k"))
        early.put("/k", b"keeps what it was granted")

    def test_what_cannot_be_read_leaves_what_there_was(self):
        rw = self.file("rw", "the secret\n")
        cluster = self.file("cluster", "the family jewels\n")
        server = self.server("-rwsecret", rw, "-clustersecret", cluster)
        for name, content in (("rw", ""), ("rw", "two\nlines\n"), ("cluster", "short\n"),
                              ("cluster", "the family jewels\n" * 3)):
            good = "the secret\n" if name == "rw" else "the family jewels\n"
            path = self.file(name, content)
            self.hup(server, path)
            c = self.connect(server)
            self.assertAnswer(c.call("ACCESS", value=b"the secret"))
            self.file(name, good)
            self.hup(server)
        os.unlink(rw)
        self.hup(server, rw + ": No such file or directory; the one before stays in use")
        self.assertAnswer(self.connect(server).call("ACCESS", value=b"the secret"))

    def test_secrets_of_the_environment_stay(self):
        server = self.server(env={"DOOZER_RWSECRET": "w"})
        self.hup(server)
        self.assertAnswer(self.connect(server).call("ACCESS", value=b"w"))


class Rotation(WithFiles, cluster_lab.ClusterCase):
    """operations.md, New secrets and certificates"""

    def test_the_cluster_secret_is_rotated_without_a_restart(self):
        old, new = "the secret before", "the secret that follows"
        path = self.file("secret", old + "\n")
        servers = self.cluster(3, "-clustersecret", path)
        for content in ("%s\n%s\n" % (old, new), "%s\n%s\n" % (new, old), new + "\n"):
            self.file("secret", content)
            for server in servers:
                self.hup(server)
        self.connect(servers[0]).put("/k", b"v")
        spare = self.attach(servers[0], None, env={"DOOZER_CLUSTER_SECRET": new})
        self.assertEqual(b"v", self.connect(spare).get("/k")["value"])
        got = self.run_doozerd("-l", self.port().address, "-w", "false", "-a", servers[0].address,
                               env={"DOOZER_CLUSTER_SECRET": old})
        self.assertEqual(1, got.code)
        self.assertIn("the secrets differ", got.stderr)
        # Links that are made anew are made with the new one.
        c = self.again(servers[2], servers[0], env={"DOOZER_CLUSTER_SECRET": new})
        self.assertSameTrees([servers[0], servers[1], c])

    def test_each_step_of_a_rotation_lets_neighbours_link(self):
        old, new = "the secret before", "the secret that follows"
        steps = [[old], [old, new], [new, old], [new]]
        for earlier, later in zip(steps, steps[1:]):
            for first, second in ((earlier, later), (later, earlier)):
                paths = [self.file(name, "\n".join(lines) + "\n") for name, lines in (("a", first), ("b", second))]
                a = self.start(None, "-clustersecret", paths[0])
                self.attach(a, None, "-clustersecret", paths[1])

    def test_certificates(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make certificates with")
        def certificate(name):
            cert, key = (os.path.join(self.folder, f) for f in ("cert.pem", "key.pem"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=" + name,
                            "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
            return cert, key
        cert, key = certificate("one")
        secret = self.file("secret", "the secret before\n")
        server = self.start(None, "-tlscert", cert, "-tlskey", key, "-clustersecret", secret, env={})
        def shown():
            host, _, port = server.address.rpartition(":")
            return ssl.get_server_certificate((host, int(port)), timeout=lab.DEADLINE)
        with open(cert) as f:
            first = f.read()
        self.assertEqual(first, shown())
        certificate("two")
        self.hup(server)
        with open(cert) as f:
            second = f.read()
        self.assertNotEqual(first, second)
        self.assertEqual(second, shown())
        # A bad certificate leaves the one before, and does not keep a new secret from being taken.
        self.file("cert.pem", "no certificate\n")
        self.file("secret", "the secret that follows\n")
        self.hup(server, "certificate " + cert)
        self.assertEqual(second, shown())
        spare = self.keep(lab.Server(self.port(), "-a", server.address,
                                     env={"DOOZER_CLUSTER_SECRET": "the secret that follows"}))
        lab.poll(lambda: "follows cluster local" in spare.stderr(), why="a link with the new secret")


if __name__ == "__main__":
    lab.main()
