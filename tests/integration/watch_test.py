"""WATCH and CANCEL: streams of events."""

import lab
from wire import BEFORE, CLOBBER, DEL_FLAG, ERR, MALFORMED_GLOBS, NOP_FLAG, SET_FLAG, STATE, request

STREAMS_MAX = 1024


def write_many(connection, count, path="/filler", value=b""):
    connection.exchange([request("SET", tag=n, path=path, value=value, rev=CLOBBER) for n in range(count)])


class Watch(lab.Case):
    """protocol.md, Streams"""

    def setUp(self):
        super().setUp()
        self.c = self.client()
        self.w = self.other(self.c)

    def test_the_first_answer(self):
        """lineage and applied, at once"""
        tag, first = self.w.watch("/a")
        self.assertEqual({"lineage", "applied"}, set(first))
        self.assertEqual(self.c.rev(), first["applied"])
        status = self.c.call("STATUS", path="lineage")
        self.assertIn(first["lineage"].hex().encode(), status["value"])
        tag, again = self.w.watch("/a", lineage=first["lineage"])
        self.assertEqual(first, again)

    def test_events(self):
        tag, _ = self.w.watch("/d/**")
        rev = self.c.put("/d/a", b"A")
        self.c.put("/e", b"")
        self.c.delete("/d/a")
        self.assertEqual([{"path": "/d/a", "value": b"A", "rev": rev, "flags": SET_FLAG},
                          {"path": "/d/a", "value": b"", "rev": rev + 2, "flags": DEL_FLAG}],
                         self.w.events(tag, 2))

    def test_a_nop(self):
        tag, _ = self.w.watch("/**")
        self.c.nop()
        self.assertEqual([("/", NOP_FLAG)], [(e["path"], e["flags"]) for e in self.w.events(tag, 1)])

    def test_from_a_revision_on(self):
        revs = [self.c.put("/d/%d" % n) for n in range(5)]
        tag, _ = self.w.watch("/d/*", rev=revs[2])
        self.c.put("/d/9")
        self.assertEqual(["/d/2", "/d/3", "/d/4", "/d/9"], [e["path"] for e in self.w.events(tag, 4)])

    def test_the_state(self):
        """all files that match, `complete` with the revision, and then what follows"""
        expected = [("/d/a", self.c.put("/d/a", b"A")), ("/d/b/c", self.c.put("/d/b/c"))]
        self.c.put("/e")
        tag, first = self.w.watch("/d/**", options=STATE)
        part = self.w.part(tag)
        self.assertEqual(expected, [(e["path"], e["rev"]) for e in part["events"]])
        self.assertEqual((1, first["applied"]), (part["complete"], part["applied"]))
        self.c.put("/d/z")
        self.assertEqual(["/d/z"], [e["path"] for e in self.w.part(tag)["events"]])

    def test_a_large_state_while_it_changes(self):
        write_all = [request("SET", tag=n, path="/d/%05d" % n, value=b"x" * 100, rev=CLOBBER) for n in range(5000)]
        self.c.exchange(write_all)
        tag = self.w.send("WATCH", path="/d/*", options=STATE)
        self.w.streams[tag] = []
        self.c.exchange(write_all[::7])
        files, newest, part = {}, {}, {}
        while not part.get("complete"):
            part = self.w.part(tag)
            for event in part.get("events", []):
                self.assertGreater(event["rev"], files.get(event["path"], 0), "twice")
                files[event["path"]] = event["rev"]
        self.assertEqual([(p, r) for p, r, _ in sum(self.c.pages("/d", rev=part["applied"]), [])],
                         sorted(files.items()))

    def test_what_was_before(self):
        tag, _ = self.w.watch("/a", options=BEFORE)
        rev = self.c.put("/a", b"1")
        self.c.put("/a", b"2")
        self.assertEqual([(0, b""), (rev, b"1")],
                         [(e["before_rev"], e["before_value"]) for e in self.w.events(tag, 2)])

    def test_an_answer_never_overtakes_events(self):
        tag, _ = self.w.watch("/a")
        for n in range(200):
            self.c.put("/a", b"%d" % n)
            rev = self.w.call("REV", linear=n % 2 or None)["rev"]
            seen = max(e["rev"] for part in self.w.streams[tag] for e in part["events"])
            self.assertGreaterEqual(seen, rev)

    def test_cancel(self):
        tag, _ = self.w.watch("/a")
        self.assertAnswer(self.w.call("CANCEL", other_tag=tag))
        self.assertEqual({"end": 1}, self.w.part(tag))
        self.assertAnswer(self.w.call("CANCEL", other_tag=tag))
        self.c.put("/a")
        self.assertAnswer(self.w.call("CANCEL", other_tag=12345))
        self.assertEqual([], self.w.streams[tag])
        wait = self.w.send("WAIT", path="/b", rev=self.c.rev() + 1)
        self.w.call("CANCEL", other_tag=wait)
        self.assertAnswer(self.w.take(wait), end=1)

    def test_refusals(self):
        self.assertAnswer(self.w.call("WATCH"), err="MISSING_ARG")
        self.assertAnswer(self.w.call("CANCEL"), err="MISSING_ARG")
        for glob in MALFORMED_GLOBS:
            self.assertAnswer(self.w.call("WATCH", path=glob), err="OTHER", end=1,
                              err_detail="invalid glob pattern: " + glob)
        self.assertAnswer(self.w.call("WATCH", path="/a", lineage=b"x" * 16), err="OTHER", end=1,
                          err_detail="another cluster")
        tag, _ = self.w.watch("/a")
        del self.w.streams[tag]
        self.assertAnswer(self.w.call("WATCH", path="/a", tag=tag), err="TAG_IN_USE")

    def test_the_bound_of_a_connection(self):
        tags = [self.w.watch("/a")[0] for _ in range(STREAMS_MAX)]
        got = self.w.call("WATCH", path="/a")
        self.assertEqual((ERR["OTHER"], 1), (got["err_code"], got["end"]))
        self.c.put("/a")
        self.assertEqual(["/a"] * STREAMS_MAX, [self.w.part(tag)["events"][0]["path"] for tag in tags])



class Slow(lab.Case):

    def test_a_slow_reader_is_too_late_and_others_notice_nothing(self):
        c = self.client("-hist", "100", pulse="0.05")
        slow, quick = self.other(c), self.other(c)
        slow_tag, _ = slow.watch("/big")
        quick_tag, _ = quick.watch("/big")
        value = b"x" * 200000
        for n in range(200):
            c.put("/big", value)
            self.assertEqual(1, len(quick.events(quick_tag, 1)))
        answer = slow.send("SELF")
        part = {}
        while "end" not in part:
            part = slow.part(slow_tag)
        self.assertAnswer(part, err="TOO_LATE", end=1)
        self.assertIn("value", slow.take(answer))
        again, _ = slow.watch("/big", rev=c.rev())
        self.assertEqual(1, len(slow.events(again, 1)))


class Rights(lab.Case):

    def test_reading_is_enough_and_needed(self):
        c = self.client(env={"DOOZER_RWSECRET": "rw", "DOOZER_ROSECRET": "ro"})
        self.assertOther(c.call("WATCH", path="/a"), "permission denied")
        self.assertAnswer(c.call("CANCEL", other_tag=1))
        c.call("ACCESS", value=b"ro")
        self.assertIn("lineage", c.watch("/a")[1])


if __name__ == "__main__":
    lab.main()
