"""TLS for client connections: doozerd(8), -tlscert and -tlskey."""

import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings

import lab
from relay import Relay
from wire import Closed, FAR, SET_FLAG, frame, request

FOLDER = None


def setUpModule():
    """Two certificates for 127.0.0.1, each with its key."""
    global FOLDER
    if not shutil.which("openssl"):
        raise unittest.SkipTest("no openssl to make certificates with")
    FOLDER = tempfile.mkdtemp(prefix="doozer-tls-")
    unittest.addModuleCleanup(shutil.rmtree, FOLDER)
    for name in ("one", "two"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", path(name + ".key"), "-out", path(name + ".pem"), "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
                       check=True, capture_output=True)


def path(name):
    return os.path.join(FOLDER, name)


def context(lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
    """A client that trusts the first certificate and nothing else."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(path("one.pem"))
    made.check_hostname = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = lowest, highest
    return made


class Case(lab.Case):
    def setUp(self):
        super().setUp()
        self.server_ = self.server("-tlscert", path("one.pem"), "-tlskey", path("one.key"))

    def secure(self, **versions):
        return self.connect(self.server_, tls=context(**versions))


class Served(Case):
    def test_1_2_and_1_3(self):
        """TLS for client connections (1.2 and newer)"""
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            c = self.secure(lowest=version, highest=version)
            self.assertEqual(name, c.socket.version())
            rev = c.put("/v", name.encode())
            self.assertAnswer(c.get("/v"), rev=rev, value=name.encode())

    def test_older_versions_are_refused(self):
        """1.2 and newer"""
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            old = context(lowest=version, highest=version)
            old.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertRaises((ssl.SSLError, OSError)):
                self.connect(self.server_, tls=old).rev()
        self.secure().rev()

    def test_the_certificate_is_the_one_given(self):
        """-tlscert file"""
        other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        other.check_hostname = False
        other.load_verify_locations(path("two.pem"))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(self.server_, tls=other)
        self.secure().rev()

    def test_values_of_all_sizes(self):
        """what fits, fits over TLS"""
        c = self.secure()
        for size in (0, 1, 16383, 16384, 16385, 100000, 1 << 20):
            value = bytes(n % 251 for n in range(min(size, 251))) * (size // 251 + 1)
            rev = c.put("/v", value[:size])
            self.assertAnswer(c.get("/v"), rev=rev, value=value[:size])

    def test_many_outstanding(self):
        """any number of requests outstanding"""
        c = self.secure()
        rev = c.rev() + 1
        c.raw(b"".join(frame(request("WAIT", tag=n, path="/w", rev=rev)) for n in range(5000)))
        c.call("REV", tag=5000)
        self.secure().put("/w", b"v")
        got = [c.take(n) for n in range(5000)]
        self.assertTrue(all(g == {"flags": SET_FLAG, "rev": rev, "path": "/w", "value": b"v"} for g in got))

    def test_the_doozer_command_over_plain_tcp_says_why_not(self):
        """a client without TLS is not served"""
        got = self.doozer(self.server_, "rev", seconds=8)
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertOneLine(got.stderr, "^Error: ")


class Refused(Case):
    def test_plain_clients(self):
        """a client without TLS gets no answer, and the log tells of it"""
        lines = len(self.server_.log_lines())
        c = self.connect(self.server_)
        c.raw(frame(request("REV", tag=1)) * 10)
        try:
            got = c.socket.recv(1 << 16)
        except ConnectionResetError:
            got = b""
        self.assertNotIn(b"\x08\x01", got, "an answer in the clear")
        lab.poll(lambda: len(self.server_.log_lines()) > lines, why="a line in the log")
        self.secure().rev()

    def test_clients_that_say_nothing(self):
        """a handshake that does not come holds nobody up"""
        crowd = [self.connect(self.server_) for _ in range(50)]
        crowd[0].raw(b"\x16\x03\x01")
        for _ in range(5):
            self.secure().rev()
        self.server_.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.server_.wait(5))

    def test_garbage_within_tls(self):
        """bytes that are no protobuf: connection closed, and logged once"""
        for bad in (b"\xff\xff\xff\xff", frame(b"\xff\xff\xff")):
            lines = len(self.server_.log_lines())
            c = self.secure()
            c.raw(bad)
            with self.assertRaises((Closed, ssl.SSLError)):
                c.next()
            lab.poll(lambda: len(self.server_.log_lines()) > lines, why="a line in the log")
        self.secure().rev()

    def test_garbage_below_tls(self):
        """a record that nobody sent ends its connection only"""
        c = self.secure()
        c.rev()
        raw = socket.socket(fileno=os.dup(c.socket.fileno()))
        self.addCleanup(raw.close)
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        with self.assertRaises((Closed, ssl.SSLError, OSError)):
            c.rev()
        self.secure().rev()


class Command(Case):
    """ours: tl=1 = TLS, -tlsca file, DOOZER_TLSCA: the doozer command speaks TLS too"""

    def speaks(self, *words, host=None, env=None, trust="one.pem", stdin=b""):
        uri = self.server_.uri(tl=1)
        if host:
            uri = uri.replace("127.0.0.1", host)
        options = ("-tlsca", path(trust)) if trust else ()
        return self.doozer(uri, *options, *words, env=env, stdin=stdin, seconds=8)

    def refused(self, line, **how):
        got = self.speaks("rev", **how)
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertOneLine(got.stderr, "^Error: connect .*: TLS: " + line)

    def test_reads_and_writes(self):
        """-tlsca file"""
        got = self.speaks("set", "/a", "-1", stdin=b"value")
        self.assertEqual((0, ""), (got.code, got.stderr))
        self.assertEqual(b"value", self.speaks("get", "/a").stdout)
        large = os.urandom(1 << 20)
        self.assertEqual(0, self.speaks("set", "/large", "-1", stdin=large).code)
        self.assertEqual(large, self.speaks("get", "/large").stdout)

    def test_the_environment(self):
        """DOOZER_TLSCA, unless -tlsca is given"""
        got = self.speaks("get", "/ctl/name", trust=None, env={"DOOZER_TLSCA": path("one.pem")})
        self.assertEqual((0, b"local"), (got.code, got.stdout))
        got = self.speaks("get", "/ctl/name", env={"DOOZER_TLSCA": path("two.pem")})
        self.assertEqual((0, b"local"), (got.code, got.stdout))

    def test_names_are_verified_too(self):
        """the certificate is for the host that the URI names"""
        self.assertEqual(0, self.speaks("rev", host="localhost").code)

    def test_a_certificate_for_another_host(self):
        """the certificate is for the host that the URI names"""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", path("other.key"), "-out", path("other.pem"), "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=DNS:other.example"], check=True, capture_output=True)
        self.server_ = self.server("-tlscert", path("other.pem"), "-tlskey", path("other.key"))
        self.refused("the server's certificate is for another host", trust="other.pem")
        self.refused("the server's certificate is for another host", trust="other.pem", host="localhost")

    def test_certificates_that_are_not_trusted(self):
        """-tlsca file, or the system's store"""
        self.refused("the server's certificate is not trusted: ", trust="two.pem")
        self.refused("the server's certificate is not trusted: ", trust=None)

    def test_a_server_without_tls(self):
        """tl=1 is never served without"""
        self.server_ = self.server()
        self.refused("no answer that is TLS")

    def test_unreadable_files(self):
        """-tlsca file"""
        got = self.speaks("rev", trust="nope.pem")
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertOneLine(got.stderr, "^Error: .*nope.pem")

    def test_the_next_address_is_tried(self):
        """a server that is not trusted is as good as none"""
        other = self.server("-tlscert", path("two.pem"), "-tlskey", path("two.key"))
        uri = "doozer:?tl=1&ca=%s&ca=%s" % (other.address, self.server_.address)
        got = self.doozer(uri, "-tlsca", path("one.pem"), "self", seconds=8)
        self.assertEqual(0, got.code)
        self.assertEqual(self.secure().call("SELF")["value"], got.stdout.strip())

    def test_a_watch_goes_on_when_its_connection_is_lost(self):
        """a client goes to another address when the connection is lost, over TLS too"""
        relay = Relay(self.port(), self.server_.address)
        self.addCleanup(relay.close)
        c = self.secure()
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.keep(lab.Process([lab.OPTIONS.doozer, "-a", "doozer:?tl=1&ca=" + relay.address, "-tlsca", path("one.pem"),
                               "watch", "-r", str(c.rev() + 1), "/w"], stdout=write_end))
        os.close(write_end)
        for n in range(3):
            body = b"body %d" % n
            rev = c.put("/w", body)
            wanted = b"/w %d set %d\n%s\n" % (rev, len(body), body)
            got = b""
            while len(got) < len(wanted):
                self.assertTrue(select.select([read_end], [], [], lab.DEADLINE)[0], "a record in time")
                got += os.read(read_end, len(wanted) - len(got))
            self.assertEqual(wanted, got)
            relay.lose()

    def test_doozerp_and_a_durable_write(self):
        """persistence.md: doozerp is a client like any other"""
        folder = tempfile.mkdtemp(prefix="doozer-tls-journal-")
        self.addCleanup(shutil.rmtree, folder)
        argv = [os.path.join(os.path.dirname(lab.OPTIONS.doozerd), "doozerp"), "-a", self.server_.uri(tl=1),
                "-j", os.path.join(folder, "journal")]
        doozerp = self.keep(lab.Process(argv, env={"DOOZER_TLSCA": path("one.pem")}))
        lab.poll(lambda: "instance 1: " in doozerp.stderr(), why="doozerp beginning")
        got = self.speaks("-durable", "1", "set", "/a", "-1", stdin=b"value")
        self.assertEqual((0, ""), (got.code, got.stderr))
        distrusting = self.keep(lab.Process(argv[:-1] + [os.path.join(folder, "other")]))
        self.assertEqual(1, distrusting.wait())
        self.assertRegex(distrusting.stderr().splitlines()[-1], "^doozerp: .*TLS")

    def test_a_dzns_with_tls(self):
        """tl=1 counts for the cluster whose URI it stands in"""
        with_name = "doozer:?cn=jewels&tl=1"
        jewels = self.server("-c", "jewels", "-tlscert", path("one.pem"), "-tlskey", path("one.key"))
        self.secure().put("/ctl/ns/jewels/a", jewels.address.encode())
        got = self.doozer(with_name, "-b", self.server_.uri(tl=1), "-tlsca", path("one.pem"), "get", "/ctl/name",
                          seconds=8)
        self.assertEqual((0, b"jewels", ""), (got.code, got.stdout, got.stderr))


class SlowReaders(Case):
    def test_memory_is_bounded(self):
        """a reader that does not read is no longer read from, over TLS too"""
        self.needs_figures_of_memory()
        witness = self.secure()
        witness.put("/big", bytes(1 << 20))
        before = self.server_.memory()
        c = self.secure()
        c.raw(b"".join(frame(request("GET", tag=n, path="/big")) for n in range(200)))
        for n in range(200):
            witness.put("/w", b"%d" % n)
        self.assertLess(self.server_.memory() - before, 32 << 20)
        self.assertEqual(set(range(200)), {c.next()["tag"] for _ in range(200)})


class Stops(Case):
    def test_signals_stop_it_with_clients_connected(self):
        """SIGTERM and SIGINT stop it cleanly with exit 0"""
        clients = [self.secure() for _ in range(20)]
        for c in clients:
            c.send("WAIT", path="/w", rev=FAR)
            c.call("REV")
        self.server_.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.server_.wait(5))


