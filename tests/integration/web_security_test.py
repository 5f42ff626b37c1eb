"""Who may do what over HTTP, and what it costs to try: docs/web.md, Security."""

import email.utils
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time

import lab
import web

BOTH = {"DOOZER_RWSECRET": "rw", "DOOZER_ROSECRET": "ro"}
PLACES = ("/", "/v1/rev", "/v1/self", "/v1/cluster", "/v1/file/x", "/v1/stat/x", "/v1/list", "/v1/walk", "/v1/history/x",
          "/v1/watch", "/v1/wait?timeout=0", "/v1/openapi.json", "/metrics", "/$assets/page.js", "/$cluster")


class WithSecrets(web.Case):
    env = BOTH

    def test_every_place_asks_for_one(self):
        for place in PLACES:
            answer = self.get(place)
            self.assertEqual(401, answer.status, place)
            self.assertRegex(answer.headers["WWW-Authenticate"], "^Basic ")
            self.assertNotIn(b"DOCTYPE", answer.body.upper())
        self.assertEqual(401, self.page("/").status)

    def test_a_wrong_one_opens_nothing(self):
        for place in PLACES:
            for secret in ("", "wrong", "rww", "r", "RW", "rw\0"):
                self.assertEqual(401, self.get(place, secret=secret).status, (place, secret))
        for header in ("Basic", "Basic !", "Bearer rw", "Basic cnc=", "rw"):
            answer = self.get("/v1/file/ctl/name", headers={"Authorization": header})
            self.assertEqual(401, answer.status, header)

    def test_the_read_only_one_reads(self):
        self.assertEqual("local", self.get("/v1/file/ctl/name", secret="ro").json["value"])
        self.assertEqual(200, self.get("/", secret="ro").status)
        self.assertEqual(200, self.get("/metrics", secret="ro").status)
        self.assertEqual(101, self.page("/", headers=["Authorization: " + web.basic("ro")]).status)
        for answer in (self.put("/x", b"", secret="ro"), self.delete("/ctl/name", secret="ro")):
            self.assertEqual(401, answer.status)
        self.assertEqual(404, self.get("/v1/file/x", secret="ro").status)

    def test_the_read_write_one_writes(self):
        self.assertEqual(200, self.put("/x", b"", secret="rw").status)
        self.assertEqual(200, self.get("/v1/file/x", secret="rw").status)
        self.assertEqual(401, self.put("/y", b"").status)

    def test_health_is_for_everybody(self):
        self.assertEqual(200, self.get("/healthz").status)
        self.assertEqual(200, self.get("/readyz").status)
        self.assertEqual(200, self.get("/readyz", headers={"Host": "anything"}).status)

    def test_each_request_has_its_own_rights(self):
        """One connection may serve several people, behind a proxy."""
        connection = self.http()
        for secret, status in (("rw", 200), (None, 401), ("ro", 200), ("no", 401), ("rw", 200)):
            connection.request("GET", "/v1/file/ctl/name",
                               headers={"Authorization": web.basic(secret)} if secret else {})
            self.assertEqual(status, web.Answer(connection.getresponse()).status)

    def test_a_secret_does_for_any_name_of_the_server(self):
        headers = {"Host": "db.example:8000"}
        self.assertEqual(200, self.get("/v1/file/ctl/name", secret="ro", headers=headers).status)
        self.assertEqual(421, self.get("/v1/file/ctl/name", headers=headers).status)
        self.assertEqual(421, self.get("/v1/file/ctl/name", secret="", headers=headers).status)
        self.assertEqual(401, self.get("/v1/file/ctl/name", secret="wrong", headers=headers).status)

    def test_it_is_told_what_its_secret_is_good_for(self):
        for secret, write in (("rw", True), ("ro", False)):
            told = self.get("/v1/self", secret=secret).json
            self.assertEqual((write, True), (told["write"], told["authenticated"]))


class WithOneSecret(web.Case):
    env = {"DOOZER_RWSECRET": "rw"}

    def test_everybody_reads_and_who_knows_it_writes(self):
        """protocol.md, Access"""
        self.assertEqual(200, self.get("/v1/file/ctl/name").status)
        self.assertEqual(401, self.put("/x", b"").status)
        self.assertEqual(200, self.put("/x", b"", secret="rw").status)


class WithAClusterSecret(web.Case):
    env = {"DOOZER_CLUSTER_SECRET": "0123456789abcdef"}

    def test_that_makes_no_https_of_it(self):
        """The key that members share is no certificate."""
        self.assertEqual(200, self.get("/v1/file/ctl/name").status)


