"""Revisions as conditions, of the past and of the future, and WAIT: protocol.md, Revisions and Verbs."""

import lab
from wire import CLOBBER, DEL_FLAG, ERR, FAR, MALFORMED_GLOBS, READS_NOTHING, SET_FLAG, request


class Revisions(lab.Case):
    def test_zero_means_only_if_it_does_not_exist(self):
        """protocol.md, Revisions: a missing file has revision 0"""
        c = self.client()
        rev = c.rev() + 1
        self.assertAnswer(c.set("/a", b"1", 0), rev=rev)
        self.assertAnswer(c.set("/a", b"2", 0), err="REV_MISMATCH")
        self.assertAnswer(c.get("/a"), rev=rev, value=b"1")

    def test_a_revision_at_least_the_files_passes(self):
        """protocol.md, Revisions: a SET or DEL with rev >= the file's revision passes"""
        c = self.client()
        rev = c.put("/a", b"1")
        self.assertAnswer(c.set("/a", b"2", rev - 1), err="REV_MISMATCH")
        self.assertAnswer(c.delete("/a", rev - 1), err="REV_MISMATCH")
        self.assertAnswer(c.set("/a", b"2", rev), rev=rev + 3)
        self.assertAnswer(c.set("/a", b"3", rev), err="REV_MISMATCH")
        self.assertAnswer(c.set("/a", b"3", rev + 4), rev=rev + 5)
        self.assertAnswer(c.get("/a"), rev=rev + 5, value=b"3")

    def test_far_above_the_present_passes(self):
        """protocol.md, Revisions: rev far above the present passes"""
        c = self.client()
        for far in (FAR, 2 ** 63 - 1):
            self.assertEqual({"rev"}, set(c.set("/a", b"1", far)))
            self.assertEqual({"rev"}, set(c.set("/new%d" % far, b"1", far)))
            self.assertAnswer(c.delete("/a", far))

    def test_clobber_has_no_condition(self):
        """protocol.md, Revisions: -1 = clobber"""
        c = self.client()
        for _ in range(2):
            rev = c.rev() + 1
            self.assertAnswer(c.set("/a", b"x", CLOBBER), rev=rev)

    def test_a_missing_file_takes_any_revision_from_minus_one(self):
        """protocol.md, Revisions: a missing file has revision 0"""
        c = self.client()
        for i, rev in enumerate((-1, 0, 1, 7)):
            self.assertEqual({"rev"}, set(c.set("/m%d" % i, b"", rev)), rev)

    def test_minus_two_and_below_never_pass(self):
        """protocol.md, Revisions: -2 or lower never passes on a file or a missing path"""
        c = self.client()
        rev = c.put("/a", b"1")
        for low in (-2, -3, -1000, -2 ** 63):
            for path in ("/a", "/missing", "/a/below") if low == -2 else ("/a", "/missing"):
                if path != "/a/below":
                    self.assertAnswer(c.set(path, b"2", low), err="REV_MISMATCH")
                self.assertAnswer(c.delete(path, low), err="REV_MISMATCH")
        self.assertAnswer(c.get("/a"), rev=rev, value=b"1")
        self.assertAnswer(c.get("/missing"), **READS_NOTHING)


