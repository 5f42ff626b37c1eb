"""doozerp at work: doozerp(8). Losing power is in journal_crash_test.py, restoring in
journal_restore_test.py."""

import os
import re
import resource
import threading

import lab
from journal_lab import Case, binary, journal, read_journal, record, state
from relay import Relay
from wire import request


def metrics_of(path):
    with open(path) as f:
        return {name: float(value) for name, value in re.findall(r"^doozerp_(\w+) (\S+)$", f.read(), re.MULTILINE)}


class Work(Case):
    """doozerp(8), DESCRIPTION"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)

    def test_takes_an_instance_id(self):
        """increments the number in /ctl/persistence/id, uses the new number"""
        for number in (1, 2, 3):
            doozerp = self.doozerp(self.server_)
            self.assertEqual(number, doozerp.instance)
            self.assertEqual(b"%d" % number, self.c.get("/ctl/persistence/id")["value"])
            doozerp.kill()

    def test_keeps_its_number_if_it_is_told(self):
        """ours: -i"""
        for _ in range(2):
            doozerp = self.doozerp(self.server_, "-i", "7")
            self.assertEqual(7, doozerp.instance)
            doozerp.kill()
        self.assertEqual(8, self.doozerp(self.server_).instance)

    def test_a_number_is_for_one(self):
        """the one that began later has it, and the other one does not go on acknowledging"""
        first = self.doozerp(self.server_, "-i", "7", name="first")
        self.put_and_wait(self.c, 7, "/a", b"1")
        self.doozerp(self.server_, "-i", "7", name="second")
        self.assertEqual(1, first.wait(), first.stderr())
        self.assertRegex(first.stderr().splitlines()[-1], "the number 7 is somebody else's now")
        self.put_and_wait(self.c, 7, "/b", b"2")

    def test_journals_and_acknowledges(self):
        """a set: SETs the mirror to the decimal revision; a del: DELs it. Only names are mirrored"""
        self.doozerp(self.server_)
        a = self.put_and_wait(self.c, 1, "/a", b"one")
        b = self.put_and_wait(self.c, 1, "/d/b", b"x=\xff\n\0")
        self.assertEqual(b"%d" % a, self.c.get("/ctl/persistence/1/a")["value"])
        self.assertEqual(b"%d" % b, self.c.get("/ctl/persistence/1/d/b")["value"])
        before = self.c.rev()
        self.c.delete("/a")
        gone = self.c.wait("/a", before + 1)["rev"]
        self.assertEqual(8, self.c.wait("/ctl/persistence/1/a", gone)["flags"])
        self.assertEqual([(a, "/a", b"one"), (b, "/d/b", b"x=\xff\n\0"), (gone, "/a", None)], self.records())

    def test_ignores_what_is_not_to_be_journaled(self):
        """ignores everything below /ctl and events that are neither set nor del"""
        self.doozerp(self.server_)
        self.c.put("/ctl/x/y")
        self.c.put("/ctl/ns/cluster/id", b"1")
        self.c.nop()
        self.assertAnswer(self.c.set("/ctl/x", b"", 0), err="ISDIR")
        rev = self.put_and_wait(self.c, 1, "/ctlx")
        self.assertEqual([(rev, "/ctlx", b"")], self.records())

    def test_prints_each_mutation(self):
        """-v"""
        doozerp = self.doozerp(self.server_, "-v")
        rev = self.put_and_wait(self.c, 1, "/a", b"b")
        lab.poll(lambda: doozerp.stdout() == b"%d:/a=b\n" % rev, why="the mutation on standard output")

    def test_begins_with_what_is_there(self):
        """an empty journal is one that is behind"""
        old = self.c.put("/old", b"o")
        self.c.put("/gone")
        self.c.delete("/gone")
        self.doozerp(self.server_)
        self.acknowledged(self.c, 1, "/old", old)
        self.through(self.c, 1, old)
        self.assertEqual({"/old": (old, b"o")}, state(self.records()))

    def test_several_beside_each_other(self):
        """one may run none, one or fifty of them"""
        names = ["journal%d" % n for n in range(3)]
        instances = [self.doozerp(self.server_, name=n).instance for n in names]
        self.assertEqual([1, 2, 3], sorted(instances))
        rev = self.c.put("/a", b"b")
        for instance in instances:
            self.acknowledged(self.c, instance, "/a", rev)
        for name in names:
            self.assertEqual([(rev, "/a", b"b")], self.records(name))

    def test_changes_share_a_sync(self):
        """changes that arrive while a sync runs share the next one"""
        self.doozerp(self.server_, "-metrics", self.file("metrics"))
        for begin in range(0, 3000, 1000):
            self.c.exchange([request("SET", tag=n, path="/f%d" % n, value=b"v", rev=-1)
                             for n in range(begin, begin + 1000)])
        last = self.put_and_wait(self.c, 1, "/last")
        lab.poll(lambda: metrics_of(self.file("metrics"))["journaled_revision"] == last, why="metrics")
        metrics = metrics_of(self.file("metrics"))
        self.assertEqual(3001, metrics["records_total"])
        self.assertLess(metrics["syncs_total"], 1500)
        self.assertEqual(3001, len(self.records()))

    def test_a_file_where_a_directory_was(self):
        """the mirror follows the tree"""
        doozerp = self.doozerp(self.server_, "-i", "1")
        self.put_and_wait(self.c, 1, "/x")
        self.put_and_wait(self.c, 1, "/y/z")
        doozerp.kill()
        for path in ("/x", "/y/z"):
            self.c.delete(path)
        # Changes that doozerp sees only as a whole: the mirror of /x is a file still.
        below, above = self.c.put("/x/below"), self.c.put("/y")
        self.doozerp(self.server_, "-i", "1")
        self.acknowledged(self.c, 1, "/x/below", below)
        self.acknowledged(self.c, 1, "/y", above)

    def test_metrics(self):
        """lag in revisions and seconds, syncs, bytes"""
        self.doozerp(self.server_, "-metrics", self.file("metrics"))
        rev = self.put_and_wait(self.c, 1, "/a", b"b")
        lab.poll(lambda: metrics_of(self.file("metrics"))["journaled_revision"] == rev, why="metrics")
        metrics = metrics_of(self.file("metrics"))
        for name in ("lag_revisions", "lag_seconds", "syncs_total", "sync_seconds_total", "record_bytes_total",
                     "journal_bytes", "acknowledgements_total", "compactions_total"):
            self.assertIn(name, metrics)
        self.assertEqual(len(self.content()), metrics["journal_bytes"])
        self.server_.kill()
        lab.poll(lambda: metrics_of(self.file("metrics"))["lag_seconds"] > 0, why="lag when the server is gone")

    def test_ends_on_a_signal(self):
        """SIGTERM, also while the cluster is away"""
        self.stop(self.doozerp(self.server_))
        doozerp = self.doozerp(self.server_)
        self.server_.kill()
        self.stop(doozerp)

    def test_a_disk_that_is_full(self):
        """what cannot be written is not acknowledged, and said in one line"""
        doozerp = self.doozerp(self.server_, limits={resource.RLIMIT_FSIZE: (4096, 4096)})
        a = self.put_and_wait(self.c, 1, "/a", b"fits")
        b = self.c.put("/b", b"v" * 8000)
        self.assertEqual(1, doozerp.wait())
        self.assertRegex(doozerp.stderr().splitlines()[-1], "doozerp: write .*/journal: File too large")
        self.assertEqual({"rev": 0, "value": b""}, self.c.get("/ctl/persistence/1/b"))
        self.assertEqual(4096, os.path.getsize(self.file()))
        doozerp = self.doozerp(self.server_)
        self.assertRegex(doozerp.stderr(), "the file ends within its data: cut ")
        self.acknowledged(self.c, 2, "/b", b)
        self.assertEqual([(a, "/a", b"fits"), (b, "/b", b"v" * 8000)], self.records())


class Start(Case):
    """persistence.md: started on an existing journal"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)

    def test_continues_behind_the_last_record(self):
        """it continues at the revision after the last record"""
        doozerp = self.doozerp(self.server_)
        a = self.put_and_wait(self.c, 1, "/a", b"1")
        doozerp.kill()
        b = self.c.put("/b", b"2")
        self.c.delete("/a")
        self.doozerp(self.server_)
        self.acknowledged(self.c, 2, "/b", b)
        self.through(self.c, 2, b + 1)
        self.assertEqual([(a, "/a", b"1"), (b, "/b", b"2"), (b + 1, "/a", None)], self.records())

    def test_an_instance_that_keeps_its_number_acknowledges_what_it_owes(self):
        """ours: -i, killed between a sync and its acknowledgements"""
        a, b = self.c.put("/a", b"1"), self.c.put("/b", b"2")
        self.c.put("/ctl/persistence/5/b", b"%d" % b)
        self.c.put("/ctl/persistence/5/gone", b"1")
        self.write(journal((a, "/a", b"1"), (b, "/b", b"2")))
        self.doozerp(self.server_, "-i", "5")
        self.acknowledged(self.c, 5, "/a", a)
        lab.poll(lambda: self.c.get("/ctl/persistence/5/gone")["rev"] == 0, why="the mirror of what is gone")

    def test_a_journal_that_is_newer(self):
        """if the journal is newer than the cluster it refuses and says so"""
        before = self.write(journal((10 ** 6, "/a", b"1"))) and self.content()
        self.doozerp_ends(self.server_, pattern="newer than the cluster: it ends at revision 1000000")
        self.assertEqual(before, self.content())
        self.assertEqual({"rev": 0, "value": b""}, self.c.get("/ctl/persistence/id"))

    def test_a_journal_of_another_cluster(self):
        """the same revision is another change there"""
        rev = self.c.put("/a", b"1")
        self.c.put("/b")
        for other in ((rev, "/a", b"2"), (rev, "/z", b"1"), (rev, "/a")):
            before = self.write(journal(other)) and self.content()
            self.doozerp_ends(self.server_, pattern="not the cluster that was journaled")
            self.assertEqual(before, self.content())

    def test_one_journal_is_for_one(self):
        """a second one on the same journal is refused, and the tools are"""
        self.doozerp(self.server_)
        self.doozerp_ends(self.server_, pattern="written by another process")
        for tool in ("writejournal",), ("dumpjournal", "-f"):
            got = self.run_tool(tool[0], *tool[1:], self.file(), stdin=b"9:/x=y\n")
            self.assertEqual(2, got.code)
            self.assertRegex(got.stderr, "written by another process")
        self.assertEqual(0, self.run_tool("dumpjournal", self.file()).code)

    def test_a_torn_last_record(self):
        """it is cut on start with a message, without -f"""
        rev = self.c.put("/a", b"1")
        whole = journal((rev, "/a", b"1"))
        for torn in (b"\0", record(b"99:/b=2")[:20], record(b"99:/b=2")[:-1], b"\0" * 4096, b"x" * 100):
            self.write(whole + torn)
            doozerp = self.doozerp(self.server_)
            self.assertRegex(doozerp.stderr(), "bad record at offset %d:.* cut %d bytes" % (len(whole), len(torn)))
            self.assertEqual(whole, self.content())
            doozerp.kill()

    def test_damage_in_the_middle(self):
        """refuse, say the offset, name -f"""
        rev = self.c.put("/a", b"1")
        good = journal((rev, "/a", b"1"))
        bad = good + b"?" + journal((rev + 1, "/b", b"2"))[1:] + journal((rev + 2, "/c", b"3"))
        self.write(bad)
        doozerp = self.doozerp_ends(self.server_, pattern="bad record at offset %d: checksum mismatch; -f " % len(good))
        self.assertOneLine(doozerp.stderr())
        self.assertEqual(bad, self.content())
        doozerp = self.doozerp(self.server_, "-f")
        self.assertRegex(doozerp.stderr(), "cut %d bytes" % (len(bad) - len(good)))
        self.assertEqual(good, self.content()[:len(good)])

    def test_options(self):
        """an unknown flag is an error"""
        for words in (["-x"], ["-i", "-1"], ["-i", "x"], ["-force"], ["-slack", "-1"], ["-j", ""]):
            self.doozerp_ends(self.server_, *words, code=2)
        self.doozerp_ends("nonsense", pattern="invalid uri")
        port = self.port()
        self.doozerp_ends("doozer:?ca=" + port.address, pattern="Connection refused")
        got = self.run_tool("doozerp", "-version")
        self.assertRegex(got.stdout, rb"\Adoozerp \d")
        self.doozerp_ends(self.server_, name="no/such/folder", pattern="No such file or directory")


