"""What is kept of the past: -hist, -histbytes, TOO_LATE, and trees of old revisions."""

import random

import lab
from wire import CLOBBER, ERR, FAR, SET_FLAG, request

TOO_LATE = {"err_code": ERR["TOO_LATE"]}


def write_many(connection, count, path="/filler", value=b""):
    connection.exchange([request("SET", tag=n, path=path, value=value, rev=CLOBBER) for n in range(count)])


class Collected(lab.Case):
    """protocol.md, Revisions: below the kept history TOO_LATE"""

    def setUp(self):
        super().setUp()
        self.c = self.client("-hist", "20", pulse="0.05")
        self.old = self.c.put("/h", b"1")
        self.old_below = self.c.put("/d/x")
        write_many(self.c, 60)
        lab.poll(lambda: self.c.get("/h", rev=self.old) == TOO_LATE, why="collection of history")

    def test_every_read(self):
        """protocol.md, Revisions: reads with a rev below the kept history: TOO_LATE"""
        for rev in (self.old, 1, 0, -1, -2 ** 63):
            for path in ("/h", "/nope", "/", "/h/below", "a", ""):
                self.assertEqual(TOO_LATE, self.c.get(path, rev=rev), (path, rev))
                self.assertEqual(TOO_LATE, self.c.stat(path, rev=rev), (path, rev))
                self.assertEqual(TOO_LATE, self.c.getdir(path, 0, rev=rev), (path, rev))
            self.assertEqual(TOO_LATE, self.c.stat(None, rev=rev))
            self.assertEqual(TOO_LATE, self.c.getdir("/d", 7, rev=rev))
            self.assertEqual(TOO_LATE, self.c.getdir("/d", -1, rev=rev))
            self.assertEqual(TOO_LATE, self.c.walk("/**", 0, rev=rev))
            self.assertEqual(TOO_LATE, self.c.walk("/nope", 5, rev=rev))

    def test_wait(self):
        """protocol.md, Verbs: WAIT below the history: TOO_LATE"""
        for rev in (self.old, 1, 0, -1):
            for glob in ("/**", "/h", "/nope"):
                self.assertEqual(TOO_LATE, self.c.wait(glob, rev))

    def test_what_is_judged_before_the_history(self):
        """protocol.md, Verbs, the order of the checks: MISSING_ARG, glob, a negative offset of WALK, history"""
        for verb in ("GET", "GETDIR", "WALK", "WAIT"):
            self.assertAnswer(self.c.call(verb, rev=self.old), err="MISSING_ARG")
        self.assertOther(self.c.wait("/_", self.old), "invalid glob pattern: /_")
        self.assertOther(self.c.walk("/_", 0, rev=self.old), "invalid glob pattern: /_")
        self.assertOther(self.c.walk("/_", -1, rev=self.old), "invalid glob pattern: /_")
        self.assertAnswer(self.c.walk("/**", -1, rev=self.old), err="RANGE")

    def test_the_newest_state_is_whole(self):
        """protocol.md, Revisions: without `rev` they see the newest state"""
        self.assertAnswer(self.c.get("/h"), rev=self.old, value=b"1")
        self.assertAnswer(self.c.stat("/d"), rev=-2, len=1)
        self.assertEqual(["/d/x", "/filler", "/h"],
                         [p for p, _, _ in self.c.files("/**") if not p.startswith("/ctl")])

    def test_a_condition_needs_no_history(self):
        """protocol.md, Revisions: a SET conditional on a revision long collected still works"""
        self.assertAnswer(self.c.set("/h", b"2", self.old - 1), err="REV_MISMATCH")
        self.assertEqual({"rev"}, set(self.c.set("/h", b"2", self.old)))
        self.assertAnswer(self.c.delete("/d/x", self.old_below - 1), err="REV_MISMATCH")
        self.assertAnswer(self.c.delete("/d/x", self.old_below))

    def test_a_wait_that_was_there_in_time_stays(self):
        """protocol.md, Verbs: WAIT: below the history is judged when it comes"""
        waiter = self.other(self.c)
        rev = self.c.rev() + 1
        tag = waiter.send("WAIT", path="/rare", rev=rev)
        waiter.call("REV")
        write_many(self.c, 200)
        lab.poll(lambda: self.c.get("/h", rev=rev) == TOO_LATE, why="collection of history")
        self.assertStillWaiting(waiter, tag)
        self.c.put("/rare", b"v")
        got = waiter.take(tag)
        self.assertEqual(("/rare", b"v", SET_FLAG), (got["path"], got["value"], got["flags"]))