class OldAndFuture(lab.Case):
    """protocol.md, Revisions: reads see the tree as of that revision"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)

    def test_reads_at_an_old_revision(self):
        """GET STAT GETDIR WALK with a rev"""
        c = self.c
        r1 = c.put("/d/a", b"one")
        r2 = c.put("/d/a", b"two!")
        r3 = c.put("/d/b", b"b")
        c.delete("/d/a")
        c.delete("/d/b")
        c.put("/d", b"file")
        self.assertAnswer(c.get("/d/a", rev=r1 - 1), **READS_NOTHING)
        self.assertAnswer(c.get("/d/a", rev=r1), rev=r1, value=b"one")
        self.assertAnswer(c.get("/d/a", rev=r2), rev=r2, value=b"two!")
        self.assertAnswer(c.get("/d/a", rev=r3), rev=r2, value=b"two!")
        self.assertAnswer(c.get("/d/a", rev=r3 + 1), **READS_NOTHING)
        self.assertAnswer(c.get("/d", rev=r3 + 1), err="ISDIR")
        self.assertAnswer(c.get("/d", rev=r3 + 2), **READS_NOTHING)
        self.assertAnswer(c.stat("/d/a", rev=r1), rev=r1, len=3)
        self.assertAnswer(c.stat("/d", rev=r2), rev=-2, len=1)
        self.assertAnswer(c.stat("/d", rev=r3), rev=-2, len=2)
        self.assertAnswer(c.getdir("/d", rev=r1 - 1), err="NOENT")
        self.assertEqual(["a", "b"], c.names("/d", rev=r3))
        self.assertEqual(["b"], c.names("/d", rev=r3 + 1))
        self.assertAnswer(c.getdir("/d", rev=r3 + 3), err="NOTDIR")
        self.assertEqual([("/d/a", r1, b"one")], c.files("/d/**", rev=r1))
        self.assertEqual([("/d/a", r2, b"two!"), ("/d/b", r3, b"b")], c.files("/d**", rev=r3))

    def test_zero_and_below_is_one(self):
        """rev <= 0 is taken as 1"""
        for rev in (0, -1, -5, -2 ** 63):
            first = self.c.wait("/**", 1)
            self.assertEqual(1, first["rev"])
            self.assertAnswer(self.c.get(first["path"], rev=rev), rev=1, value=first["value"])
            self.assertAnswer(self.c.stat(first["path"], rev=rev), rev=1, len=len(first["value"]))
            self.assertAnswer(self.c.getdir("/", rev=rev), path="ctl")
            self.assertAnswer(self.c.getdir("/", 1, rev=rev), err="RANGE")
            self.assertEqual([(first["path"], 1, first["value"])], self.c.files("/**", rev=rev))

    def test_a_future_revision_is_waited_for(self):
        """above the present, the answer waits until that revision exists"""
        rev = self.c.rev() + 2
        other = self.connect(self.server_)
        asked = [("GET", {"path": "/x"}, {"rev": rev, "value": b"two"}),
                 ("GET", {"path": "/nope"}, READS_NOTHING),
                 ("GET", {"path": "/"}, {"err_code": ERR["ISDIR"]}),
                 ("STAT", {"path": "/x"}, {"rev": rev, "len": 3}),
                 ("STAT", {}, {"rev": 0, "len": 0}),
                 ("GETDIR", {"path": "/", "offset": 1}, {"path": "x"}),
                 ("GETDIR", {"path": "/", "offset": 2}, {"err_code": ERR["RANGE"]}),
                 ("GETDIR", {"path": "/", "offset": -1}, {"err_code": ERR["RANGE"]}),
                 ("GETDIR", {"path": "/nope", "offset": 0}, {"err_code": ERR["NOENT"]}),
                 ("WALK", {"path": "/x", "offset": 0},
                  {"flags": 4, "rev": rev, "path": "/x", "value": b"two"}),
                 ("WALK", {"path": "/x", "offset": 1}, {"err_code": ERR["RANGE"]})]
        tags = [self.c.send(verb, rev=rev, **fields) for verb, fields, _ in asked]
        self.assertStillWaiting(self.c, *tags)
        other.put("/x", b"one")
        self.assertStillWaiting(self.c, *tags)
        # What comes after the revision asked for, in the same breath, is not to be seen.
        other.exchange([request("SET", tag=n, path="/x", value=v, rev=-1)
                        for n, v in enumerate((b"two", b"three", b"four"))])
        for tag, (verb, fields, expected) in zip(tags, asked):
            self.assertEqual(expected, self.c.take(tag), (verb, fields))

    def test_the_present_revision_is_answered_at_once(self):
        """above the present: only above"""
        rev = self.c.put("/x", b"v")
        self.assertAnswer(self.c.get("/x", rev=rev), rev=rev, value=b"v")

    def test_a_far_revision_never_comes(self):
        """above the present, the answer waits, and holds nobody up"""
        tags = [self.c.send("GET", path="/x", rev=rev) for rev in (FAR, 2 ** 63 - 1)]
        self.c.put("/x")
        self.assertStillWaiting(self.c, *tags)

    def test_writes_are_seen_by_the_reads_that_follow_their_answer(self):
        """without rev they see the newest state this server has applied"""
        other = self.connect(self.server_)
        for n in range(200):
            rev = self.c.put("/x", b"%d" % n)
            self.assertAnswer(other.get("/x"), rev=rev, value=b"%d" % n)


class Waits(lab.Case):
    """protocol.md, Verbs: WAIT"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)
        self.other = self.connect(self.server_)

    def test_in_the_past(self):
        """the first event with revision >= rev whose path matches: path, value, rev, flags"""
        revs = [self.c.put("/w/one", b"%d" % n) for n in range(3)]
        for n, rev in enumerate(revs):
            self.assertAnswer(self.c.wait("/w/one", rev), flags=SET_FLAG, rev=rev, path="/w/one",
                              value=b"%d" % n)
        self.assertEqual(revs[0], self.c.wait("/w/*", 1)["rev"])
        self.assertEqual(revs[0], self.c.wait("/w/*", revs[0] - 1)["rev"])
        self.assertEqual(revs[2], self.c.wait("/w/*", revs[1] + 1)["rev"])

    def test_zero_and_below_is_one(self):
        """rev <= 0 is 1"""
        first = self.c.wait("/**", 1)
        for rev in (0, -1, -7, -2 ** 63):
            self.assertEqual(first, self.c.wait("/**", rev))

    def test_waits_for_what_is_to_come(self):
        """waits if there is none yet"""
        rev = self.c.put("/w", b"old")
        tag = self.c.send("WAIT", path="/w", rev=rev + 1)
        self.other.put("/else")
        self.assertStillWaiting(self.c, tag)
        self.other.put("/w", b"new")
        self.assertAnswer(self.c.take(tag), flags=SET_FLAG, rev=rev + 2, path="/w", value=b"new")

    def test_a_deletion(self):
        """flags 8 = del, with an empty value"""
        rev = self.c.put("/w", b"v")
        tag = self.c.send("WAIT", path="/w", rev=rev + 1)
        self.assertStillWaiting(self.c, tag)
        self.other.delete("/w")
        self.assertAnswer(self.c.take(tag), flags=DEL_FLAG, rev=rev + 1, path="/w", value=b"")

    def test_not_before_its_revision(self):
        """the first event with revision >= rev: an earlier one does not count"""
        rev = self.c.rev()
        tag = self.c.send("WAIT", path="/far", rev=rev + 4)
        self.assertStillWaiting(self.c, tag)
        self.other.put("/far", b"early")
        self.other.nop()
        self.other.nop()
        self.assertStillWaiting(self.c, tag)
        self.other.put("/far", b"late")
        self.assertAnswer(self.c.take(tag), flags=SET_FLAG, rev=rev + 4, path="/far", value=b"late")

    def test_answered_once(self):
        """a WAIT is one request and has one answer"""
        tag = self.c.send("WAIT", path="/w", rev=self.c.rev() + 1)
        self.assertStillWaiting(self.c, tag)
        self.other.put("/w")
        self.other.put("/w")
        self.c.take(tag)
        self.assertStillWaiting(self.c, tag)

    def test_malformed_glob(self):
        """malformed glob as for WALK"""
        for glob in MALFORMED_GLOBS:
            for rev in (1, -1, FAR):
                self.assertOther(self.c.wait(glob, rev), "invalid glob pattern: " + glob)

    def test_without_path_or_rev(self):
        """WAIT without path or rev: MISSING_ARG"""
        for fields in ({}, {"path": "/w"}, {"rev": 1}, {"path": "/[x"}):
            self.assertAnswer(self.c.call("WAIT", **fields), err="MISSING_ARG")

    def test_globs_decide_who_is_woken(self):
        """whose path matches"""
        rev = self.c.rev() + 1
        globs = {"/a/x": True, "/a/*": True, "/a/?": True, "/**": True, "/**x": True, "/a**": True,
                 "/*/x": True, "/a/y": False, "/a": False, "/*": False, "/b/**": False, "/a/x/*": False,
                 "/?/??": False, "/": False, "/A/x": False}
        tags = {glob: self.c.send("WAIT", path=glob, rev=rev) for glob in globs}
        self.assertStillWaiting(self.c, *tags.values())
        self.other.put("/a/x", b"v")
        for glob in [g for g, wakes in globs.items() if wakes]:
            self.assertAnswer(self.c.take(tags[glob]), flags=SET_FLAG, rev=rev, path="/a/x", value=b"v")
        self.assertStillWaiting(self.c, *[tags[g] for g, wakes in globs.items() if not wakes])

    def test_a_chain_of_waits_misses_and_repeats_nothing(self):
        """WAIT at the last revision + 1, over and over, while others write"""
        start, count = self.c.rev(), 500
        bodies = [request("SET", tag=n, path="/chain/%d" % (n % 7), value=b"%d" % n, rev=-1)
                  for n in range(count)]
        self.other.raw(b"".join(len(b).to_bytes(4, "big") + b for b in bodies))
        rev, seen = start, []
        while len(seen) < count:
            got = self.c.wait("/chain/*", rev + 1)
            rev = got["rev"]
            seen.append((rev, got["path"], int(got["value"])))
        self.assertEqual([(start + 1 + n, "/chain/%d" % (n % 7), n) for n in range(count)], seen)

    def test_a_wait_whose_connection_is_gone_harms_nobody(self):
        """others waiting for the same path are woken"""
        rev = self.c.rev() + 1
        for _ in range(20):
            gone = self.connect(self.server_)
            gone.send("WAIT", path="/w", rev=rev)
            gone.call("REV")
            gone.close()
        tag = self.c.send("WAIT", path="/w", rev=rev)
        self.assertStillWaiting(self.c, tag)
        self.other.put("/w", b"v")
        self.assertEqual(b"v", self.c.take(tag)["value"])


