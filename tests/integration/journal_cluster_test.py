"""doozerp and a cluster of several members, whose members and whose majority come and go."""

import signal
import threading

import cluster_lab
import lab
import wire
from journal_lab import Case, state


class Cluster(cluster_lab.ClusterCase, Case):
    def setUp(self):
        super().setUp()
        self.members = self.cluster(3)

    def uri(self):
        return "doozer:?" + "&".join("ca=" + m.address for m in self.members)

    def assertJournaled(self, server):
        """The journal has the cluster's files, each with its revision."""
        c = self.connect(server)
        self.through(c, 1, c.put("/last", b""))
        files = {p: (rev, value) for p, rev, value in c.files("/**") if not p.startswith("/ctl/")}
        journaled = {p: f for p, f in state(self.records()).items() if not p.startswith("/ctl/")}
        self.assertEqual(files, journaled)

    def signal(self, members, which):
        for member in members:
            member.popen.send_signal(which)

    def test_the_majority_is_lost_and_comes_back(self):
        """nothing is acknowledged in between, and nothing is lost"""
        a, *others = self.members
        c = self.connect(a)
        doozerp = self.doozerp(a)
        self.put_and_wait(c, 1, "/before", b"1")
        self.signal(others, signal.SIGSTOP)
        pending = c.send("SET", path="/pending", value=b"2", rev=-1)
        lab.poll(lambda: a.stderr().count("lost the link") == 2, why="the links lost")
        # What was proposed waits; what is new is refused after 3 s, and says that it is not there.
        got = self.doozer(a, "-durable", "1", "set", "/refused", "-1", stdin=b"3")
        self.assertEqual(2, got.code)
        self.assertOneLine(got.stderr, "READONLY: no quorum: not applied")
        self.assertTrue(doozerp.alive())
        self.signal(others, signal.SIGCONT)
        self.acknowledged(c, 1, "/pending", c.take(pending)["rev"])
        got = self.doozer(a, "-durable", "1", "set", "/after", "-1", stdin=b"4")
        self.assertEqual((0, ""), (got.code, got.stderr))
        self.assertEqual(wire.READS_NOTHING, c.get("/refused"))
        self.assertJournaled(a)

    def test_its_server_is_killed_under_load(self):
        """another one serves it; what is acknowledged is in the journal"""
        a, b, c = self.members
        self.doozerp(self.uri())
        written, revisions, stopping = {}, [], threading.Event()

        def write():
            connection = wire.Connection(c.address)
            while not stopping.is_set():
                path = "/w/%d" % (len(revisions) % 50)
                written[path] = connection.put(path, b"%d" % len(revisions))
                revisions.append(written[path])
            connection.close()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for member in (a, b):
                before = len(revisions)
                lab.poll(lambda b=before: len(revisions) > b + 100, why="written")
                self.again(member, c)
        finally:
            stopping.set()
            writer.join()
        for path, rev in written.items():
            self.acknowledged(self.connect(c), 1, path, rev)
        self.assertJournaled(c)

    def test_its_server_is_removed_and_joins_again(self):
        """a process that was stopped for too long goes on under a new id"""
        a, b, c = self.members
        doozerp = self.doozerp(a)
        stopped = self.me(a)
        self.signal([a], signal.SIGSTOP)
        lab.poll(lambda: stopped not in self.slots(b).values(), why="removed")
        rev = self.connect(b).put("/meanwhile", b"x")
        self.signal([a], signal.SIGCONT)
        self.becomes_member(a)
        self.acknowledged(self.connect(b), 1, "/meanwhile", rev)
        self.assertTrue(doozerp.alive(), doozerp.stderr())
        self.assertJournaled(b)


if __name__ == "__main__":
    lab.main()
