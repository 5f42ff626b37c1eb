"""`doozer watch`, and what happens to it and to `wait` when servers are lost and come back."""

import os
import select
import signal
import time

import lab
from relay import Relay
from wire import CLOBBER, request

from usage import USAGE


class Watching(lab.Process):
    """A running `doozer watch` (or any command that prints records)."""

    def __init__(self, *words, env=None, stdin=None):
        self.read_end, write_end = os.pipe()
        super().__init__([lab.OPTIONS.doozer, *words], env=env, stdout=write_end, stdin=stdin)
        os.close(write_end)
        self.unread = b""

    def kill(self):
        super().kill()
        self.hang_up()

    def hang_up(self):
        if self.read_end is not None:
            os.close(self.read_end)
            self.read_end = None

    def _fill(self, end):
        if not select.select([self.read_end], [], [], max(0, end - time.monotonic()))[0]:
            raise AssertionError("no record in time, only %r" % self.unread)
        data = os.read(self.read_end, 1 << 16)
        if not data:
            raise EOFError("%r; exit %s: %s" % (self.unread, self.popen.wait(), self.stderr()))
        self.unread += data

    def record(self, seconds=lab.DEADLINE):
        """The next record: (path, rev, kind, body)."""
        end = time.monotonic() + seconds
        while b"\n" not in self.unread:
            self._fill(end)
        header, _, self.unread = self.unread.partition(b"\n")
        path, rev, kind, size = header.decode().split(" ")
        while len(self.unread) <= int(size):
            self._fill(end)
        body, line_feed, self.unread = (self.unread[:int(size)], self.unread[int(size):int(size) + 1],
                                        self.unread[int(size) + 1:])
        if line_feed != b"\n":
            raise AssertionError("no LF behind the body of %r" % header)
        return path, int(rev), kind, body

    def records(self, count):
        return [self.record() for _ in range(count)]


class Case(lab.Case):
    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)

    def watch(self, *words, at=None, env=None):
        """A watch that is known to be watching from the given revision on."""
        at = at or self.server_.uri()
        return self.keep(Watching("-a", at, "watch", *words, env=env))

    def never(self):
        """A standard input on which nothing comes, and no end."""
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        return read_end

    def relay(self, server=None):
        relay = Relay(self.port(), (server or self.server_).address)
        self.addCleanup(relay.close)
        return relay

    def next(self):
        return str(self.c.rev() + 1)


class Watch(Case):
    """doozer(1): watch <glob>"""

    def test_records(self):
        """the same records, for ever, each flushed at once"""
        w = self.watch("-r", self.next(), "/k*")
        rev = self.c.put("/k", b"one")
        self.assertEqual(("/k", rev, "set", b"one"), w.record())
        self.c.put("/else", b"no")
        self.c.put("/k", b"two\nlines\n")
        self.assertEqual(("/k", rev + 2, "set", b"two\nlines\n"), w.record())
        self.c.delete("/k")
        self.assertEqual(("/k", rev + 3, "del", b""), w.record())
        self.c.put("/k2", bytes(range(256)))
        self.assertEqual(("/k2", rev + 4, "set", bytes(range(256))), w.record())
        self.assertTrue(w.alive())

    def test_nops_and_failed_changes(self):
        """for a NOP the third field is empty; /ctl/err is a file"""
        w = self.watch("-r", self.next(), "/**")
        rev = self.c.rev()
        self.c.nop()
        self.c.set("/ctl/name", b"x", 0)
        self.assertEqual([("/", rev + 1, "", b""), ("/ctl/err", rev + 2, "set", b"rev mismatch")], w.records(2))

    def test_from_the_past_on(self):
        """-r: from that revision on"""
        revs = [self.c.put("/p/%d" % n, b"%d" % n) for n in range(500)]
        w = self.watch("-r", str(revs[0]), "/p/*")
        self.assertEqual([("/p/%d" % n, revs[n], "set", b"%d" % n) for n in range(500)], w.records(500))
        rev = self.c.put("/p/new")
        self.assertEqual(("/p/new", rev, "set", b""), w.record())

    def test_from_the_present_on(self):
        """without -r what comes is shown, and nothing that was there before"""
        self.c.put("/old/1")
        self.c.nop()
        w = self.watch("/old/*")
        seen = []
        for n in range(2, 100000):  # until the watch is there
            rev = self.c.put("/old/%d" % n)
            if select.select([w.read_end], [], [], 0.005)[0]:
                break
        first = w.record()
        self.assertNotEqual("/old/1", first[0])
        seen = [first] + [w.record() for _ in range(rev - first[1])]
        self.assertEqual(list(range(first[1], rev + 1)), [r[1] for r in seen], "no change is left out")

    def test_many_while_it_watches(self):
        """every change, once, in order"""
        w = self.watch("-r", self.next(), "/m/**")
        base = self.c.rev()
        self.c.exchange([request("SET", tag=n, path="/m/%d" % (n % 10), value=b"%d" % n, rev=CLOBBER)
                         for n in range(5000)])
        got = w.records(5000)
        self.assertEqual([(base + 1 + n, b"%d" % n) for n in range(5000)], [(r[1], r[3]) for r in got])

    def test_malformed_glob(self):
        """Errors: with `: detail` where the server sent one"""
        for glob in ("/[", "a", ""):
            got = self.doozer(self.server_, "watch", glob)
            self.assertEqual((2, b"", "Error: OTHER: invalid glob pattern: %s\n" % glob),
                             (got.code, got.stdout, got.stderr))

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        got = self.doozer(self.server_, "watch")
        self.assertEqual((127, USAGE["watch"].encode(), "watch: wrong number of arguments\n"),
                         (got.code, got.stdout, got.stderr))

    def test_a_revision_that_is_gone(self):
        """below the history: an error that names TOO_LATE, exit 2"""
        server = self.server("-hist", "20", pulse="0.05")
        c = self.connect(server)
        c.exchange([request("NOP", tag=n) for n in range(200)])
        lab.poll(lambda: "err_code" in c.wait("/**", 1), why="collection of history")
        for command in ("watch", "wait"):
            got = self.doozer(server, command, "-r", "1", "/**")
            self.assertEqual((2, b""), (got.code, got.stdout))
            self.assertOneLine(got.stderr, "^Error: TOO_LATE")

    def test_its_reader_goes_away(self):
        """a watch whose output nobody can read any more ends"""
        w = self.watch("-r", self.next(), "/k")
        self.c.put("/k")
        w.record()
        w.hang_up()

        def ended():
            self.c.put("/k")
            return not w.alive()
        lab.poll(ended, why="the end of a watch without a reader")

    def test_interrupted(self):
        """Ctrl-C ends it at once"""
        w = self.watch("-r", self.next(), "/k")
        self.c.put("/k")
        w.record()
        w.popen.send_signal(signal.SIGINT)
        self.assertNotEqual(0, w.wait(5))