class Kept(lab.Case):
    def test_at_least_hist_revisions(self):
        """doozerd(8): -hist, revisions of history kept"""
        c = self.client("-hist", "100")
        base = c.rev()
        write_many(c, 500)
        now = base + 500
        for rev in range(now - 99, now + 1):
            self.assertAnswer(c.get("/filler", rev=rev), rev=rev, value=b"")
            self.assertEqual(rev, c.wait("/**", rev)["rev"])

    def test_not_many_more_than_hist_revisions(self):
        """doozerd(8): -hist; the original collects once a second"""
        c = self.client("-hist", "100", pulse="0.05")
        base = c.rev()
        write_many(c, 1000)
        lab.poll(lambda: c.get("/filler", rev=base + 1000 - 200) == TOO_LATE, why="collection of history")

    def test_360000_by_default(self):
        """doozerd(8): -hist 360000"""
        c = self.client()
        write_many(c, 20000)
        self.assertEqual(1, c.wait("/**", 1)["rev"])

    def test_bytes(self):
        """doozerd(8): -histbytes, whichever limit comes first collects"""
        c = self.client("-histbytes", str(1 << 20), pulse="0.05")
        base = c.rev()
        write_many(c, 400, value=bytes(10000))
        lab.poll(lambda: c.get("/filler", rev=base + 200) == TOO_LATE, why="collection of history")
        # A twentieth of the budget is well within it.
        self.assertAnswer(c.stat("/filler", rev=base + 400 - 5), rev=c.get("/filler", rev=base + 400 - 5)["rev"],
                          len=10000)
        self.assertEqual(10000, c.stat("/filler")["len"])

    def test_bytes_of_deleted_files(self):
        """doozerd(8): -histbytes counts what only the history still holds"""
        c = self.client("-histbytes", str(1 << 20), pulse="0.05")
        base = c.rev()
        for n in range(200):
            c.put("/t%d" % n, bytes(10000))
            c.delete("/t%d" % n)
        lab.poll(lambda: c.get("/t0", rev=base + 1) == TOO_LATE, why="collection of history")

    def test_memory_is_given_back_by_collection(self):
        """doozerd(8): -histbytes bounds the history"""
        self.needs_figures_of_memory()
        server = self.server("-histbytes", str(4 << 20), pulse="0.05")
        c = self.connect(server)
        before = server.memory()
        for _ in range(80):  # few at a time: what waits to be done is not what is measured
            write_many(c, 100, value=bytes(20000))
        self.assertLess(server.memory() - before, 64 << 20, "160 MB were written to one file")


class Model(lab.Case):
    """protocol.md, Revisions: the tree of every revision within the history is readable"""

    def test_every_revision_reads_as_it_was(self):
        """reads with a `rev` see the tree as of that revision"""
        rng = random.Random(lab.OPTIONS.seed)
        why = "--seed %d" % lab.OPTIONS.seed
        c = self.client()
        tree = {p: (r, v) for p, r, v in c.files("/**")}
        past = {c.rev(): dict(tree)}
        parts = ["a", "b", "c-", "c", "c."]
        for n in range(1200):
            path = "".join("/" + rng.choice(parts) for _ in range(rng.randint(1, 4)))
            rev = max(past) + 1
            if rng.random() < 0.6:
                value = b"%d" % n
                got = c.set(path, value)
                if got == {"rev": rev}:
                    tree[path] = (rev, value)
            else:
                got = c.delete(path)
                if got == {}:
                    tree.pop(path, None)
            if "err_code" in got:
                text = {20: b"not a directory", 21: b"is a directory"}[got["err_code"]]
                tree["/ctl/err"] = (rev, text)
            past[rev] = dict(tree)
        for rev in rng.sample(sorted(past), 40) + [max(past)]:
            expected = past[rev]
            files = c.files("/**", rev=rev)
            self.assertEqual(expected, {p: (r, v) for p, r, v in files}, why)
            self.assertEqual(sorted(expected, key=lambda p: p.split("/")), [p for p, _, _ in files], why)
            for path in rng.sample(sorted(expected), 5):
                r, v = expected[path]
                self.assertAnswer(c.get(path, rev=rev), rev=r, value=v)
                directory = path.rpartition("/")[0] or "/"
                prefix = directory.rstrip("/") + "/"
                names = sorted({p[len(prefix):].split("/")[0] for p in expected if p.startswith(prefix)})
                self.assertEqual(names, c.names(directory, rev=rev), why)
                self.assertAnswer(c.stat(directory, rev=rev), rev=-2, len=len(names))


