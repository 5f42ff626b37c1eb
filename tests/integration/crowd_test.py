"""More connections than there is room for: who goes first, who is served all the same, and how much
of it the log tells."""

import base64
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import lab
from cluster_lab import ClusterCase
from wire import CLOBBER, Closed, frame, request

MiB = 1 << 20
FEW_FILES = {resource.RLIMIT_NOFILE: (100, 100)}
SECRETS = {"DOOZER_RWSECRET": "read and write", "DOOZER_ROSECRET": "only read"}


class Crowd(ClusterCase):
    def silent(self, server, number):
        """So many connections that say nothing."""
        host, _, port = server.address.rpartition(":")
        made = []
        for _ in range(number):
            made.append(socket.create_connection((host, int(port)), lab.DEADLINE))
            self.addCleanup(made[-1].close)
        return made

    def entitled(self, server):
        c = self.connect(server)
        self.assertAnswer(c.call("ACCESS", value=SECRETS["DOOZER_RWSECRET"].encode()))
        return c


class Descriptors(Crowd):
    def test_silent_connections_make_room_for_others(self):
        server = self.server(limits=FEW_FILES)
        early = self.connect(server)
        early.put("/k", b"v")
        self.silent(server, 300)
        for _ in range(20):  # all of them stay open
            self.assertEqual(b"v", self.connect(server).get("/k")["value"])
        self.assertEqual(b"v", early.get("/k")["value"], "it has asked for something before")
        self.assertTrue(server.alive())

    def test_a_silent_connection_stays_while_there_is_room(self):
        """old clients connect early, and may be silent for as long as they like"""
        server = self.server(limits=FEW_FILES)
        quiet = [self.connect(server) for _ in range(30)]
        self.connect(server).put("/k", b"v")
        for c in quiet:
            self.assertEqual(b"v", c.get("/k")["value"])

    def test_those_without_rights_go_before_those_who_have_some(self):
        server = self.server(limits=FEW_FILES, env=SECRETS)
        early = self.entitled(server)
        early.put("/k", b"v")
        strangers = [self.connect(server) for _ in range(100)]
        gone = 0
        for c in strangers:
            try:
                c.rev()
            except (Closed, OSError):
                gone += 1
        for _ in range(10):
            self.assertEqual(b"v", self.entitled(server).get("/k")["value"])
        self.assertEqual(b"v", early.get("/k")["value"])

    def test_nobody_who_has_rights_goes_for_a_newcomer(self):
        server = self.server(limits=FEW_FILES)
        served = []
        try:
            while len(served) < 100:
                c = self.connect(server)
                c.rev()
                served.append(c)
        except (Closed, OSError):
            pass
        self.assertGreater(len(served), 40)
        self.assertLess(len(served), 80)
        for c in served:
            c.rev()

    def test_members_and_the_web_view_find_room(self):
        web = self.port()
        founder = self.server("-timeout", "3", pulse="0.5", limits=FEW_FILES, web=("-w", web.address))
        self.connect(founder).put("/ctl/cal/1")
        served = []
        try:
            while len(served) < 100:  # clients take all that is theirs
                c = self.connect(founder)
                c.rev()
                served.append(c)
        except (Closed, OSError):
            pass
        self.silent(founder, 200)
        member = self.attach(founder)
        self.becomes_member(member)
        for _ in range(5):
            with urllib.request.urlopen("http://%s/healthz" % web.address, timeout=lab.DEADLINE) as got:
                self.assertEqual(200, got.status)


class Memory(Crowd):
    def test_parts_of_requests_go_before_clients_that_have_asked_before(self):
        server = self.server("-maxmem", str(64 * MiB))
        honest = self.connect(server)
        honest.put("/k", b"v")
        value = bytes(600 * 1024)
        part = (15 * MiB).to_bytes(4, "big") + b"\x2a" + b"\x80\x80\x80\x07" + bytes(60 * 1024)
        body = frame(request("SET", tag=7, path="/big", value=value, rev=CLOBBER))
        half = len(body) // 2
        honest.raw(body[:half])
        for hog in self.silent(server, 400):
            hog.sendall(part)
        honest.raw(body[half:])
        self.assertEqual({"rev"}, set(honest.take(7)))
        self.assertEqual(b"v", self.connect(server).get("/k")["value"])

    def test_so_do_parts_that_arrive_all_at_once(self):
        """one turn of the server reads far more than the budget has room for"""
        server = self.server("-maxmem", str(16 * MiB))
        honest = self.connect(server)
        honest.put("/k", b"v")
        body = frame(request("SET", tag=7, path="/big", value=bytes(600 * 1024), rev=CLOBBER))
        half = len(body) // 2
        honest.raw(body[:half])
        hogs = self.silent(server, 400)
        os.kill(server.pid, signal.SIGSTOP)
        self.addCleanup(lambda: server.alive() and os.kill(server.pid, signal.SIGCONT))
        for hog in hogs:
            hog.setblocking(False)
            hog.send((15 * MiB).to_bytes(4, "big") + b"\x2a" + b"\x80\x80\x80\x07" + bytes(50 * 1024))
        os.kill(server.pid, signal.SIGCONT)
        honest.raw(body[half:])
        self.assertEqual({"rev"}, set(honest.take(7)))


