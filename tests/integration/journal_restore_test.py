"""doozerp -r: a journal is written into a cluster, and never over newer data unless it is told to."""

import json
import re

import lab
from journal_lab import Case, journal, state

SAMPLE = [(5, "/a", b"1"), (7, "/gone", b"x"), (8, "/d/x.y/z", b"=\n\0\xff"), (9, "/a", b"2"), (11, "/gone"), (12, "/empty", b"")]
TREE = {"/a": b"2", "/d/x.y/z": b"=\n\0\xff", "/empty": b""}


class Founding(Case):
    """doozerd(8): -restore; persistence.md: the revisions must be the old ones"""

    def test_files_keep_their_revisions(self):
        self.write(journal(*SAMPLE))
        c = self.connect(self.server("-restore", self.file()))
        files = {path: (rev, value) for path, rev, value in c.files("/**") if not path.startswith("/ctl/")}
        self.assertEqual({"/a": (9, b"2"), "/d/x.y/z": (8, SAMPLE[2][2]), "/empty": (12, b"")}, files)
        self.assertAnswer(c.set("/a", b"3", 8), err="REV_MISMATCH")
        self.assertGreater(c.set("/a", b"3", 9)["rev"], 1 << 40)
        self.assertAnswer(c.get("/a", 12), err="TOO_LATE")
        self.assertLess(1 << 40, c.stat("/ctl/cal/0")["rev"], "the founding entries come after")

    def test_it_says_that_it_was_restored(self):
        """protocol.md, Status: by that a client knows that it may go on"""
        self.write(journal(*SAMPLE))
        founder = self.server("-restore", self.file())
        part = json.loads(self.connect(founder).call("STATUS", path="lineage")["value"])
        self.assertEqual(([], 1 << 40), (part["ancestors"], part["restored_at"]))
        self.assertEqual(b"journal %d\n" % (1 << 40), self.connect(founder).get("/ctl/lineage")["value"])

    def test_records_of_revision_0(self):
        """the original's own tools write them: their files get the first revision"""
        for records in [(0, "/a", b"1"), (0, "/b", b"2")], [(0, "/a", b"1"), (0, "/b", b"2"), (9, "/c", b"3")]:
            self.write(journal(*records))
            c = self.connect(self.server("-restore", self.file()))
            for rev, path, value in records:
                self.assertAnswer(c.get(path), rev=rev or 1, value=value)

    def test_others_join_it(self):
        self.write(journal(*SAMPLE))
        founder = self.server("-restore", self.file())
        follower = self.connect(self.server("-a", founder.address))
        self.assertEqual((9, b"2"), tuple(follower.get("/a")[k] for k in ("rev", "value")))

    def test_what_is_no_journal_is_refused_in_one_line(self):
        for content in (b"rubbish", b"", b"a text with a few lines, and no journal\n" * 9,
                        journal((1, "/a", b""), (2 ** 63 - 1, "/b", b"")), journal((2 ** 62 + 1, "/b"))):
            self.write(content)
            got = self.run_doozerd("-l", self.port().address, "-w", "false", "-restore", self.file())
            self.assertEqual(1, got.code)
            self.assertOneLine(got.stderr, "journal")

    def test_a_torn_last_record_is_left_out_and_told_of(self):
        self.write(journal(*SAMPLE) + b"torn")
        server = self.server("-restore", self.file())
        self.assertEqual(b"2", self.connect(server).get("/a")["value"])
        told = [line for line in server.stderr().splitlines() if " warning " in line]
        self.assertEqual(1, len(told), told)
        self.assertEqual(1, told[0].count(self.file()), told)


class PowerLoss(Case):
    """everything goes at once, under load, and comes back from a journal"""

    def test_what_was_acknowledged_is_there_with_its_revision(self):
        founder = self.server(pulse="0.5")
        members = [founder] + [self.server("-a", founder.address, pulse="0.5") for _ in range(2)]
        c = self.connect(founder)
        for slot in (1, 2):
            c.put("/ctl/cal/%d" % slot)
        for member in members[1:]:
            lab.poll(lambda m=member: "rev" in self.connect(m).set("/probe", b""), why="a member")
        journals = [self.doozerp(members[i], "-i", str(i + 1), name="j%d" % (i + 1)) for i in (0, 1)]
        load = [self.connect(member) for member in members]
        durable = {}
        for round_ in range(20):
            for i, connection in enumerate(load):
                for n in range(20):
                    connection.send("SET", path="/load/%d/%d" % (i, n), value=b"x" * 100, rev=-1)
            for instance in (1, 2):
                path = "/durable/%d/%d" % (instance, round_)
                value = b"%d" % round_
                durable[path] = (self.put_and_wait(c, instance, path, value), value, instance)
        for process in (*members, *journals):
            process.popen.kill()
        for process in (*members, *journals):
            process.wait()
        for instance in (1, 2):
            back = self.connect(self.server("-restore", self.file("j%d" % instance)))
            for path, (rev, value, by) in durable.items():
                if by == instance:
                    got = back.get(path)
                    self.assertEqual((rev, value), (got["rev"], got["value"]), path)