class Listings(lab.Case):
    """20,000 entries, asked one offset after the other, at a revision that is no longer the newest,
    while another connection writes to the same directory"""

    COUNT = 20000

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)
        self.writer = self.connect(self.server_)
        self.names = ["f%05d" % n for n in range(self.COUNT)]
        shuffled = random.Random(3).sample(self.names, self.COUNT)
        self.writer.exchange([request("SET", tag=n, path="/big/" + name, value=name.encode(), rev=0)
                              for n, name in enumerate(shuffled)])
        self.rev = self.c.rev()
        self.writes = 0

    def write(self):
        """Adds, changes and removes files within the directory that is being listed."""
        n = self.writes = self.writes + 1
        self.writer.exchange([request("SET", tag=1, path="/big/g%05d" % n, value=b"new", rev=-1),
                              request("SET", tag=2, path="/big/a%05d" % n, value=b"new", rev=-1),
                              request("SET", tag=3, path="/big/f%05d" % (n * 7), value=b"changed", rev=-1),
                              request("DEL", tag=4, path="/big/f%05d" % (n * 3), rev=-1)])

    def listing(self, verb, path, step):
        """All answers, `step` requests outstanding at a time, with writes between them."""
        answers = {}
        before = self.server_.cpu_seconds()
        for at in range(0, self.COUNT + 1, step):
            asked = range(at, min(at + step, self.COUNT + 1))
            if at // step % max(1, 500 // step) == 0:
                self.write()
            for got in self.c.exchange([request(verb, tag=k, path=path, offset=k, rev=self.rev)
                                        for k in asked]):
                answers[got.pop("tag")] = got
        self.assertEqual({"err_code": ERR["RANGE"]}, answers.pop(self.COUNT))
        cpu = self.server_.cpu_seconds() - before
        if not lab.OPTIONS.sanitized:
            self.assertLess(cpu, 5.0, "seconds of the server's time: is a listing quadratic?")
        return [answers[k] for k in range(self.COUNT)]

    def test_getdir_one_by_one(self):
        """protocol.md, Verbs: GETDIR"""
        self.assertEqual(self.names, [a["path"] for a in self.listing("GETDIR", "/big", 1)])

    def test_walk_with_many_outstanding(self):
        """protocol.md, Verbs: WALK"""
        got = self.listing("WALK", "/big/**", 50)
        self.assertEqual(["/big/" + n for n in self.names], [a["path"] for a in got])
        self.assertEqual([n.encode() for n in self.names], [a["value"] for a in got])
        self.assertTrue(all(a["rev"] <= self.rev for a in got))

    def test_backwards_and_at_random(self):
        """protocol.md, Verbs: GETDIR, WALK: any offset may be asked for at any time"""
        rng = random.Random(lab.OPTIONS.seed)
        offsets = list(range(self.COUNT - 1, self.COUNT - 200, -1)) + rng.sample(range(self.COUNT), 200)
        for k in offsets:
            self.assertAnswer(self.c.getdir("/big", k, rev=self.rev), path=self.names[k])
            self.assertEqual("/big/" + self.names[k], self.c.walk("/big/*", k, rev=self.rev)["path"])

    def test_many_listings_at_once(self):
        """every client lists at its own revision, and none disturbs another"""
        clients = [(self.connect(self.server_), self.rev + 1 + n) for n in range(8)]
        for n in range(9):
            self.writer.delete("/big/f%05d" % n)  # one more gone at every revision
        for k in range(100):
            for c, rev in clients:
                gone = rev - self.rev
                self.assertAnswer(c.getdir("/big", k, rev=rev), path=self.names[k + gone])


class Future(lab.Case):
    def test_a_future_read_and_the_collection(self):
        """protocol.md, Revisions: a read of the future is answered with that revision's tree, however
        short the history"""
        server = self.server("-hist", "1", pulse="0.05")
        c, writer = self.connect(server), self.connect(server)
        rev = c.rev() + 200
        tag = c.send("GET", path="/filler", rev=rev)
        far = c.send("GET", path="/filler", rev=FAR)
        c.call("REV")
        write_many(writer, 600)
        got = c.take(tag)
        self.assertLessEqual(got["rev"], rev)
        self.assertGreater(got["rev"], rev - 100, "pulses stand between the writes")
        self.assertStillWaiting(c, far)


if __name__ == "__main__":
    lab.main()