def without(got, field, expected):
    assert got.pop(field) == expected
    return got


class NewReads(lab.Case):
    """protocol.md, What is read where"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)
        self.rev = self.c.put("/d/f", b"old")

    def asked(self, **fields):
        return [self.c.send("GET", path="/d/f", **fields),
                self.c.send("STAT", path="/d/f", **fields),
                self.c.send("GETDIR", path="/d", offset=0, **fields),
                self.c.send("WALK", path="/d/*", offset=0, **fields)]

    def test_a_read_waits_until_its_min_rev_is_there_and_sees_the_newest_then(self):
        tags = self.asked(min_rev=self.rev + 2)
        tags.append(self.c.send("GETDIR", path="/d/f", offset=0, min_rev=self.rev + 2))
        self.assertStillWaiting(self.c, *tags)
        other = self.connect(self.server_)
        other.put("/x")
        self.assertStillWaiting(self.c, *tags)
        new = other.put("/d/f", b"newer")
        self.assertEqual([{"rev": new, "value": b"newer"}, {"rev": new, "len": 5}, {"path": "f"},
                          {"flags": SET_FLAG, "rev": new, "path": "/d/f", "value": b"newer"},
                          {"err_code": ERR["NOTDIR"]}],
                         [without(self.c.take(tag), "applied", new) for tag in tags])

    def test_a_min_rev_that_is_there_changes_nothing(self):
        for min_rev in (self.rev, 1, 0, -5, -2 ** 63):
            self.assertAnswer(self.c.call("GET", path="/d/f", min_rev=min_rev),
                              rev=self.rev, value=b"old", applied=self.rev)

    def test_large_values_and_what_is_missing_say_what_was_applied_too(self):
        rev = self.c.put("/large", b"x" * 70_000)
        self.assertAnswer(self.c.call("GET", path="/large", min_rev=0),
                          rev=rev, value=b"x" * 70_000, applied=rev)
        self.assertAnswer(self.c.call("GET", path="/missing", min_rev=0), applied=rev,
                          **READS_NOTHING)

    def test_alone_a_linear_read_is_answered_as_any_other(self):
        plain = [self.c.take(tag) for tag in self.asked()]
        self.assertEqual(plain, [self.c.take(tag) for tag in self.asked(linear=1)])
        self.assertAnswer(self.c.call("REV", linear=1), rev=self.rev)
        self.assertAnswer(self.c.call("GET", path="/d", linear=1), err="ISDIR")

    def test_a_write_says_what_was_applied_and_does_not_wait(self):
        rev = self.rev
        got = self.c.call("SET", path="/d/f", value=b"v", rev=-1, min_rev=FAR, linear=1)
        self.assertAnswer(got, rev=rev + 1, applied=rev + 1)
        got = self.c.call("SET", path="/d/f", value=b"v", rev=0, min_rev=0)
        self.assertAnswer(got, err="REV_MISMATCH", applied=rev + 2)
        self.assertAnswer(self.c.call("NOP", min_rev=0), applied=rev + 3)
        self.assertAnswer(self.c.call("DEL", path="/d/f", rev=-1, min_rev=0), applied=rev + 4)


if __name__ == "__main__":
    lab.main()