class LostServers(Case):
    """doozer(1), URI: a client takes any of the addresses and goes to another when the connection is
    lost; the watch goes on behind the last event that it delivered"""

    def test_the_connection_is_lost_and_comes_back(self):
        """no event is missed or repeated, over and over"""
        relay = self.relay()
        w = self.watch("-r", self.next(), "/k", at="doozer:?ca=" + relay.address)
        revs = []
        for n in range(4):
            revs.append(self.c.put("/k", b"before"))
            self.assertEqual(("/k", revs[-1], "set", b"before"), w.record())
            relay.lose()
            for _ in range(5):
                revs.append(self.c.put("/k", b"%d" % n))
                self.assertEqual(("/k", revs[-1], "set", b"%d" % n), w.record())

    def test_changes_while_there_is_no_server(self):
        """what happened meanwhile is told afterwards"""
        relay = self.relay()
        w = self.watch("-r", self.next(), "/k", at="doozer:?ca=" + relay.address)
        rev = self.c.put("/k", b"0")
        self.assertEqual(("/k", rev, "set", b"0"), w.record())
        relay.refuse()
        for n in range(1, 50):
            self.c.put("/k", b"%d" % n)
        relay.listen()
        self.assertEqual([("/k", rev + n, "set", b"%d" % n) for n in range(1, 50)], w.records(49))

    def test_it_goes_to_another_address(self):
        """a client takes any of the addresses and goes to another when the connection is lost"""
        one, two = self.relay(), self.relay()
        w = self.watch("-r", self.next(), "/k", at="doozer:?ca=%s&ca=%s" % (one.address, two.address))
        for _ in range(3):
            rev = self.c.put("/k", b"x")
            self.assertEqual(("/k", rev, "set", b"x"), w.record())
            live = one if one.carries() else two
            live.refuse()
            rev = self.c.put("/k", b"y")
            self.assertEqual(("/k", rev, "set", b"y"), w.record())
            live.listen()

    def test_a_gap_in_the_history_is_named(self):
        """a watch that comes back below the history ends with an error that names the gap"""
        server = self.server("-hist", "20", pulse="0.05")
        c = self.connect(server)
        relay = self.relay(server)
        w = self.watch("-r", str(c.rev() + 1), "/k", at="doozer:?ca=" + relay.address)
        rev = c.put("/k", b"seen")
        self.assertEqual(("/k", rev, "set", b"seen"), w.record())
        relay.refuse()
        c.put("/k", b"missed")
        c.exchange([request("NOP", tag=n) for n in range(200)])
        lab.poll(lambda: "err_code" in c.wait("/**", rev + 1), why="collection of history")
        relay.listen()
        self.assertEqual(2, w.wait())
        self.assertOneLine(w.stderr(), r"^Error: TOO_LATE: .*\b%d\b" % (rev + 1))

    def lose_the_store(self, *words):
        """The command has seen a change; then its server is killed and an empty one started there.
        Returns the command, and a connection to the new server."""
        port = self.port()
        server = self.server(port=port)
        c = self.connect(server)
        w = self.watch("-r", str(c.rev() + 1), *words, "/k", at=server.uri())
        c.exchange([request("NOP", tag=n) for n in range(100)])
        rev = c.put("/k", b"old")
        self.assertEqual(("/k", rev, "set", b"old"), w.record())
        server.kill()
        return w, self.connect(self.server(port=port))

    def test_its_server_comes_back_empty(self):
        """the watch ends with a clear error, and is not blind: the new store counts anew"""
        w, _ = self.lose_the_store()
        self.assertEqual(2, w.wait())
        self.assertOneLine(w.stderr(), r"^Error: 127\.0\.0\.1:\d+ has another store than the one that this client has used: ")

    def test_its_server_comes_back_empty_and_it_begins_anew(self):
        """-anew: it says so and goes on with the first change of the new store"""
        w, c = self.lose_the_store("-anew")
        new = c.put("/k", b"new")
        self.assertEqual(("/k", new, "set", b"new"), w.record())
        self.assertOneLine(w.stderr(), r"has another store than .*; beginning anew$")

    def test_wait_and_get_whose_server_comes_back_empty(self):
        """not only a watch waits for a revision that may never come"""
        for command in "wait", "get":
            port = self.port()
            server = self.server(port=port)
            far = str(self.connect(server).rev() + 1000)
            relay = self.relay(server)
            w = self.keep(Watching("-a", "doozer:?ca=" + relay.address, command, "-r", far, "/k"))
            lab.poll(lambda: b"/k" in relay.asked, why="the question")
            server.kill()
            self.server(port=port)
            relay.lose()
            self.assertEqual(2, w.wait())
            self.assertOneLine(w.stderr(), "^Error: .* has another store than the one that this client has used: ")

    def test_every_command_ends_in_time(self):
        """-t bounds every command, not only wait: also where the answer, or the body, never comes"""
        relay = self.relay()
        for words in ["get", "-r", "99999999", "-t", "300ms", "/k"], ["stat", "-r", "99999999", "-t", "300ms", "/k"], \
                     ["find", "-r", "99999999", "-t", "300ms", "/"], ["set", "-t", "300ms", "/k", "-1"]:
            p = self.keep(Watching("-a", "doozer:?ca=" + relay.address, *words, stdin=self.never()))
            self.assertEqual(2, p.wait(5), words)
            self.assertOneLine(p.stderr(), "^Error: no (answer|body on standard input) in time$")
        relay.refuse()
        p = self.keep(Watching("-a", "doozer:?ca=" + relay.address, "-t", "300ms", "rev"))
        self.assertEqual(2, p.wait(4))

    def test_it_ends_in_time(self):
        """-t bounds a watch, too"""
        w = self.watch("-r", self.next(), "-t", "1s", "/k")
        rev = self.c.put("/k", b"v")
        self.assertEqual(("/k", rev, "set", b"v"), w.record())
        self.assertEqual(2, w.wait(5))
        self.assertEqual("Error: wait timeout\n", w.stderr())

    def test_wait_goes_on_too(self):
        """wait: the connection is lost before the change"""
        relay = self.relay()
        w = self.keep(Watching("-a", "doozer:?ca=" + relay.address, "wait", "-r", self.next(), "/k"))
        for _ in range(3):
            lab.poll(lambda: b"/k" in relay.asked, why="the question")
            relay.lose()
        lab.poll(lambda: b"/k" in relay.asked, why="the question")
        rev = self.c.put("/k", b"v")
        self.assertEqual(("/k", rev, "set", b"v"), w.record())
        self.assertEqual(0, w.wait())

    def test_a_timeout_holds_without_a_server(self):
        """-t counts while there is no server"""
        relay = self.relay()
        w = self.keep(Watching("-a", "doozer:?ca=" + relay.address, "wait", "-t", "1s", "-r", self.next(), "/k"))
        lab.poll(lambda: b"/k" in relay.asked, why="the question")
        relay.refuse()
        self.assertEqual(2, w.wait(5))
        self.assertEqual("Error: wait timeout\n", w.stderr())

    def test_a_write_whose_answer_is_lost_is_not_repeated(self):
        """a write whose outcome is unknown is never retried without saying so"""
        relay = self.relay()
        before = self.c.rev()
        for _ in range(6):
            # The connection is lost at a random moment of the command's life.
            carried = relay.carried
            p = self.keep(Watching("-a", "doozer:?ca=" + relay.address, "nop"))
            lab.poll(lambda: relay.carried > carried or not p.alive(), why="a connection")
            relay.lose()
            code = p.wait()
            self.assertIn(code, (0, 2))
            if code == 2:
                self.assertOneLine(p.stderr(), "^Error: ")
        self.assertLessEqual(self.c.rev() - before, 6)


if __name__ == "__main__":
    lab.main()