class Restore(Case):
    """doozerp(8): -r replay the journal into the cluster before watching"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)
        self.write(journal(*SAMPLE))

    def tree(self):
        return {path: value for path, _, value in self.c.files("/**") if not path.startswith("/ctl/")}

    def test_into_a_new_cluster(self):
        """a summary; the journal goes on with the new revisions, the old one is kept"""
        before = self.content()
        doozerp = self.doozerp(self.server_, "-r")
        self.assertEqual(TREE, self.tree())
        self.assertRegex(doozerp.stderr(), "restored 3 files, 0 more were there already, in ")
        self.assertEqual(before, self.content("journal.before-restore"))
        rev = self.put_and_wait(self.c, 1, "/new", b"n")
        files = state(self.records())
        self.assertEqual({path: (got["rev"], got["value"]) for path in (*TREE, "/new")
                          for got in [self.c.get(path)]}, files)
        self.assertEqual(rev, files["/new"][0])

    def test_records_of_revision_0(self):
        """the original's own tools write them: they are restored, and -f cuts none of them"""
        self.write(journal((0, "/a", b"1"), (0, "/b", b"2"), (0, "/a", b"3")))
        before = self.content()
        doozerp = self.doozerp(self.server_, "-f", "-r")
        self.assertEqual({"/a": b"3", "/b": b"2"}, self.tree())
        self.assertEqual(before, self.content("journal.before-restore"))
        self.put_and_wait(self.c, 1, "/new", b"n")
        self.assertEqual({"/a", "/b", "/new"}, set(state(self.records())))
        self.assertNotIn("cut", doozerp.stderr())

    def test_records_of_revision_0_without_r(self):
        """they stay in the journal"""
        self.write(journal((0, "/a", b"1")))
        before = self.content()
        doozerp = self.doozerp(self.server_, "-f")
        rev = self.put_and_wait(self.c, 1, "/new", b"n")
        self.assertEqual(before + journal((rev, "/new", b"n")), self.content())
        self.assertRegex(doozerp.stderr(), "changes of revision 0")

    def test_again_another_day(self):
        """the old one is kept, each time"""
        before = [self.content()]
        for _ in range(2):
            self.stop(self.doozerp(self.server_, "-r"))
            before.append(self.content())
            self.server_ = self.server()
        for name, content in zip(("", ".2"), before):
            self.assertEqual(content, self.content("journal.before-restore" + name))

    def test_keeps_the_order_of_the_changes(self):
        """what was written later has the higher revision"""
        self.doozerp(self.server_, "-r")
        revs = [self.c.get(path)["rev"] for path in ("/d/x.y/z", "/a", "/empty")]
        self.assertEqual(sorted(revs), revs)

    def test_without_r_nothing_is_written(self):
        """starting a client must not overwrite a cluster"""
        while self.c.rev() < 20:
            self.c.nop()
        self.doozerp_ends(self.server_, pattern="not the cluster that was journaled")
        self.assertEqual({}, self.tree())

    def test_refuses_newer_data(self):
        """refuses to restore over a cluster that holds newer data unless told to"""
        for path in ("/a", "/other"):
            self.c.put(path, b"newer")
            doozerp = self.doozerp_ends(self.server_, "-r", pattern="newer data: 1 files .* %s for one; "
                                        "nothing was restored; -force" % path)
            self.assertOneLine(doozerp.stderr())
            self.assertEqual({path: b"newer"}, self.tree())
            self.assertEqual(journal(*SAMPLE), self.content())
            self.c.delete(path)

    def test_over_newer_data_if_it_is_told(self):
        """-force: the journal's files replace those of the cluster, the others stay"""
        self.c.put("/a", b"newer")
        self.c.put("/other", b"o")
        self.doozerp(self.server_, "-r", "-force")
        self.assertEqual({**TREE, "/other": b"o"}, self.tree())

    def test_again_after_an_interruption(self):
        """what is there already is left as it is"""
        rev = self.c.put("/a", b"2")
        doozerp = self.doozerp(self.server_, "-r")
        self.assertRegex(doozerp.stderr(), "restored 2 files, 1 more were there already")
        self.assertEqual(TREE, self.tree())
        self.assertEqual(rev, self.c.get("/a")["rev"])

    def test_killed_in_the_middle(self):
        """and started again: all of it is there in the end"""
        many = [(n + 1, "/f/%d" % n, b"v%d" % n) for n in range(20000)]
        content = self.write(journal(*many)) and self.content()
        doozerp = self.start_doozerp(self.server_, "-r")
        lab.poll(lambda: self.c.stat("/f")["len"] > 100 or not doozerp.alive(), why="the first files")
        doozerp.kill()
        self.assertGreater(len(many), self.c.stat("/f")["len"], "it was done already")
        self.assertEqual(content, self.content())
        doozerp = self.doozerp(self.server_, "-r")
        self.assertEqual(len(many), self.c.stat("/f")["len"])
        self.assertEqual({path: value for _, path, value in many}, {path: v for path, (_, v) in state(self.records()).items()})
        lines = re.findall(r"restored (\d+) of (\d+) files", doozerp.stderr())
        self.assertGreaterEqual(len(lines), 5, "progress")
        self.assertEqual(lines[-1][0], lines[-1][1])

    def test_a_conflict_with_what_is_there(self):
        """a directory where the journal has a file"""
        self.c.put("/a/b")
        self.doozerp_ends(self.server_, "-r", "-force", pattern="restoring /a: ISDIR")

    def test_a_damaged_journal(self):
        """nothing is written from it"""
        bad = bytearray(self.content())
        bad[40] ^= 1
        self.write(bad)
        self.doozerp_ends(self.server_, "-r", pattern="bad record at offset 30")
        self.assertEqual({}, self.tree())


if __name__ == "__main__":
    lab.main()