class Losses(Case):
    """persistence.md: losing the connection, or the server it talks to, must not end doozerp"""

    def behind_relay(self, *flags):
        server = self.server(*flags)
        relay = Relay(self.port(), server.address)
        self.addCleanup(relay.refuse)
        return server, self.connect(server), relay

    def test_the_connection_is_lost(self):
        """it goes on from where it was"""
        server, c, relay = self.behind_relay()
        self.doozerp("doozer:?ca=%s" % relay.address)
        written = []
        for n in range(30):
            rev = c.put("/n", b"%d" % n)
            written.append((rev, "/n", b"%d" % n))
            relay.lose()
        self.acknowledged(c, 1, "/n", written[-1][0])
        self.assertEqual(written, self.records())

    def test_another_address(self):
        """with another address"""
        server, c, first = self.behind_relay()
        second = Relay(self.port(), server.address)
        self.addCleanup(second.refuse)
        self.doozerp("doozer:?ca=%s&ca=%s" % (first.address, second.address))
        rev = self.put_and_wait(c, 1, "/a")
        for relay in (first, second):
            if relay.carries():
                relay.refuse()
        self.assertEqual([rev, self.put_and_wait(c, 1, "/b")], [r[0] for r in self.records()])

    def test_away_for_longer_than_the_history(self):
        """if that is no longer in the history it takes a fresh copy and journals the difference,
        deletions too"""
        server, c, relay = self.behind_relay("-hist", "40")
        self.doozerp("doozer:?ca=%s" % relay.address)
        keep = self.put_and_wait(c, 1, "/keep", b"k")
        self.put_and_wait(c, 1, "/gone", b"g")
        self.put_and_wait(c, 1, "/changed", b"1")
        relay.refuse()
        c.delete("/gone")
        changed = c.put("/changed", b"2")
        new = c.put("/d/new", b"n")
        for _ in range(100):
            c.put("/ctl/filler")
        relay.listen()
        self.acknowledged(c, 1, "/d/new", new)
        lab.poll(lambda: c.get("/ctl/persistence/1/gone")["rev"] == 0, why="the deletion acknowledged")
        after = self.put_and_wait(c, 1, "/after", b"a")
        self.assertEqual({"/keep": (keep, b"k"), "/changed": (changed, b"2"), "/d/new": (new, b"n"),
                          "/after": (after, b"a")}, state(self.records()))

    def test_started_behind_the_history(self):
        """the same when it starts"""
        server = self.server("-hist", "40")
        c = self.connect(server)
        doozerp = self.doozerp(server)
        keep = self.put_and_wait(c, 1, "/keep", b"k")
        self.put_and_wait(c, 1, "/gone", b"g")
        doozerp.kill()
        c.delete("/gone")
        new = c.put("/new", b"n")
        for _ in range(100):
            c.put("/ctl/filler")
        self.doozerp(server)
        self.acknowledged(c, 2, "/new", new)
        self.assertEqual({"/keep": (keep, b"k"), "/new": (new, b"n")}, state(self.records()))

    def test_a_cluster_that_was_founded_anew(self):
        """under the same address: its changes must not be mixed into the journal"""
        port = self.port()
        server = self.server(port=port)
        c = self.connect(server)
        doozerp = self.doozerp(server)
        for n in range(3):
            self.put_and_wait(c, 1, "/a", b"%d" % n)
        before = self.content()
        server.kill()
        c = self.connect(self.server(port=port))
        for n in range(100):
            c.put("/a", b"other")
        self.assertEqual(1, doozerp.wait(30))
        self.assertRegex(doozerp.stderr().splitlines()[-1], "is not the one that was journaled")
        self.assertEqual(before, self.content())


    def test_a_cluster_that_was_founded_anew_and_has_forgotten_more(self):
        """the difference to another cluster is not journaled"""
        server, c, relay = self.behind_relay()
        doozerp = self.doozerp("doozer:?ca=%s" % relay.address)
        for n in range(3):
            self.put_and_wait(c, 1, "/a", b"%d" % n)
        before = self.content()
        relay.refuse()
        server.kill()  # else doozerp goes to it, since it has the store
        other = self.server("-hist", "20")
        c = self.connect(other)
        for n in range(200):
            c.put("/a", b"other")
        relay.target = other.address
        relay.listen()
        self.assertEqual(1, doozerp.wait(30))
        self.assertRegex(doozerp.stderr().splitlines()[-1], "is not the one that was journaled")
        self.assertEqual(before, self.content())

    def test_standard_streams_that_are_closed(self):
        """no message gets into the journal"""
        self.write(journal((1, "/a", b"1")) + b"torn")
        before = self.content()
        for words in ("writejournal",), ("dumpjournal", "-verify"):
            argv = [binary(words[0]), *words[1:], self.file()]
            self.keep(lab.Process(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *argv])).wait()
            self.assertEqual(before, self.content())


