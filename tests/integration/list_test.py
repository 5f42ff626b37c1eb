"""LIST: the files of one revision, page by page."""

import lab
from wire import CLOBBER, ERR, FAR, MALFORMED_GLOBS, MALFORMED_PATHS, SET_FLAG, request

PAGE_BYTES = 64 * 1024


class List(lab.Case):
    """protocol.md, Verbs: LIST"""

    def setUp(self):
        super().setUp()
        self.c = self.client()
        self.b = self.c.put("/d/b", b"B")
        self.ax = self.c.put("/d/a/x", b"")
        self.dot = self.c.put("/d/a.x", b"dot")
        self.e = self.c.put("/e", b"e")

    def test_an_answer(self):
        """rev, and of each file path, value, rev, flags; no `more` when all are told"""
        def event(path, value, rev):
            return {"path": path, "value": value, "rev": rev, "flags": SET_FLAG}
        self.assertAnswer(self.c.list("/d/**"), rev=self.e, events=[
            event("/d/a/x", b"", self.ax), event("/d/a.x", b"dot", self.dot), event("/d/b", b"B", self.b)])
        self.assertAnswer(self.c.list("/nope"), rev=self.e)

    def test_a_directory_stands_for_what_is_below(self):
        self.assertEqual(self.c.pages("/d/**"), self.c.pages("/d"))
        self.assertEqual(self.c.pages("/**"), self.c.pages("/"))
        self.assertEqual([[("/e", self.e, b"e")]], self.c.pages("/e"))

    def test_the_same_files_as_walk(self):
        for glob in ("/**", "/d/*", "/*/*", "/?", "/d/**x", "/ctl/**", "/d/a"):
            walked = self.c.files(glob if glob != "/d/a" else "/d/a/**")
            for limit in (None, 1, 2, 3):
                pages = self.c.pages(glob, limit=limit)
                self.assertEqual(walked, sum(pages, []), glob)
                self.assertTrue(limit is None or all(len(p) == limit for p in pages[:-1]))
                self.assertTrue(pages[-1] or len(pages) == 1, "an empty page after the last file")

    def test_after(self):
        """files in depth-first byte order after it; it need not be there"""
        def paths(after):
            return [e["path"] for e in self.c.list("/d", after=after).get("events", [])]
        self.assertEqual(["/d/a/x", "/d/a.x", "/d/b"], paths("/"))
        self.assertEqual(["/d/a/x", "/d/a.x", "/d/b"], paths("/d/a"))
        self.assertEqual(["/d/a.x", "/d/b"], paths("/d/a/x"))
        self.assertEqual(["/d/a.x", "/d/b"], paths("/d/a/x/below/a/file"))
        self.assertEqual(["/d/b"], paths("/d/ab"))
        self.assertEqual([], paths("/d/b"))
        self.assertEqual([], paths("/z"))

    def test_an_old_revision(self):
        self.c.delete("/d/b")
        self.c.put("/d/c")
        self.assertEqual(["/d/a/x", "/d/a.x"], [p for p, _, _ in self.c.pages("/d", rev=self.e, limit=1)[0] +
                                                self.c.pages("/d", rev=self.e, limit=1)[1]])
        self.assertEqual([("/d/b", self.b, b"B")], self.c.pages("/d", rev=self.e)[0][-1:])
        self.assertAnswer(self.c.list("/d/b", rev=0), rev=1)

    def test_a_revision_to_come(self):
        tag = self.c.send("LIST", path="/d/*", rev=self.e + 1)
        self.c.put("/d/z", b"")
        got = self.c.take(tag)
        self.assertEqual(self.e + 1, got["rev"])
        self.assertEqual("/d/z", got["events"][-1]["path"])

    def test_min_rev_and_linear(self):
        self.assertEqual(self.e, self.c.list("/d", min_rev=0)["applied"])
        self.assertEqual(self.e, self.c.list("/d", linear=1)["rev"])
        after = self.c.list("/d", linear=1, after="/d/a.x", limit=1)
        self.assertEqual(["/d/b"], [e["path"] for e in after["events"]])

    def test_refusals(self):
        """MISSING_ARG, the glob, `after`, `limit`, the history"""
        self.assertAnswer(self.c.call("LIST"), err="MISSING_ARG")
        for glob in MALFORMED_GLOBS:
            self.assertOther(self.c.list(glob, after="bad", limit=0), "invalid glob pattern: " + glob)
        for path in MALFORMED_PATHS:
            self.assertAnswer(self.c.list("/d", after=path, limit=0), err="BAD_PATH")
        for limit in (0, -1, -2 ** 31):
            self.assertAnswer(self.c.list("/d", limit=limit, rev=FAR), err="RANGE")

    def test_pages_have_as_many_files_as_fit(self):
        """as many as fit 64 KiB, at least one"""
        for n in range(10):
            self.c.put("/p/%d" % n, b"x" * (PAGE_BYTES // 4))
        self.c.put("/p/5", b"x" * (PAGE_BYTES * 3))
        self.assertEqual([3, 2, 1, 3, 1], [len(page) for page in self.c.pages("/p")])
        self.assertEqual(PAGE_BYTES * 3, len(self.c.pages("/p")[2][0][2]))


class Many(lab.Case):

    def test_ten_thousand_files_are_a_few_packets(self):
        c = self.client()
        c.exchange([request("SET", tag=n, path="/many/%05d" % n, value=b"%d" % n, rev=CLOBBER)
                    for n in range(10000)])
        rev = c.rev()
        pages = c.pages("/many")
        self.assertEqual(["/many/%05d" % n for n in range(10000)], [p for page in pages for p, _, _ in page])
        self.assertLess(len(pages), 20)
        c.put("/many/00000x")
        self.assertEqual(pages, c.pages("/many", rev=rev))

    def test_history(self):
        """protocol.md, Revisions: below the kept history TOO_LATE"""
        c = self.client("-hist", "20", pulse="0.05")
        old = c.put("/d/x")
        c.exchange([request("SET", tag=n, path="/filler", value=b"", rev=CLOBBER) for n in range(60)])
        lab.poll(lambda: c.list("/d", rev=old) == {"err_code": ERR["TOO_LATE"]}, why="collection of history")
        self.assertEqual(["/d/x"], [p for p, _, _ in c.pages("/d")[0]])


class Rights(lab.Case):

    def test_reading_is_enough_and_needed(self):
        c = self.client(env={"DOOZER_RWSECRET": "rw", "DOOZER_ROSECRET": "ro"})
        self.assertOther(c.list("/"), "permission denied")
        c.call("ACCESS", value=b"ro")
        self.assertIn("events", c.list("/"))


if __name__ == "__main__":
    lab.main()