class Handshakes(Crowd):
    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make a certificate with")
        folder = tempfile.mkdtemp(prefix="doozer-crowd-")
        self.addCleanup(shutil.rmtree, folder)
        self.key, self.certificate = (os.path.join(folder, name) for name in ("key", "pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.server_ = self.server("-maxmem", str(64 * MiB), "-tlscert", self.certificate, "-tlskey", self.key)

    def secure(self):
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False
        return self.connect(self.server_, tls=context)

    def hello(self, size):
        """All but the end of a ClientHello of this size."""
        body = b"\x01" + size.to_bytes(3, "big") + b"\x03\x03" + bytes(size)
        records = b""
        for at in range(0, len(body), 16384):
            piece = body[at:at + 16384]
            records += b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece
        return records[:-200]

    def ended(self, connection):
        connection.settimeout(2 * lab.DEADLINE)
        try:
            while connection.recv(4096):
                pass
        except ConnectionError:
            pass

    def test_a_handshake_that_is_never_finished_ends(self):
        begun, = self.silent(self.server_, 1)
        begun.sendall(self.hello(1000))
        silent = self.secure()  # after the handshake it may be silent
        self.ended(begun)
        self.assertEqual({"rev"}, set(silent.call("REV")))
        self.assertRegex(self.server_.stderr(), "handshake took too long")

    def test_handshakes_hold_little_memory(self):
        self.needs_figures_of_memory()
        self.secure().put("/k", b"v")
        before = self.server_.memory()
        long, = self.silent(self.server_, 1)
        long.sendall(self.hello(131000)[:9])
        self.ended(long)
        for begun in self.silent(self.server_, 900):
            try:
                begun.sendall(self.hello(16000))
            except ConnectionError:
                pass  # it had to make room already
        self.assertEqual(b"v", self.secure().get("/k")["value"])
        self.assertLess(self.server_.memory() - before, 48 * MiB)


class Secrets(Crowd):
    def test_wrong_secrets_are_answered_slowly_and_logged(self):
        server = self.server(env=SECRETS)
        honest = self.entitled(server)
        guesser = self.connect(server)
        began = time.monotonic()
        for n in range(200):
            guesser.send("ACCESS", value=b"guess %d" % n)
        self.assertOther(guesser.take(1), "permission denied")
        self.assertOther(guesser.take(7), "permission denied")
        self.assertGreater(time.monotonic() - began, 0.75)  # 20 + 40 + 80 + 160 + 250 + 250 ms
        self.assertRegex(server.stderr(), "wrong secret from 127.0.0.1")
        self.assertNotIn("guess", server.stderr())
        honest.rev()
        self.entitled(server).rev()  # a right one is not delayed
        self.assertNotIn(60, guesser.arrived)

    def test_wrong_secrets_over_http_too(self):
        web = self.port()
        server = self.server(env=SECRETS, web=("-w", web.address))

        def get(secret):
            word = base64.b64encode(b":" + secret).decode()
            asked = urllib.request.Request("http://%s/v1/rev" % web.address,
                                           headers={"Authorization": "Basic " + word})
            try:
                with urllib.request.urlopen(asked, timeout=lab.DEADLINE) as got:
                    return got.status
            except urllib.error.HTTPError as error:
                return error.code

        began = time.monotonic()
        for n in range(38):
            self.assertEqual(401, get(b"guess %d" % n))
        self.assertGreater(time.monotonic() - began, 1.2)  # 32 of 20 ms, then as above
        self.assertEqual(200, get(b"only read"))
        self.assertRegex(server.stderr(), "wrong secret over HTTP")
        self.assertNotIn("guess", server.stderr())

    def test_a_client_may_try_again_after_a_wrong_secret(self):
        server = self.server(env=SECRETS)
        c = self.connect(server)
        self.assertOther(c.call("ACCESS", value=b"wrong"), "permission denied")
        self.assertAnswer(c.call("ACCESS", value=b"read and write"))
        c.put("/k", b"v")


class Log(Crowd):
    def test_no_client_fills_the_log(self):
        web = self.port()
        server = self.server(env=SECRETS, web=("-w", web.address))
        began = time.monotonic()
        for n in range(1500):
            for address in (server.address, web.address) if n % 5 == 0 else (server.address,):
                host, _, port = address.rpartition(":")
                with socket.create_connection((host, int(port)), lab.DEADLINE) as c:
                    c.sendall((b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\5\xff\xff\xff\xff\xff",
                               frame(request("ACCESS", tag=1, value=b"wrong")))[n % 3])
        kinds = 4
        took = time.monotonic() - began
        allowed = kinds * (16 + took / 2 + took / 10 + 2) + 5
        self.assertLess(len(server.log_lines()), allowed)
        self.entitled(server).rev()
        server.stop()
        summaries = re.findall(r"left out (\d+) more lines about", server.stderr())
        self.assertGreater(sum(map(int, summaries)), 500, server.stderr())


if __name__ == "__main__":
    lab.main()