class Compaction(Case):
    """persistence.md: it is compacted (a consistent snapshot plus the tail), atomically, while running"""

    def test_while_running(self):
        """bounded journal size relative to live data, and never a bad journal to be seen"""
        server = self.server()
        c = self.connect(server)
        self.doozerp(server, "-slack", "20000", "-metrics", self.file("metrics"))
        expected = {}
        for n in range(60):
            path = "/f%d" % (n % 5)
            for _ in range(20):
                rev = c.put(path, b"%d" % n * 40)
            expected[path] = (rev, b"%d" % n * 40)
            self.acknowledged(c, 1, path, rev)
            records = read_journal(self.file())
            self.assertEqual(os.path.getsize(self.file()), records.end)
            self.assertEqual(expected, state(records))
        lab.poll(lambda: metrics_of(self.file("metrics"))["compactions_total"] >= 1, why="a compaction")
        lab.poll(lambda: os.path.getsize(self.file()) < 25000, why="a journal of bounded size")
        rev = self.put_and_wait(c, 1, "/last", b"x")
        expected["/last"] = (rev, b"x")
        self.assertEqual(expected, state(self.records()))

    def test_started_again_on_a_compacted_journal(self):
        """the last revision is kept, even if it is that of a delete"""
        server = self.server()
        c = self.connect(server)
        doozerp = self.doozerp(server, "-slack", "1000")
        for n in range(100):
            c.put("/gone", b"x" * 50)
        before = c.rev()
        c.delete("/gone")
        self.through(c, 1, c.wait("/gone", before + 1)["rev"])
        # Nothing is live, so what is left is at most the slack, and some of the last changes.
        lab.poll(lambda: os.path.getsize(self.file()) < 1300, why="a compacted journal")
        doozerp.kill()
        self.assertEqual(None, self.records()[-1][2])
        self.doozerp(server)
        rev = self.put_and_wait(c, 2, "/new", b"n")
        self.assertEqual({"/new": (rev, b"n")}, state(self.records()))


