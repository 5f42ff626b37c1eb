"""doozerp at a cluster of the original doozerd: it speaks the plain client protocol."""

import lab
import wire
from journal_lab import Case, state
from original_server import OriginalServer
from wire import Connection


class Migration(Case):
    """persistence.md; docs/persistence.md, Moving from an original cluster"""

    def original(self, **more):
        server = OriginalServer(self.port(), **more)
        self.addCleanup(server.close)
        connection = Connection(server.address)
        self.addCleanup(connection.close)
        return server, "doozer:?ca=" + server.address, connection

    def test_journals_and_acknowledges(self):
        """only the original's verbs are used, and STATUS to find out whether that is there"""
        server, uri, c = self.original()
        self.doozerp(uri)
        rev = self.put_and_wait(c, 1, "/a", b"1")
        c.nop()
        c.delete("/a")
        gone = c.wait("/a", rev + 1)["rev"]  # others' writes come in between
        last = self.put_and_wait(c, 1, "/b/c", b"2")
        self.assertEqual([(rev, "/a", b"1"), (gone, "/a", None), (last, "/b/c", b"2")],
                         [r for r in self.records()])
        self.assertEqual({wire.VERB["STATUS"]}, server.unknown)

    def test_a_history_that_is_short(self):
        """the flag of the original says 2,000 revisions"""
        server, uri, c = self.original(history=30)
        kept = {"/f%d" % n: (c.put("/f%d" % n, b"%d" % n), b"%d" % n) for n in range(50)}
        self.doozerp(uri)
        self.acknowledged(c, 1, "/f49", kept["/f49"][0])
        self.assertEqual(kept, state(self.records()))

    def test_moving_to_a_new_cluster(self):
        """journal the old, restore into the new, without a gap"""
        server, uri, c = self.original()
        files = {"/service/db/%d" % n: b"10.0.0.%d" % n for n in range(200)}
        for path, value in files.items():
            c.put(path, value)
        doozerp = self.doozerp(uri)
        last = self.put_and_wait(c, 1, "/last", b"write")
        self.through(c, 1, last)
        self.stop(doozerp)
        server.close()
        new = self.server()
        self.doozerp(new, "-r")
        connection = self.connect(new)
        self.assertEqual({**files, "/last": b"write"},
                         {p: v for p, _, v in connection.files("/**") if not p.startswith("/ctl/")})

    def test_durable_writes(self):
        """doozer -durable at an original cluster"""
        server, uri, c = self.original()
        self.doozerp(uri)
        got = self.doozer(uri, "-durable", "1", "set", "/a", "-1", stdin=b"b")
        self.assertEqual((0, ""), (got.code, got.stderr))
        self.assertEqual((int(got.stdout), "/a", b"b"), self.records()[-1])
        got = self.doozer(uri, "-durable", "1", "del", "/a", "-1")
        self.assertEqual((0, ""), (got.code, got.stderr))
        self.assertEqual(("/a", None), self.records()[-1][1:])


if __name__ == "__main__":
    lab.main()
