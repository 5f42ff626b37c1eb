"""What the web view may cost others: memory, time and connections, whoever asks for what.
docs/web.md, Limits."""

import http.client
import json
import resource
import socket
import threading
import time

import lab
import web

MIB = 1 << 20
MEMORY = 64 * MIB
SLACK = 64 * MIB  # what the process has besides its budget
EVIL = b"\x01"    # six bytes as JSON


class Prober(threading.Thread):
    """An honest client of the store, which asks for something small again and again."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection, self.waits, self.goes_on = connection, [], True
        self.start()

    def run(self):
        while self.goes_on:
            began = time.monotonic()
            self.connection.call("REV")
            self.waits.append(time.monotonic() - began)
            time.sleep(0.005)

    def end(self):
        self.goes_on = False
        self.join()
        return sorted(self.waits)


class Case(web.Case):
    def slow(self, data):
        """A connection that asks and reads nothing."""
        host, _, port = self.web.address.rpartition(":")
        s = socket.socket()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(lab.DEADLINE)
        s.connect((host, int(port)))
        s.sendall(data)
        return s

    def status(self, s):
        line = s.recv(4096).split(b"\r\n")[0]
        return int(line.split()[1]) if line else None

    def get_of(self, target, *headers):
        return b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: 127.0.0.1", *headers, b"", b""])

    def metric(self, name):
        for line in self.get("/metrics", secret=self.reads_with).body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError("no figure " + name)

    reads_with = None

    def assertMemoryIsBounded(self):
        if not lab.OPTIONS.sanitized:
            self.assertLess(self.doozerd.memory(), MEMORY + SLACK)


class Bodies(Case):
    flags = ("-webwrite", "-maxmem", str(MEMORY), "-maxvalue", str(8 * MIB))
    env = {"DOOZER_RWSECRET": "rw", "DOOZER_ROSECRET": "ro"}
    reads_with = "ro"

    def put_of(self, size, *headers, method=b"PUT", target=b"/v1/file/x"):
        return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1",
                             b"Content-Length: %d" % size, *headers, b"", b""])

    def authorization(self, secret):
        return b"Authorization: " + web.basic(secret).encode()

    def test_what_is_refused_is_refused_at_the_header(self):
        """Nothing of the body is sent."""
        for status, data in (
                (401, self.put_of(8 * MIB)),
                (401, self.put_of(8 * MIB, self.authorization("ro"))),
                (401, self.put_of(8 * MIB, self.authorization("wrong"))),
                (413, self.put_of(8 * MIB + 1, self.authorization("rw"))),
                (404, self.put_of(8 * MIB, target=b"/nothing")),
                (405, self.put_of(8 * MIB, method=b"POST")),
                (413, self.put_of(8 * MIB, self.authorization("ro"), method=b"GET")),
                (403, self.put_of(8 * MIB, self.authorization("rw"), b"Origin: http://evil.example"))):
            s = self.raw(data)
            self.assertEqual(status, self.status(s), data)

    def test_who_is_refused_can_read_why(self):
        """A client that sends all of its body before it reads."""
        for _ in range(5):
            self.assertError(self.put("/x", b"v" * (8 * MIB), secret="ro"), 401, "OTHER")

    def test_bodies_without_rights_take_no_memory(self):
        for _ in range(60):
            s = self.raw(self.put_of(8 * MIB))
            try:
                s.sendall(b"x" * (8 * MIB - 1))
            except OSError:
                pass  # it was refused, and closed
        self.assertMemoryIsBounded()
        self.assertEqual(200, self.put("/x", b"v" * (8 * MIB), secret="rw").status)

    def test_bodies_that_do_not_fit_are_refused(self):
        held = [self.raw(self.put_of(8 * MIB, self.authorization("rw"))) for _ in range(8)]
        for s in held:
            try:
                s.sendall(b"x" * (8 * MIB - 1))
            except OSError:
                pass
        refused = []
        lab.poll(lambda: self.metric("doozer_web_buffer_bytes") > 0)
        for s in held:
            s.settimeout(0.5)
            try:
                refused.append(s.recv(4096))
            except OSError:
                pass  # it is waited for
        self.assertTrue(refused)
        for answer in refused:
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 ") or answer == b"", answer)
        self.assertIn(b"Retry-After: 1\r\n", b"".join(refused))
        self.assertMemoryIsBounded()

    def test_slow_bodies_make_room_for_others(self):
        slow = [self.raw(self.put_of(8 * MIB, self.authorization("rw"))) for _ in range(8)]
        self.assertEqual(8, len(slow))
        lab.poll(lambda: self.put("/x", b"v" * (8 * MIB), secret="rw").status == 200,
                 why="an honest body in place of a slow one")

    def test_a_body_in_chunks_is_counted_too(self):
        s = self.raw(b"PUT /v1/file/x HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n" +
                     self.authorization("rw") + b"\r\n\r\n")
        with self.assertRaises((OSError, AssertionError)):
            for _ in range(16):
                s.sendall(b"100000\r\n" + b"x" * MIB + b"\r\n")
            self.assertNotEqual(413, self.status(s))
        self.assertEqual(200, self.put("/x", b"1", secret="rw").status)

    def test_leave_to_go_on_is_given_to_those_who_may(self):
        s = self.raw(self.put_of(2, self.authorization("rw"), b"Expect: 100-continue"))
        self.assertEqual(100, self.status(s))
        s.sendall(b"ok")
        self.assertEqual(200, self.status(s))
        self.assertEqual(401, self.status(self.raw(self.put_of(2, b"Expect: 100-continue"))))

    def test_requests_behind_a_refused_body_are_not_heard(self):
        s = self.raw(self.put_of(100) + self.get_of(b"/healthz"))
        answer = b""
        while chunk := s.recv(4096):
            answer += chunk
        self.assertEqual(1, answer.count(b"HTTP/1.1 "), answer)


class Answers(Case):
    flags = ("-webwrite", "-maxmem", str(MEMORY))

    def fill(self, files, value):
        client = self.connect(self.doozerd)
        for i in range(files):
            client.put("/f/%02d" % i, value)
        return client

    def assertNobodyWaits(self, prober):
        """The bound is for a machine that is busy with other tests. Without the steps that answers
        are made in, it was 14 seconds."""
        waits = prober.end()
        self.assertGreater(len(waits), 20)
        self.assertLess(waits[len(waits) // 2], 0.1)
        self.assertLess(waits[-1], 2.0)

    def attack(self, requests, seconds=3.0):
        prober = Prober(self.connect(self.doozerd))
        slow = [self.slow(data) for data in requests]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertMemoryIsBounded()
            time.sleep(0.1)
        self.assertNobodyWaits(prober)
        self.assertMemoryIsBounded()
        return slow

    def test_slow_readers_of_large_listings(self):
        self.fill(9, EVIL * 1000000)
        self.attack([self.get_of(b"/v1/walk?glob=/f/*")] * 60)

    def test_slow_readers_of_a_large_file_and_its_history(self):
        self.fill(3, EVIL * 1000000)
        self.attack([self.get_of(b"/v1/file/f/01")] * 20 + [self.get_of(b"/v1/history/f/01")] * 20 +
                    [self.get_of(b"/v1/file/f/01?raw")] * 20)

    def test_slow_pages(self):
        self.fill(16, EVIL * 1000000)
        self.attack([self.get_of(b"/$events/", b"Upgrade: websocket", b"Connection: Upgrade",
                                 b"Sec-WebSocket-Version: 13",
                                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")] * 40)

    def test_slow_streams_of_large_changes(self):
        client = self.fill(1, b"")
        slow = [self.slow(self.get_of(b"/v1/watch?glob=/**")) for _ in range(60)]
        prober = Prober(self.connect(self.doozerd))
        for i in range(12):
            client.put("/f/%d" % (i % 3), EVIL * 1000000)
        lab.poll(lambda: len(prober.waits) > 20)
        self.assertNobodyWaits(prober)
        self.assertMemoryIsBounded()
        self.assertEqual(60, len(slow))

    def test_those_who_ask_for_figures_all_the_time(self):
        self.fill(1, b"")
        self.attack([self.get_of(b"/metrics") * 200] * 100 + [self.get_of(b"/v1/cluster") * 200] * 50)

    def test_who_reads_is_served_while_others_do_not(self):
        self.fill(9, EVIL * 1000000)
        slow = [self.slow(self.get_of(b"/v1/walk?glob=/f/*")) for _ in range(60)]
        self.assertEqual([EVIL.decode() * 1000000] * 8,
                         [f["value"] for f in self.get("/v1/walk?glob=/f/*&limit=8").json["files"]])
        self.assertEqual(60, len(slow))

    def test_a_large_answer_is_what_a_small_one_would_be(self):
        client = self.connect(self.doozerd)
        values = {"/a/text": "\u00e9\"\\\n\x01" * 30000, "/a/binary": b"\xff\0" * 50000, "/a/none": b""}
        for path, value in values.items():
            client.put(path, value if isinstance(value, bytes) else value.encode())
        walk = self.get("/v1/walk?glob=/a/*")
        self.assertEqual("chunked", walk.headers["Transfer-Encoding"])
        self.assertIsNone(walk.headers["Content-Length"])
        files = {f["path"]: f for f in walk.json["files"]}
        self.assertEqual(values["/a/text"], files["/a/text"]["value"])
        self.assertEqual(web.base64.b64encode(values["/a/binary"]).decode(), files["/a/binary"]["base64"])
        self.assertEqual("", files["/a/none"]["value"])
        self.assertEqual(values["/a/text"], self.get("/v1/file/a/text").json["value"])
        self.assertEqual(values["/a/text"], self.get("/v1/history/a/text").json["changes"][0]["value"])
        page = self.page("/a/")
        bodies = {m["Path"]: m.get("Body") for m in (page.next() for _ in range(3))}
        self.assertEqual(values["/a/text"], bodies["/text"])
        events = self.events("?glob=/a/text&rev=1")
        self.assertEqual(values["/a/text"], events.next()[2]["value"])
        small = self.get("/v1/walk?glob=/a/none")
        self.assertEqual(str(len(small.body)), small.headers["Content-Length"])

    def test_who_knows_no_chunks_gets_none(self):
        self.fill(1, b"v" * 200000)
        s = self.raw(b"GET /v1/walk?glob=/f/* HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
        head, body = answer.split(b"\r\n\r\n", 1)
        self.assertNotIn(b"chunked", head)
        self.assertEqual("v" * 200000, json.loads(body)["files"][0]["value"])

    def test_the_head_alone(self):
        self.fill(1, b"v" * 200000)
        connection = self.http()
        for target in ("/v1/walk?glob=/f/*", "/v1/file/f/00", "/v1/history/f/00", "/v1/list/f"):
            connection.request("HEAD", target)
            answer = web.Answer(connection.getresponse())
            self.assertEqual((200, b""), (answer.status, answer.body), target)

    def test_one_connection_for_many_answers(self):
        self.fill(1, b"v" * 200000)
        connection = self.http()
        for _ in range(5):
            for target in ("/v1/walk?glob=/f/*", "/v1/rev", "/v1/file/f/00", "/nothing"):
                connection.request("GET", target)
                answer = web.Answer(connection.getresponse())
                self.assertEqual(404 if target == "/nothing" else 200, answer.status)
                json.loads(answer.body)


class History(Case):
    flags = ("-webwrite", "-hist", "50")

    def test_a_listing_whose_revision_goes_says_where_to_go_on(self):
        """It is read slowly, and the history goes on meanwhile."""
        client = self.connect(self.doozerd)
        for i in range(40):
            client.put("/f/%02d" % i, b"v" * 500000)
        s = self.slow(self.get_of(b"/v1/walk?glob=/f/*&limit=16", b"Connection: close"))
        s.recv(1)
        for i in range(100):
            client.put("/g", b"%d" % i)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        response = http.client.HTTPResponse(_Rest(b"H", s))
        response.begin()
        answer = json.loads(response.read())
        self.assertEqual(["/f/%02d" % i for i in range(len(answer["files"]))], [f["path"] for f in answer["files"]])
        self.assertEqual(len(answer["files"]), answer["next"])


class _Rest:
    """A socket of which the first bytes were read already."""

    def __init__(self, first, s):
        self.first, self.socket = first, s

    def makefile(self, mode):
        return _File(self.first, self.socket.makefile(mode))


class _File:
    def __init__(self, first, file):
        self.first, self.file = first, file

    def readline(self, *limit):
        first, self.first = self.first, b""
        return first + self.file.readline(*limit)

    def __getattr__(self, name):
        return getattr(self.file, name)


class Connections(Case):
    limits = {resource.RLIMIT_NOFILE: (256, 256)}
    flags = ("-webwrite",)

    def start_web(self, *flags, **more):
        return super().start_web(*flags, limits=self.limits, **more)

    def test_silent_ones_shut_nobody_out(self):
        events = self.events("?glob=/w/*")
        silent = []
        for _ in range(10):
            silent += [self.raw() for _ in range(30)]
            self.assertEqual(200, self.get("/healthz").status)
            self.assertGreater(self.connect(self.doozerd).put("/w/x", b""), 0)
            self.assertEqual("/w/x", events.next()[2]["path"])
        self.assertEqual(300, len(silent))
        self.assertLess(self.doozerd.stderr().count("closed a web connection"), 60, "the log is bounded")

    def test_a_header_has_a_deadline(self):
        s = self.raw(b"GET / HTTP/1.1\r\nHost:")
        s.settimeout(lab.DEADLINE + 15)
        self.assertEqual(408, self.status(s))


if __name__ == "__main__":
    lab.main()