class Files(lab.Case):
    """a start that fails says why in one line: unreadable or mismatching TLS files"""

    def refused(self, cert, key, line):
        got = self.run_doozerd("-l", self.port().address, "-w", "false", "-tlscert", cert, "-tlskey", key)
        self.assertGreater(got.code, 0)
        self.assertOneLine(got.stderr, line)

    def test_mismatching(self):
        """mismatching TLS files"""
        self.refused(path("one.pem"), path("two.key"), "tls|key|certificate")

    def test_not_there(self):
        """unreadable TLS files"""
        self.refused("/nope.pem", path("one.key"), re.escape("/nope.pem"))
        self.refused(path("one.pem"), "/nope.key", re.escape("/nope.key"))

    def test_not_what_they_should_be(self):
        """unreadable TLS files"""
        with open(path("junk"), "wb") as f:
            f.write(b"junk\n")
        self.refused(path("junk"), path("one.key"), "junk")
        self.refused(path("one.pem"), path("junk"), "junk")
        self.refused(path("one.key"), path("one.pem"), "one")
        self.refused(FOLDER, path("one.key"), "doozer-tls-")

    def test_nobody_to_trust(self):
        """unreadable TLS files: with -b it would look for its cluster for ever"""
        at = ("-l", self.port().address, "-w", "false", "-b", "doozer:?tl=1&ca=" + self.port().address)
        for file in ("/nope.pem", path("one.key")):
            for flags, env in ((("-tlsca", file), None), ((), {"DOOZER_TLSCA": file})):
                got = self.run_doozerd(*at, *flags, env=env)
                self.assertGreater(got.code, 0)
                self.assertOneLine(got.stderr, "^doozerd: certificates %s: " % re.escape(file))


if __name__ == "__main__":
    lab.main()