class Durable(Case):
    """doozer -durable: returns when the chosen instance has acknowledged"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)

    def test_writes_that_are_on_disk_when_they_return(self):
        """set, add, touch and del"""
        self.doozerp(self.server_)
        for words, stdin in ((("add", "/a"), b"1"), (("set", "/a", "-1"), b"2"), (("touch", "/a"), b""),
                             (("touch", "/b"), b""), (("del", "/a", "-1"), b""), (("del", "/a", "-1"), b"")):
            got = self.doozer(self.server_, "--durable", "1", *words, stdin=stdin)
            self.assertEqual((0, ""), (got.code, got.stderr), words)
            records = self.records()
            self.assertEqual(words[1], records[-1][1])
            self.assertEqual(words[0] == "del", records[-1][2] is None)
            if got.stdout:
                self.assertEqual(int(got.stdout), records[-1][0])

    def test_without_mirrors(self):
        """-mirror=false: one file tells up to which revision everything is on disk"""
        self.doozerp(self.server_, "-mirror=false")
        for n in range(20):
            got = self.doozer(self.server_, "-durable", "1", "set", "/d/%d" % n, "-1", stdin=b"v")
            self.assertEqual((0, ""), (got.code, got.stderr))
            self.assertGreaterEqual(int(self.c.get("/ctl/durable/1")["value"]), int(got.stdout))
            self.assertEqual("/d/%d" % n, self.records()[-1][1])
        got = self.doozer(self.server_, "-durable", "1", "del", "/d/0", "-1")
        self.assertEqual((0, ""), (got.code, got.stderr))
        self.assertEqual((None, "/d/0"), (self.records()[-1][2], self.records()[-1][1]))
        self.assertEqual(["id", "journal"], [path.split("/")[3] for path, _, _ in self.c.files("/ctl/persistence/**")])

    def test_many_at_once(self):
        """256 clients would share syncs"""
        self.doozerp(self.server_)
        failures = []

        def writer(k):
            for n in range(5):
                got = self.doozer(self.server_, "-durable", "1", "set", "/w%d" % k, "-1", stdin=b"%d" % n)
                if got.code or (int(got.stdout), "/w%d" % k, b"%d" % n) not in self.records():
                    failures.append(got)

        threads = [threading.Thread(target=writer, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([], failures)

    def test_an_instance_that_is_down(self):
        """a clear error, not a hang; the change is made"""
        got = self.doozer(self.server_, "--durable", "7", "-t", "200ms", "set", "/a", "-1", stdin=b"b")
        rev = self.c.get("/a")["rev"]
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertEqual("Error: revision %d is made, but doozerp instance 7 has not acknowledged it "
                         "within 200 ms\n" % rev, got.stderr)
        got = self.doozer(self.server_, "--durable", "7", "-t", "200ms", "del", "/a", "-1")
        self.assertEqual(2, got.code)
        self.assertOneLine(got.stderr, "is made, but doozerp instance 7 has not acknowledged it")

    def test_refusals(self):
        """as without it"""
        self.c.put("/a")
        for words, code, text in ((("set", "/a", "0"), 1, "REV_MISMATCH"), (("del", "/a", "0"), 1, "REV_MISMATCH"),
                                  (("set", "/a/b", "-1"), 2, "NOTDIR"), (("del", "/", "-1"), 2, "ISDIR"),
                                  (("set", "x", "-1"), 2, "BAD_PATH"), (("del", "x", "-1"), 2, "BAD_PATH")):
            got = self.doozer(self.server_, "-durable", "1", *words)
            self.assertEqual((code, "Error: %s\n" % text), (got.code, got.stderr), words)
        got = self.doozer(self.server_, "-durable", "1", "set", "/ctl/x", "-1")
        self.assertEqual(2, got.code)
        self.assertOneLine(got.stderr, "does not journal /ctl/x")

    def test_the_original_doozerp(self):
        """which acknowledges by mirrors only"""
        process = self.keep(lab.Process([lab.OPTIONS.doozer, "-a", self.server_.uri(), "-durable", "3", "set", "/a", "-1"]))
        rev = self.c.wait("/a", 1)["rev"]
        self.c.put("/ctl/persistence/3/a", b"%d" % (rev - 1))
        self.assertTrue(process.alive())
        self.c.put("/ctl/persistence/3/a", b"%d" % rev)
        self.assertEqual(0, process.wait())
        before = self.c.rev()
        process = self.keep(lab.Process([lab.OPTIONS.doozer, "-a", self.server_.uri(), "-durable", "3", "del", "/a", "-1"]))
        self.c.wait("/a", before + 1)
        self.c.delete("/ctl/persistence/3/a")
        self.assertEqual(0, process.wait())


if __name__ == "__main__":
    lab.main()