class ReadOnly(web.Case):
    flags = ()

    def test_nothing_is_written_without_webwrite(self):
        for answer in (self.put("/x", b""), self.delete("/ctl/name")):
            self.assertError(answer, 403, "READONLY")
            self.assertIn("-webwrite", answer.json["detail"])
        self.assertIs(False, self.get("/v1/self").json["webwrite"])
        self.assertEqual(200, self.get("/v1/file/ctl/name").status)


class Pages(web.Case):
    """What a page of somebody else can make a browser do."""

    def test_another_origin_may_not_write_nor_listen(self):
        own = "http://" + self.web.address
        self.assertEqual(200, self.put("/x", b"", headers={"Origin": own}).status)
        self.assertEqual(101, self.page("/", headers=["Origin: " + own]).status)
        for origin in ("http://evil.example", "null", "https://" + self.web.address, own + "0", "http://127.0.0.1"):
            self.assertEqual(403, self.put("/x", b"", headers={"Origin": origin}).status, origin)
            self.assertEqual(403, self.delete("/x", headers={"Origin": origin}).status, origin)
            self.assertEqual(403, self.page("/", headers=["Origin: " + origin]).status, origin)

    def test_nobody_reads_the_answers_of_another_origin(self):
        answer = self.get("/v1/walk", headers={"Origin": "http://evil.example"})
        self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])
        self.assertEqual("same-origin", answer.headers["Cross-Origin-Resource-Policy"])
        self.assertEqual(405, self.ask("OPTIONS", "/v1/file/x", headers={"Origin": "http://evil.example"}).status)

    def test_a_name_that_suddenly_leads_here_is_refused(self):
        for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example"):
            for place in ("/", "/v1/file/ctl/name", "/metrics", "/v1/rev"):
                answer = self.get(place, headers={"Host": host})
                self.assertEqual(421, answer.status, (host, place))
            self.assertEqual(421, self.put("/x", b"", headers={"Host": host, "Origin": "http://" + host}).status)
        for host in ("localhost:1", "[::1]:8000", "10.0.0.1", os.uname().nodename):
            self.assertEqual(200, self.get("/v1/rev", headers={"Host": host}).status, host)

    def test_an_empty_password_knows_no_secret(self):
        """A page may set Authorization on what it asks of its own name."""
        for host in ("evil.example:8000", "evil.example"):
            headers = {"Host": host, "Origin": "http://" + host}
            for secret in ("", "guessed"):
                place = "/v1/file/ctl/name"
                self.assertIn(self.get(place, headers=dict(headers), secret=secret).status, (401, 421))
                self.assertIn(self.put("/x", b"", headers=dict(headers), secret=secret).status, (401, 421))
            self.assertEqual(421, self.get("/v1/rev", headers={**headers, "Authorization": "Basic Og=="}).status)
        self.assertEqual(404, self.get("/v1/file/x").status)

    def test_a_host_must_be_named(self):
        s = self.raw(b"GET /v1/rev HTTP/1.1\r\n\r\n")
        self.assertIn(b" 400 ", s.recv(4096).split(b"\r\n")[0])

    def test_nothing_that_comes_from_the_store_is_a_page(self):
        evil = b"<script>alert(1)</script>"
        self.put("/x", evil)
        for target in ("/v1/file/x", "/v1/file/x?raw", "/v1/walk", "/v1/history/x"):
            answer = self.get(target)
            self.assertNotIn("html", answer.headers["Content-Type"])
            self.assertEqual("nosniff", answer.headers["X-Content-Type-Options"])
        self.assertEqual("attachment", self.get("/v1/file/x?raw").headers["Content-Disposition"])

    def test_a_page_may_do_nothing_but_talk_to_its_server(self):
        policy = dict(d.strip().split(" ", 1) for d in self.get("/").headers["Content-Security-Policy"].split(";"))
        self.assertEqual("'none'", policy["default-src"])
        for what in ("script-src", "style-src", "connect-src", "img-src"):
            self.assertEqual("'self'", policy[what])
        self.assertEqual("'none'", policy["frame-ancestors"])
        self.assertEqual("'none'", policy["base-uri"])

    @staticmethod
    def parts_of(text):
        """The files that a page or a script of ours names."""
        return re.findall(r"/\$assets/[\w.]+", text) + [
            "/$assets/" + name for name in re.findall(r"from '\./([\w.]+)'", text)]

    def test_the_page_loads_nothing_from_elsewhere(self):
        texts = {place: self.get(place).body.decode() for place in ("/", "/$cluster")}
        while more := {name for text in texts.values() for name in self.parts_of(text)} - set(texts):
            texts.update((name, self.get(name).body.decode()) for name in more)
        self.assertLessEqual({"/$assets/tree.js", "/$assets/timeline.js", "/$assets/cluster.css"}, set(texts))
        for text in texts.values():
            for address in re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text):
                self.assertRegex(address, r"www\.w3\.org|^//", address)
            self.assertNotRegex(text, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b")


class Limits(web.Case):
    def test_long_headers(self):
        for data in (b"GET /" + b"a" * 20000, b"GET / HTTP/1.1\r\nX: " + b"a" * 20000):
            s = self.raw(data)
            self.assertIn(b" 431 ", s.recv(4096).split(b"\r\n")[0])

    def test_a_long_body_is_refused_before_it_is_sent(self):
        s = self.raw(b"PUT /v1/file/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1048577\r\n\r\n")
        self.assertIn(b" 413 ", s.recv(4096).split(b"\r\n")[0])
        self.assertError(self.put("/x", b"v" * ((1 << 20) + 1)), 413, "OTHER")
        self.assertEqual(200, self.put("/x", b"v" * (1 << 20)).status)

    def test_a_value_limit_of_its_own(self):
        self.web = self.port()
        self.start_web("-webwrite", "-maxvalue", "3")
        self.assertEqual(200, self.put("/x", b"123").status)
        self.assertError(self.put("/x", b"1234"), 413, "OTHER")

    def test_what_is_not_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"hello\r\n\r\n",
                     b"GET http://h/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET /\r\n", b"\x16\x03", b"GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     b"PUT /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"):
            s = self.raw(data)
            self.assertIn(b" 400 ", s.recv(4096).split(b"\r\n")[0], data)
        self.assertEqual(200, self.get("/healthz").status)

    def status_of(self, data):
        s = self.raw(data)
        return int(s.recv(4096).split()[1])

    def test_what_others_might_read_in_another_way(self):
        host = b"Host: 127.0.0.1\r\n"
        get, put = b"GET /v1/rev HTTP/1.1\r\n" + host, b"PUT /v1/file/x HTTP/1.1\r\n" + host
        for status, data in (
                (400, get + b"X: a\r\n b\r\n\r\n"), (400, get + b"X: a\0b\r\n\r\n"),
                (400, get + b"X: a\nY: b\r\n\r\n"), (400, b"GET /v1/rev HTTP/1.1\nHost: h\n\n"),
                (400, get + host + b"\r\n"), (431, get + b"A: b\r\n" * 3000 + b"\r\n"),
                (400, put + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nz"),
                (400, put + b"Content-Length: 1, 1\r\n\r\nz"),
                (400, put.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                (400, put + b'If-Match: "1"\r\nIf-Match: "2"\r\nContent-Length: 0\r\n\r\n'),
                (505, b"GET / HTTP/9.9\r\n\r\n"), (505, b"PRI * HTTP/2.0\r\n\r\n"),
                (417, put + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\nz"),
                (400, get.replace(b"/v1/rev", b"/v1/file%2fctl/name") + b"\r\n"),
                (404, get.replace(b"/v1/rev", b"/v1/file?path=%2fnone") + b"\r\n"),
                (200, get.replace(b"/v1/rev", b"http://127.0.0.1/v1/rev") + b"\r\n"),
                (400, get.replace(b"/v1/rev", b"http://evil/v1/rev") + b"\r\n"),
                (200, b"\r\n" + get + b"\r\n")):
            self.assertEqual(status, self.status_of(data), data[:100])

    def test_a_web_socket_is_asked_for_in_full(self):
        lines = [b"Upgrade: websocket", b"Connection: keep-alive, Upgrade", b"Sec-WebSocket-Version: 13",
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        def asked(headers):
            return self.status_of(b"\r\n".join([b"GET /$events/ HTTP/1.1", b"Host: 127.0.0.1", *headers, b"", b""]))
        self.assertEqual(101, asked(lines))
        for missing in lines:
            self.assertEqual(426, asked([line for line in lines if line != missing]), missing)
        for wrong in (b"Upgrade: h2c", b"Sec-WebSocket-Key: AAAA", b"Sec-WebSocket-Key: " + b"A" * 9000, b"Connection: close"):
            name = wrong.split(b":")[0]
            self.assertEqual(426, asked([wrong if line.startswith(name + b":") else line for line in lines]), wrong)

    def test_every_answer_has_a_date(self):
        for target in ("/healthz", "/v1/rev", "/nothing", "/v1/walk"):
            date = email.utils.parsedate_to_datetime(self.get(target).headers["Date"])
            self.assertLess(abs(date.timestamp() - time.time()), 60)

    def test_what_comes_behind_a_request_waits_in_bounds(self):
        s = self.raw(b"GET /v1/wait?glob=/never HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        s.setblocking(False)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += s.send(b"x" * 65536)
        except BlockingIOError:
            pass
        self.assertLess(sent, 64 << 20)
        self.assertEqual(200, self.get("/healthz").status)

    def test_clients_of_the_store_notice_nothing(self):
        """Half a request a connection, hundreds of them."""
        waiting = [self.raw(b"GET / HTTP/1.1\r\nHost:") for _ in range(300)]
        client = self.connect(self.doozerd)
        self.assertGreater(client.put("/x", b"1"), 0)
        before = self.doozerd.cpu_seconds()
        began = time.monotonic()
        lab.poll(lambda: time.monotonic() - began > 0.5)
        self.assertLess(self.doozerd.cpu_seconds() - before, 0.25, "it does nothing while it waits")
        self.assertEqual(200, self.get("/healthz").status)
        self.assertEqual(300, len(waiting))


class Secure(lab.Case):
    """doozerd(8): with -tlscert the web port is HTTPS"""

    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make certificates with")
        self.folder = tempfile.mkdtemp(prefix="doozer-web-")
        self.addCleanup(shutil.rmtree, self.folder)
        key, pem = (os.path.join(self.folder, n) for n in ("key", "pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", pem, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.web = self.port()
        self.doozerd = self.server("-tlscert", pem, "-tlskey", key, "-webwrite", web=("-w", self.web.address))
        lab.poll(lambda: "the web view is at https://" in self.doozerd.stderr())
        self.context_file = pem
        self.context = ssl.create_default_context(cafile=pem)
        self.context.set_alpn_protocols(["h2", "http/1.1"])  # as curl and browsers do

    def ask(self, method, target, body=None, headers=None):
        host, port = self.web.address.split(":")
        connection = web.http.client.HTTPSConnection(host, int(port), timeout=lab.DEADLINE, context=self.context)
        self.addCleanup(connection.close)
        connection.request(method, target, body, headers or {})
        return web.Answer(connection.getresponse())

    def test_reading_and_writing(self):
        value = os.urandom(1 << 20)
        self.assertEqual(200, self.ask("PUT", "/v1/file/x", value).status)
        self.assertEqual(value, self.ask("GET", "/v1/file/x?raw").body)
        self.assertEqual("ready\n", self.ask("GET", "/readyz").body.decode())
        self.context.set_alpn_protocols(["doozer"])
        self.assertRaises(ssl.SSLError, self.ask, "GET", "/readyz")
        self.context = ssl.create_default_context(cafile=self.context_file)
        own = "https://" + self.web.address
        self.assertEqual(200, self.ask("PUT", "/v1/file/x", b"", {"Origin": own}).status)
        self.assertEqual(403, self.ask("PUT", "/v1/file/x", b"", {"Origin": own.replace("https", "http")}).status)

    def test_only_suites_that_authenticate_what_they_encrypt(self):
        for port in (self.web, self.doozerd.port):
            for suites, is_spoken in (("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
                                      ("ECDHE-ECDSA-AES128-SHA256", False), ("ECDHE-ECDSA-AES256-SHA", False)):
                context = ssl.create_default_context(cafile=self.context_file)
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers(suites)
                host, number = port.address.split(":")
                with web.socket.create_connection((host, int(number)), lab.DEADLINE) as plain:
                    try:
                        context.wrap_socket(plain, server_hostname=host).close()
                        spoken = True
                    except OSError:
                        spoken = False
                self.assertIs(is_spoken, spoken, suites)

    def test_a_handshake_has_a_deadline_and_a_bound(self):
        host, port = self.web.address.split(":")
        def begun(data):
            s = web.socket.create_connection((host, int(port)), lab.DEADLINE)
            self.addCleanup(s.close)
            s.sendall(data)
            return s
        # A ClientHello of many records that never ends.
        record = b"\x16\x03\x01\x40\x00" + b"\x01\x01\xff\xfc" + b"r" * 16380
        endless = begun(b"")
        with self.assertRaises(OSError):
            for _ in range(64):
                endless.sendall(record)
                time.sleep(0.01)
        waiting = [begun(b""), begun(record[:100])]
        for s in waiting:
            s.settimeout(lab.DEADLINE + 15)
            self.assertEqual(b"", s.recv(4096))

    def test_without_tls_nothing_is_said(self):
        host, port = self.web.address.split(":")
        with web.socket.create_connection((host, int(port)), lab.DEADLINE) as plain:
            plain.sendall(b"GET /v1/file/ctl/name HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b""
            while chunk := plain.recv(4096):
                answer += chunk
        self.assertIn(b" 400 ", answer.split(b"\r\n")[0])
        self.assertIn(b"this port speaks HTTPS", answer)


if __name__ == "__main__":
    lab.main()
