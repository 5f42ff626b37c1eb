"""Sizes and numbers: what must fit, what is refused, and what one client's excess costs the others."""

import re
import resource
import socket
import time

import lab
from wire import CLOBBER, Closed, ERR, FAR, SET_FLAG, frame, request

MiB = 1 << 20


def flood(connection, data, times, between, refusals=50):
    """Sends `data` up to `times` times without ever waiting; calls `between` whenever the other side
    takes no more, and gives up when that was so `refusals` times on end. Returns whether it gave up."""
    connection.socket.setblocking(False)
    refused = 0
    for _ in range(times):
        left = memoryview(data)
        while left:
            try:
                left = left[connection.socket.send(left):]
                refused = 0
            except BlockingIOError:
                refused += 1
                if refused >= refusals:
                    return True
                between()
            except ConnectionError:
                return True
    return False


class Values(lab.Case):
    """protocol.md, Malformed input: value over about 2,980 bytes"""

    def test_every_size_up_to_the_default_limit(self):
        """accepted up to -maxvalue (default 1 MiB)"""
        c = self.client()
        sizes = [0, 1, 2, 126, 127, 128, 129, 2979, 2980, 2981, 2985, 3000, 10000, 16383, 16384, 65535, 65536, 65537,
                 100000, MiB // 2, MiB - 1, MiB]
        for size in sizes:
            value = bytes(n * 7 % 256 for n in range(min(size, 4096))) * (size // 4096 + 1)
            value = value[:size]
            rev = c.put("/v", value)
            self.assertAnswer(c.get("/v"), rev=rev, value=value)
            self.assertAnswer(c.stat("/v"), rev=rev, len=size)
            self.assertAnswer(c.walk("/v", 0), flags=SET_FLAG, rev=rev, path="/v", value=value)
            self.assertAnswer(c.wait("/v", rev), flags=SET_FLAG, rev=rev, path="/v", value=value)

    def test_above_the_limit(self):
        """above it OTHER with a detail naming the limit, and the connection lives"""
        c = self.client()
        before = c.rev()
        for size in (MiB + 1, 2 * MiB, 15 * MiB):
            self.assertOther(c.set("/v", bytes(size)), re.compile("1048576|1 ?MiB"))
        self.assertEqual(before, c.rev(), "refused before it enters the order")
        self.assertEqual({"rev"}, set(c.set("/v", b"small")))

    def test_a_smaller_limit(self):
        """doozerd(8): -maxvalue"""
        c = self.client("-maxvalue", "10")
        self.assertEqual({"rev"}, set(c.set("/v", bytes(10))))
        self.assertOther(c.set("/v", bytes(11)), re.compile(r"\b10\b"))
        self.assertEqual(10, c.stat("/v")["len"])

    def test_the_server_writes_its_own_files_under_any_limit(self):
        """data-model.md: what the server writes itself is no client's value"""
        c = self.client("-maxvalue", "1", pulse="0.02")
        rev = c.rev()
        path = "/ctl/node/%s/applied" % c.call("SELF")["value"].decode()
        self.assertGreater(c.wait(path, rev + 1)["rev"], rev)
        self.assertAnswer(c.set("/ctl/name", b"x", 0), err="REV_MISMATCH")
        self.assertEqual(b"rev mismatch", c.get("/ctl/err")["value"])

    def test_a_larger_limit_raises_the_limit_of_frames(self):
        """the frame limit is the value limit + 64 KiB, at least 16 MiB"""
        c = self.client("-maxvalue", str(20 * MiB))
        value = bytes(range(256)) * (20 * 4096)
        self.assertEqual({"rev"}, set(c.set("/v", value)))
        self.assertTrue(value == c.get("/v")["value"])
        self.assertOther(c.set("/v", value + b"x"), re.compile(str(20 * MiB) + "|20 ?MiB"))
        c.raw((20 * MiB + 64 * 1024 + 1).to_bytes(4, "big") + b"x" * 100)
        self.assertEqual([], c.end())

    def test_a_frame_at_the_limit_is_a_frame(self):
        """the frame limit is at least 16 MiB"""
        c = self.client()
        body = request("SET", tag=1, path="/v", rev=-1)
        filler = 16 * MiB - len(body) - 5
        body += b"\x2a" + bytes([filler & 127 | 128, filler >> 7 & 127 | 128, filler >> 14 & 127 | 128,
                                 filler >> 21]) + bytes(filler)
        self.assertEqual(16 * MiB, len(body))
        c.raw(frame(body))
        self.assertEqual(ERR["OTHER"], c.take(1)["err_code"])
        self.assertEqual({"rev"}, set(c.call("REV")))


class Outstanding(lab.Case):
    """protocol.md, Framing: a connection may have any number of requests outstanding"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)
        self.other = self.connect(self.server_)
        self.rev = self.c.rev()

    def take_all(self, tags):
        got = {}
        while len(got) < len(tags):
            one = self.c.next()
            got[one.pop("tag")] = one
        self.assertEqual(set(tags), set(got))
        return got

    def test_16384_at_once(self):
        """16,384 small ones always fit"""
        tags = range(1000, 1000 + 16384)
        self.c.raw(b"".join(frame(request("WAIT", tag=t, path="/o/%d" % t, rev=self.rev + 1)) for t in tags))
        self.assertStillWaiting(self.c, *tags[::1000])
        self.other.exchange([request("SET", tag=t, path="/o/%d" % t, value=b"v", rev=0) for t in tags])
        got = self.take_all(tags)
        for t in tags:
            self.assertEqual(("/o/%d" % t, b"v"), (got[t]["path"], got[t]["value"]))

    def test_20000_waits_woken_by_one_change(self):
        """never by an error"""
        tags = range(20000)
        self.c.raw(b"".join(frame(request("WAIT", tag=t, path="/one", rev=self.rev + 1)) for t in tags))
        self.c.call("REV", tag=20000)
        self.other.put("/one", b"v")
        expected = {"flags": SET_FLAG, "rev": self.rev + 1, "path": "/one", "value": b"v"}
        self.assertTrue(all(a == expected for a in self.take_all(tags).values()))

    def test_20000_reads_of_the_future(self):
        """above the present, the answer waits: as many as are asked"""
        tags = range(20000)
        self.c.raw(b"".join(frame(request("GET", tag=t, path="/one", rev=self.rev + 2)) for t in tags))
        self.c.call("REV", tag=20000)
        self.other.put("/one", b"1")
        self.other.put("/one", b"2")
        self.other.put("/one", b"3")
        expected = {"rev": self.rev + 2, "value": b"2"}
        self.assertTrue(all(a == expected for a in self.take_all(tags).values()))

    def test_16384_of_every_kind(self):
        """requests on one connection may be answered in any order"""
        c = self.c
        kinds = [("SET", {"path": "/k", "value": b"v", "rev": -1}), ("GET", {"path": "/k"}), ("NOP", {}),
                 ("STAT", {"path": "/k"}), ("WALK", {"path": "/ctl/name", "offset": 0}), ("REV", {}), ("SELF", {}),
                 ("GETDIR", {"path": "/ctl", "offset": 0}), ("DEL", {"path": "/gone", "rev": -1}),
                 ("ACCESS", {"value": b""}), ("WAIT", {"path": "/ctl/name", "rev": 1})]
        bodies = [request(kinds[t % len(kinds)][0], tag=t, **kinds[t % len(kinds)][1]) for t in range(16384)]
        got = c.exchange(bodies)
        self.assertEqual(set(range(16384)), {g["tag"] for g in got})
        self.assertFalse([g for g in got if "err_code" in g])


class SlowReaders(lab.Case):
    """A reader that does not read is no longer read from, and costs nobody else anything"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.witness = self.connect(self.server_)

    def idle(self):
        """A connection that will not read, with as little room as the kernel allows."""
        host, _, port = self.server_.address.rpartition(":")
        c = self.connect(self.server_)
        c.close()
        c.socket = socket.socket()
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.socket.connect((host, int(port)))
        self.addCleanup(c.socket.close)
        return c

    def work(self, count=300):
        """The slowest of `count` round trips of another client, in seconds."""
        worst = 0
        for n in range(count):
            began = time.monotonic()
            self.witness.put("/witness", b"%d" % n)
            worst = max(worst, time.monotonic() - began)
        return worst

    def test_memory_is_bounded(self):
        """connections with bounded buffers: 200 MiB of answers asked for and not read"""
        self.needs_figures_of_memory()
        self.witness.put("/big", bytes(MiB))
        before = self.server_.memory()
        c = self.idle()
        c.raw(b"".join(frame(request("GET", tag=t, path="/big")) for t in range(200)))
        self.work()
        self.assertLess(self.server_.memory() - before, 32 * MiB)
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MiB)  # it only has to read
        self.assertEqual(set(range(200)), {c.next()["tag"] for _ in range(200)})

    def test_memory_is_bounded_for_many_of_them(self):
        """bounded for each, and so for all: 40 that do not read"""
        self.needs_figures_of_memory()
        self.witness.put("/big", bytes(MiB))
        before = self.server_.memory()
        for _ in range(40):
            self.idle().raw(b"".join(frame(request("GET", tag=t, path="/big")) for t in range(100)))
        self.work()
        self.assertLess(self.server_.memory() - before, 160 * MiB)

    def test_writes_without_end_stop_being_read(self):
        """no longer read from: requests that nobody reads the answers of fill the sender's own buffers"""
        chunk = b"".join(frame(request("GET", path="/ctl/name")) for _ in range(1000))
        # Every time it takes no more the witness is answered, so the server had a turn.
        self.assertTrue(flood(self.idle(), chunk, 20000, lambda: self.witness.call("REV")))
        self.assertLess(self.work(), 1.0)

    def test_events_for_one_who_does_not_read(self):
        """-maxmem: tree, history and buffers are counted: 1 GiB of events to one connection"""
        self.needs_figures_of_memory()
        server = self.server_ = self.server("-maxmem", str(128 * MiB))
        self.witness = self.connect(server)
        before = server.memory()
        c = self.idle()
        rev = self.witness.rev() + 1
        c.raw(b"".join(frame(request("WAIT", tag=t, path="/event", rev=rev)) for t in range(4096)))
        c.raw(frame(request("REV", tag=5000)))
        self.assertEqual({"rev": rev - 1}, c.take(5000))
        self.witness.put("/event", bytes(256 * 1024))
        self.work()
        self.assertLess(server.memory() - before, 192 * MiB)
        try:
            for _ in range(100):
                self.assertEqual(rev, c.next()["rev"])
        except Closed:
            pass  # to drop who cannot keep up is a way to stay within the budget

    def test_others_are_served_meanwhile(self):
        """costs nobody else anything"""
        self.witness.put("/big", bytes(MiB))
        quick = self.work()
        for _ in range(20):
            self.idle().raw(b"".join(frame(request("GET", tag=t, path="/big")) for t in range(200)))
        self.assertLess(self.work(), max(0.25, 20 * quick))


class Fairness(lab.Case):
    """What one client asks for may take long; the others are served meanwhile"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.greedy = self.connect(self.server_)
        self.witness = self.connect(self.server_)

    def fill(self, count):
        self.greedy.exchange([request("SET", tag=n, path="/f/%d/%d" % (n % 50, n), rev=0) for n in range(count)])

    def served_while(self, bodies):
        """Another client's slowest round trip while these requests are worked on."""
        self.greedy.raw(b"".join(map(frame, bodies)))
        worst = 0
        for n in range(200):
            began = time.monotonic()
            self.witness.put("/witness", b"%d" % n)
            worst = max(worst, time.monotonic() - began)
        self.assertLess(worst, 1.0)
        return [self.greedy.next(60) for _ in bodies]

    def test_walks_that_match_nothing(self):
        """WALK looks at every file if it must, but not at a stretch"""
        self.fill(20000)
        got = self.served_while([request("WALK", tag=n, path="/f/**/nothing%d" % n, offset=0) for n in range(100)])
        self.assertEqual({ERR["RANGE"]}, {g["err_code"] for g in got})

    def test_waits_that_look_through_the_whole_past(self):
        """WAIT looks at every event since its revision if it must, but not at a stretch"""
        self.fill(20000)
        rev = self.greedy.rev()
        bodies = [request("WAIT", tag=n, path="/**nothing%d**" % n, rev=1) for n in range(100)]
        bodies += [request("WAIT", tag=1000 + n, path="/f/*/%d" % (20000 - 1 - n), rev=1) for n in range(100)]
        self.greedy.raw(b"".join(map(frame, bodies)))
        worst = 0
        for n in range(100):
            began = time.monotonic()
            self.witness.put("/nothing%d" % n)
            worst = max(worst, time.monotonic() - began)
        self.assertLess(worst, 1.0)
        # An event that comes while the past is still being looked through is not missed.
        got = {g["tag"]: g for g in (self.greedy.next(60) for _ in bodies)}
        for n in range(100):
            prefix = "/nothing%d" % n
            self.assertTrue(got[n]["path"].startswith(prefix), got[n])
            self.assertGreater(got[n]["rev"], rev)
            self.assertEqual("/f/%d/%d" % ((19999 - n) % 50, 19999 - n), got[1000 + n]["path"])

    def test_globs_made_to_be_slow(self):
        """Globs: `**` again and again is no reason to try every way of matching"""
        path = "/" + "a" * 2000
        self.witness.put(path)
        hostile = "/" + "**a" * 300 + "b"
        got = self.served_while([request("WALK", tag=n, path=hostile, offset=0) for n in range(20)])
        self.assertEqual({ERR["RANGE"]}, {g["err_code"] for g in got})
        for n in range(20):
            self.greedy.send("WAIT", tag=n, path=hostile, rev=self.witness.rev() + 1)
        began = time.monotonic()
        self.witness.put(path)
        self.greedy.call("REV", tag=99)
        self.assertLess(time.monotonic() - began, 5)

    def test_paths_as_deep_as_they_get(self):
        """a path of 1,400 components is set, found, listed and deleted like any other"""
        path = "/a" * 1400
        rev = self.greedy.put(path, b"deep")
        self.assertAnswer(self.greedy.get(path), rev=rev, value=b"deep")
        self.assertEqual([(path, rev, b"deep")], self.greedy.files("/a/**"))
        self.assertEqual(["a"], self.greedy.names(path[:-2]))
        self.assertAnswer(self.greedy.set(path + "/b", b"", 0), err="NOTDIR")
        self.assertAnswer(self.greedy.delete(path))
        self.assertEqual(["ctl"], self.greedy.names("/"))

    def test_halves_of_large_messages(self):
        """buffers are bounded for all connections together, and who sends small messages does not notice"""
        self.needs_figures_of_memory()
        server = self.server("-maxmem", str(32 * MiB))
        witness = self.connect(server)
        before = server.memory()
        half = (16 * MiB).to_bytes(4, "big") + bytes(8 * MiB)
        for _ in range(40):
            flood(self.connect(server), half, 1, lambda: witness.call("REV"), refusals=20)
        self.assertLess(server.memory() - before, 48 * MiB)
        for n in range(100):
            rev = witness.put("/w", bytes(1000))
            self.assertEqual({"rev": rev, "value": bytes(1000)}, witness.get("/w"))


class ManyConnections(lab.Case):
    COUNT = 2000

    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < self.COUNT + 200:
            self.skipTest("%d descriptors allowed" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_2000_with_a_wait_each_woken_by_one_set(self):
        """connections with a WAIT each are ordinary (the soft limit of descriptors is raised)"""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        server = self.server(limits={resource.RLIMIT_NOFILE: (64, hard)})
        writer = self.connect(server)
        rev = writer.rev() + 1
        crowd = [self.connect(server) for _ in range(self.COUNT)]
        for c in crowd:
            c.send("WAIT", tag=1, path="/gong", rev=rev)
        for c in crowd:
            c.call("REV", tag=2)
        writer.put("/gong", b"now")
        for c in crowd:
            self.assertAnswer(c.take(1), flags=SET_FLAG, rev=rev, path="/gong", value=b"now")
        for c in crowd:
            c.close()
        self.assertEqual({"rev"}, set(writer.set("/after")))

    def test_more_than_there_are_descriptors(self):
        """a connection that is refused is logged; those there are served, and new ones once others left"""
        if lab.OPTIONS.sanitized:
            self.skipTest("the sanitizer itself needs descriptors to look at memory")
        server = self.server(limits={resource.RLIMIT_NOFILE: (48, 48)})
        first = self.connect(server)
        first.rev()
        lines = len(server.log_lines())
        crowd = [self.connect(server) for _ in range(100)]
        lab.poll(lambda: len(server.log_lines()) > lines, why="a line about a refused connection")
        began, cpu = time.monotonic(), server.cpu_seconds()
        while time.monotonic() - began < 0.5:
            first.put("/served")
            time.sleep(0.01)
        self.assertLess(server.cpu_seconds() - cpu, 0.35, "seconds of 0.5 spent on refusing")
        self.assertLess(len(server.log_lines()), lines + 150)
        for c in crowd:
            c.close()
        self.assertEqual({"rev"}, set(self.answered(server)))

    def answered(self, server):
        def attempt():
            try:
                return self.connect(server).call("REV", seconds=1)
            except (Closed, OSError):
                return None
        return lab.poll(attempt, why="a connection served after others left")


class Memory(lab.Case):
    """-maxmem: at the limit a SET is refused (OTHER "store full"), DEL still works, reads go on"""

    LIMIT = 32 * MiB
    CHUNK = bytes(64 * 1024)

    def fill(self, *flags):
        self.server_ = self.server("-maxmem", str(self.LIMIT), "-histbytes", str(MiB), *flags, pulse="0.05")
        self.c = self.connect(self.server_)
        count = 0
        while True:
            got = self.c.set("/full/%d" % count, self.CHUNK, 0)
            if "err_code" in got:
                break
            count += 1
            self.assertLess(count * len(self.CHUNK), 2 * self.LIMIT, "the limit does not hold")
        self.assertOther(got, re.compile("^store full"))
        self.assertGreater(count * len(self.CHUNK), self.LIMIT // 4, "full when it is not")
        return count

    def test_a_set_is_refused(self):
        """at the limit a SET is refused (OTHER "store full"), and nothing changes"""
        count = self.fill()
        c = self.c
        for _ in range(20):
            self.assertOther(c.set("/more", self.CHUNK, 0), re.compile("^store full"))
        self.assertAnswer(c.get("/more"), rev=0, value=b"")
        self.assertAnswer(c.stat("/full"), rev=-2, len=count)
        if not lab.OPTIONS.sanitized:
            self.assertLess(self.server_.memory(), self.LIMIT * 2)

    def test_reads_go_on(self):
        """reads go on, and WAIT and what needs no memory"""
        count = self.fill()
        c = self.c
        for n in range(count):
            self.assertEqual(len(self.CHUNK), c.stat("/full/%d" % n)["len"])
        self.assertTrue(self.CHUNK == c.get("/full/0")["value"])
        self.assertEqual(count, len(c.names("/full")))
        self.assertEqual("/full/0", c.walk("/full/*", 0)["path"])
        self.assertEqual({"value"}, set(c.call("SELF")))
        tag = c.send("WAIT", path="/full/0", rev=c.rev() + 1)
        self.assertStillWaiting(c, tag)
        self.assertAnswer(self.other(c).delete("/full/0"))
        self.assertEqual("/full/0", c.take(tag)["path"])

    def test_del_works_and_then_set_works_again(self):
        """DEL still works, and makes room"""
        count = self.fill()
        for n in range(count // 2):
            self.assertAnswer(self.c.delete("/full/%d" % n))
        lab.poll(lambda: "rev" in self.c.set("/again", self.CHUNK), why="room after deleting half")
        self.assertTrue(self.CHUNK == self.c.get("/again")["value"])

    def test_the_server_goes_on_writing_its_own(self):
        """data-model.md: applied is written every -pulse, full or not"""
        self.fill()
        path = "/ctl/node/%s/applied" % self.c.call("SELF")["value"].decode()
        rev = self.c.rev()
        for _ in range(3):
            rev = self.c.wait(path, rev + 1)["rev"]

    def test_overwriting_does_not_fill_it(self):
        """-histbytes: the history gives way before the store is full"""
        self.server_ = self.server("-maxmem", str(self.LIMIT), "-histbytes", str(4 * MiB), pulse="0.05")
        c = self.connect(self.server_)
        for n in range(2000):
            self.assertEqual({"rev"}, set(c.set("/same", self.CHUNK)), n)

    def test_small_files_count_with_what_they_cost(self):
        """tree, history and buffers are counted, not only values"""
        limit = 16 * MiB
        server = self.server("-maxmem", str(limit), "-histbytes", str(MiB), pulse="0.05")
        c = self.connect(server)
        full = None
        for at in range(0, 200000, 5000):
            got = c.exchange([request("SET", tag=t, path="/small/%d/%d" % (t % 100, at + t), rev=CLOBBER)
                              for t in range(5000)])
            full = [g for g in got if "err_code" in g]
            if full:
                break
        self.assertTrue(full, "200,000 files fit into 16 MiB?")
        self.assertRegex(full[0]["err_detail"], "^store full")
        if not lab.OPTIONS.sanitized:
            self.assertLess(server.memory(), limit + 32 * MiB)
        self.assertEqual({"rev"}, set(c.call("REV")))

    def test_waits_are_counted(self):
        """-maxmem: one budget: a million WAITs do not take the server beyond it"""
        self.needs_figures_of_memory()
        server = self.server("-maxmem", str(self.LIMIT))
        witness = self.connect(server)
        before = server.memory()
        glob = "/" + "x" * 1000
        batch = b"".join(frame(request("WAIT", path=glob, rev=FAR)) for _ in range(500))
        for _ in range(6):
            flood(self.connect(server), batch, 40, lambda: witness.call("REV"))
        witness.call("REV")
        self.assertLess(server.memory() - before, 3 * self.LIMIT, "120 MB of globs are waited for")
        self.assertEqual({"rev", "value"}, set(witness.get("/ctl/name")))


if __name__ == "__main__":
    lab.main()
