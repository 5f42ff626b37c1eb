"""The verbs, row by row: each test names the line of protocol.md that it holds the server to."""

import random
import re

import lab
from wire import CLOBBER, DEL_FLAG, FAR, MALFORMED_GLOBS, MALFORMED_PATHS, NOP_FLAG, READS_NOTHING, SET_FLAG


class Reads(lab.Case):
    """protocol.md, Verbs: GET and STAT"""

    def setUp(self):
        super().setUp()
        self.c = self.client()
        self.file = self.c.put("/a", b"v1")
        self.c.put("/d/x", b"dx")
        self.c.put("/d/sub/z", b"z")
        self.empty = self.c.put("/empty", b"")

    def test_get_file(self):
        """GET file: rev, value"""
        self.assertAnswer(self.c.get("/a"), rev=self.file, value=b"v1")

    def test_get_empty_file(self):
        """GET file: value sent even when empty"""
        self.assertAnswer(self.c.get("/empty"), rev=self.empty, value=b"")

    def test_get_missing_path(self):
        """GET missing path, or path below a file: rev=0, value="" """
        for path in ("/nope", "/nope/x/y", "/a/b", "/a/b/c/d", "/d/y", "/A"):
            self.assertAnswer(self.c.get(path), **READS_NOTHING)

    def test_get_directory(self):
        """GET directory (also "/"): ISDIR"""
        for path in ("/d", "/d/sub", "/", "/ctl", "/ctl/node"):
            self.assertAnswer(self.c.get(path), err="ISDIR")

    def test_get_malformed_path(self):
        """GET with a malformed path: rev=0, value=""; GET path="" ours: the same"""
        for path in MALFORMED_PATHS:
            self.assertAnswer(self.c.get(path), **READS_NOTHING)
            self.assertAnswer(self.c.get(path, rev=self.file), **READS_NOTHING)

    def test_get_without_path(self):
        """GET without path: MISSING_ARG"""
        self.assertAnswer(self.c.call("GET"), err="MISSING_ARG")
        self.assertAnswer(self.c.call("GET", rev=1), err="MISSING_ARG")
        self.assertAnswer(self.c.call("GET", rev=FAR), err="MISSING_ARG")

    def test_stat_file(self):
        """STAT file: rev, len=bytes"""
        self.assertAnswer(self.c.stat("/a"), rev=self.file, len=2)
        self.assertAnswer(self.c.stat("/empty"), rev=self.empty, len=0)

    def test_stat_directory(self):
        """STAT directory: rev=-2, len=entries"""
        self.assertAnswer(self.c.stat("/d"), rev=-2, len=2)
        self.assertAnswer(self.c.stat("/"), rev=-2, len=4)

    def test_stat_missing_malformed_or_absent(self):
        """STAT missing or malformed or absent path: rev=0, len=0"""
        for path in ["/nope", "/a/b", None] + MALFORMED_PATHS:
            self.assertAnswer(self.c.stat(path), rev=0, len=0)


class Directories(lab.Case):
    """protocol.md, Verbs: GETDIR"""

    NAMES = ["-", ".", "..", "0", "9", "A", "Z", "a", "a-", "a.", "a0", "aa", "ab", "b", "z"]

    def setUp(self):
        super().setUp()
        self.c = self.client()
        for name in random.Random(1).sample(self.NAMES, len(self.NAMES)):
            self.c.put("/d/%s%s" % (name, "/below" if name in ("a", "..", "Z") else ""))
        self.c.put("/f", b"file")

    def test_names_in_byte_order(self):
        """GETDIR dir, offset k: path = k-th name in byte order (a bare name, not a path)"""
        for k, name in enumerate(self.NAMES):
            self.assertAnswer(self.c.getdir("/d", k), path=name)

    def test_root(self):
        """GETDIR dir: "/" is one"""
        self.assertEqual(["ctl", "d", "f"], self.c.names("/"))

    def test_offset_out_of_range(self):
        """GETDIR offset <0 or >= count: RANGE"""
        for offset in (len(self.NAMES), 99, -1, -99, 2 ** 31 - 1, -2 ** 31):
            self.assertAnswer(self.c.getdir("/d", offset), err="RANGE")

    def test_no_directory(self):
        """GETDIR file / missing, below a file, malformed or empty path: NOTDIR / NOENT"""
        self.assertAnswer(self.c.getdir("/f"), err="NOTDIR")
        for path in ["/nope", "/f/x", "/nope/x"] + MALFORMED_PATHS:
            self.assertAnswer(self.c.getdir(path), err="NOENT")

    def test_the_directory_is_looked_at_before_the_offset(self):
        """Order of the checks: GETDIR looks at the directory before the offset"""
        for offset in (-1, 5):
            self.assertAnswer(self.c.getdir("/f", offset), err="NOTDIR")
            self.assertAnswer(self.c.getdir("/nope", offset), err="NOENT")
            self.assertAnswer(self.c.getdir("", offset), err="NOENT")

    def test_without_path_or_offset(self):
        """GETDIR without path or offset: MISSING_ARG"""
        self.assertAnswer(self.c.call("GETDIR", path="/d"), err="MISSING_ARG")
        self.assertAnswer(self.c.call("GETDIR", offset=0), err="MISSING_ARG")
        self.assertAnswer(self.c.call("GETDIR"), err="MISSING_ARG")
        self.assertAnswer(self.c.call("GETDIR", path="/a_b"), err="MISSING_ARG")
        self.assertAnswer(self.c.call("GETDIR", path="/d", rev=FAR), err="MISSING_ARG")


class Walks(lab.Case):
    """protocol.md, Verbs: WALK, and Globs and paths"""

    def setUp(self):
        super().setUp()
        self.c = self.client()

    def test_the_kth_matching_file(self):
        """WALK glob, offset k: flags=4, rev, path, value of the k-th matching *file*"""
        revs = {p: self.c.put(p, p.encode()) for p in ("/d/y", "/d/x", "/d/sub/z")}
        for k, path in enumerate(("/d/sub/z", "/d/x", "/d/y")):
            self.assertAnswer(self.c.walk("/d/**", k), flags=SET_FLAG, rev=revs[path], path=path,
                              value=path.encode())
        for k, path in enumerate(("/d/x", "/d/y")):
            self.assertEqual(path, self.c.walk("/d/*", k)["path"])

    def test_an_empty_value_is_sent(self):
        """WALK: presence of the fields"""
        rev = self.c.put("/e")
        self.assertAnswer(self.c.walk("/e", 0), flags=SET_FLAG, rev=rev, path="/e", value=b"")

    def test_depth_first_names_in_byte_order(self):
        """WALK: depth first, names in byte order ("/a/x" before "/a-", though "/" is above "-")"""
        order = ["/w/-", "/w/.", "/w/0", "/w/A", "/w/a/-/y", "/w/a/x", "/w/a-", "/w/a.", "/w/a0", "/w/b"]
        for path in random.Random(2).sample(order, len(order)):
            self.c.put(path)
        self.assertEqual(order, [path for path, _, _ in self.c.files("/w/**")])

    def test_out_of_range(self):
        """WALK past the last match, or offset <0: RANGE (directories never match)"""
        self.c.put("/d/x")
        for glob, offset in (("/d/**", 1), ("/d/**", 2), ("/d/x", 1), ("/d", 0), ("/", 0), ("/nope/**", 0),
                             ("/**", -1), ("/d/x", -1), ("/**", 2 ** 31 - 1), ("/**", -2 ** 31)):
            self.assertAnswer(self.c.walk(glob, offset), err="RANGE")

    def test_malformed_glob(self):
        """WALK malformed glob (judged before offset): OTHER, "invalid glob pattern: <glob>" """
        for glob in MALFORMED_GLOBS:
            for offset in (0, -1, 5):
                self.assertOther(self.c.walk(glob, offset), "invalid glob pattern: " + glob)
            self.assertOther(self.c.walk(glob, 0, rev=FAR), "invalid glob pattern: " + glob)

    def test_glob_that_is_no_utf8(self):
        """WALK malformed glob: whatever the bytes"""
        self.assertOther(self.c.walk(b"/\xff", 0), re.compile("^invalid glob pattern: "))

    def test_without_path_or_offset(self):
        """WALK without path or offset: MISSING_ARG, before the glob is looked at"""
        for fields in ({}, {"path": "/**"}, {"offset": 0}, {"path": "/[a]"}, {"offset": -1},
                       {"path": "/**", "rev": FAR}):
            self.assertAnswer(self.c.call("WALK", **fields), err="MISSING_ARG")

    def test_a_negative_offset_is_judged_before_the_revision(self):
        """Order of the checks: a negative offset of WALK, history"""
        self.assertAnswer(self.c.walk("/**", -1, rev=FAR), err="RANGE")

    def test_glob_rules(self):
        """Globs and paths: what ?, * and ** match"""
        paths = ["/d/sub/z", "/d/x", "/d/y", "/dd", "/fizz/z", "/q/-/..", "/z"]
        for path in paths:
            self.c.put(path)
        table = [("/d**", ["/d/sub/z", "/d/x", "/d/y", "/dd"]), ("/**z", ["/d/sub/z", "/fizz/z", "/z"]),
                 ("/**/z", ["/d/sub/z", "/fizz/z"]), ("/*", ["/dd", "/z"]), ("/?", ["/z"]),
                 ("/??", ["/dd"]), ("/d/?", ["/d/x", "/d/y"]), ("/d/*", ["/d/x", "/d/y"]),
                 ("/d/***", ["/d/sub/z", "/d/x", "/d/y"]), ("/d/****", ["/d/sub/z", "/d/x", "/d/y"]),
                 ("/*/*/*", ["/d/sub/z", "/q/-/.."]), ("/q/-/..", ["/q/-/.."]), ("/q/-/.", []),
                 ("/q/?/?.", ["/q/-/.."]), ("/d*", ["/dd"]), ("/d**z", ["/d/sub/z"]), ("/*z/z", ["/fizz/z"]),
                 ("/d?x", []), ("/d*x", []), ("/d**x", ["/d/x"]), ("/dd*", ["/dd"]), ("/dd?", []),
                 ("/dd/**", []), ("/**/**/z", ["/d/sub/z"]), ("/*.", []), ("/q/**.", ["/q/-/.."])]
        for glob, matches in table:
            got = [p for p, _, _ in self.c.files(glob) if not p.startswith("/ctl")]
            self.assertEqual(matches, got, glob)

    def test_random_globs_against_regular_expressions(self):
        """Globs and paths: pairs of stars are taken from the left"""
        rng = random.Random(lab.OPTIONS.seed)
        words = ["a", "b", "ab", "ba", "aa", "a.", "-a"]
        paths = set()
        while len(paths) < 120:
            path = "/g" + "".join("/" + rng.choice(words) for _ in range(rng.randint(1, 4)))
            if self.c.set(path, b"", CLOBBER).get("rev"):
                paths.add(path)
        for _ in range(150):
            glob = "/g" + "".join(rng.choice(["/", "a", "b", "?", "*", "**", ".", "a*", "/**"])
                                  for _ in range(rng.randint(1, 7)))
            if "//" in glob or glob.endswith("/"):
                continue
            expression = "".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(t, re.escape(t))
                                 for t in re.findall(r"\*\*|.", glob))
            matches = {p for p in paths if re.fullmatch(expression, p)}
            self.assertEqual(matches, {p for p, _, _ in self.c.files(glob)},
                             "%s, --seed %d" % (glob, lab.OPTIONS.seed))


class Sets(lab.Case):
    """protocol.md, Verbs: SET"""

    def setUp(self):
        super().setUp()
        self.c = self.client()

    def test_answers_its_revision_and_nothing_else(self):
        """SET path value rev: rev = revision of this change"""
        rev = self.c.rev()
        self.assertAnswer(self.c.set("/a", b"v", 0), rev=rev + 1)
        self.assertAnswer(self.c.get("/a"), rev=rev + 1, value=b"v")

    def test_absent_value(self):
        """SET: absent value = empty"""
        rev = self.c.call("SET", path="/noval", rev=0)["rev"]
        self.assertAnswer(self.c.get("/noval"), rev=rev, value=b"")

    def test_any_bytes(self):
        """SET path value: a value is any bytes"""
        for value in (b"a=b:c\x00\xff\n", bytes(range(256)), b"\x00", b"\n"):
            rev = self.c.put("/b", value)
            self.assertAnswer(self.c.get("/b"), rev=rev, value=value)

    def test_any_well_formed_path(self):
        """Globs and paths: A-Z a-z 0-9 . -; "/." and "/.." are ordinary names"""
        long = "/" + "/".join("n%d" % i for i in range(300))
        for path in ("/.", "/..", "/-", "/A.b-9", "/x/../y", "/.../-.-", "/" + "l" * 2900, long):
            rev = self.c.put(path, b"q")
            self.assertAnswer(self.c.get(path), rev=rev, value=b"q")

    def test_on_a_directory(self):
        """SET on a directory ("/" too), any rev >= -2: ISDIR"""
        self.c.put("/d/x")
        for path in ("/d", "/", "/ctl"):
            for rev in (0, -1, -2, 5, FAR):
                self.assertAnswer(self.c.set(path, b"q", rev), err="ISDIR")
            self.assertAnswer(self.c.set(path, b"q", -3), err="REV_MISMATCH")

    def test_below_a_file(self):
        """SET below a file: NOTDIR"""
        rev = self.c.put("/a", b"v")
        for path in ("/a/b", "/a/b/c/d"):
            for condition in (0, -1, -2, -3, FAR):
                self.assertAnswer(self.c.set(path, b"q", condition), err="NOTDIR")
        self.assertAnswer(self.c.get("/a"), rev=rev, value=b"v")

    def test_malformed_path(self):
        """SET malformed path: BAD_PATH (before any revision check)"""
        before = self.c.rev()
        for path in MALFORMED_PATHS:
            for rev in (0, -1, -9, FAR):
                self.assertAnswer(self.c.set(path, b"q", rev), err="BAD_PATH")
        self.assertEqual(before, self.c.rev(), "refused before it enters the order")

    def test_without_path_or_rev(self):
        """SET without path or rev: MISSING_ARG"""
        before = self.c.rev()
        for fields in ({}, {"path": "/a"}, {"rev": 0}, {"value": b"v"}, {"path": "/a_b"},
                       {"value": b"v", "rev": 0}, {"path": "/a", "value": b"v"}):
            self.assertAnswer(self.c.call("SET", **fields), err="MISSING_ARG")
        self.assertEqual(before, self.c.rev(), "refused before it enters the order")


class Dels(lab.Case):
    """protocol.md, Verbs: DEL"""

    def setUp(self):
        super().setUp()
        self.c = self.client()

    def test_answers_nothing_but_the_tag(self):
        """DEL path rev: nothing but the tag"""
        rev = self.c.put("/a", b"v")
        self.assertAnswer(self.c.delete("/a", rev))
        self.assertAnswer(self.c.get("/a"), **READS_NOTHING)
        self.assertEqual(rev + 1, self.c.rev())

    def test_a_value_is_ignored(self):
        """DEL path rev: it has no value"""
        self.c.put("/a", b"v")
        self.assertAnswer(self.c.call("DEL", path="/a", rev=-1, value=b"zz"))
        self.assertAnswer(self.c.stat("/a"), rev=0, len=0)

    def test_the_last_file_takes_its_directories_along(self):
        """DEL: deleting the last file of a directory removes the directory, upwards"""
        for path in ("/d/s/t/z", "/d/x"):
            self.c.put(path)
        self.c.delete("/d/s/t/z")
        for path in ("/d/s/t", "/d/s"):
            self.assertAnswer(self.c.stat(path), rev=0, len=0)
            self.assertAnswer(self.c.getdir(path), err="NOENT")
        self.assertEqual(["x"], self.c.names("/d"))
        self.c.delete("/d/x")
        self.assertEqual(["ctl"], self.c.names("/"))
        self.assertEqual({"rev"}, set(self.c.set("/d", b"a file now", 0)))

    def test_missing_path(self):
        """DEL missing path, rev >= -1: succeeds, uses up a revision, watchers see a del"""
        for rev in (0, -1, 7, FAR):
            before = self.c.rev()
            self.assertAnswer(self.c.delete("/no/pe", rev))
            self.assertEqual(before + 1, self.c.rev())
            self.assertAnswer(self.c.wait("/**", before + 1), flags=DEL_FLAG, rev=before + 1, path="/no/pe",
                              value=b"")
        self.assertAnswer(self.c.stat("/no"), rev=0, len=0)

    def test_rev_too_low(self):
        """DEL rev too low: REV_MISMATCH"""
        rev = self.c.put("/a", b"v")
        for low in (0, 1, rev - 1, -2, -3):
            self.assertAnswer(self.c.delete("/a", low), err="REV_MISMATCH")
        for low in (-2, -3):
            self.assertAnswer(self.c.delete("/nope", low), err="REV_MISMATCH")
        self.assertAnswer(self.c.get("/a"), rev=rev, value=b"v")

    def test_directory(self):
        """DEL directory: ISDIR"""
        self.c.put("/d/x")
        for path in ("/d", "/", "/ctl"):
            for rev in (0, -1, -2, FAR):
                self.assertAnswer(self.c.delete(path, rev), err="ISDIR")
            self.assertAnswer(self.c.delete(path, -3), err="REV_MISMATCH")
        self.assertEqual(["x"], self.c.names("/d"))

    def test_malformed_path(self):
        """DEL malformed: BAD_PATH"""
        before = self.c.rev()
        for path in MALFORMED_PATHS:
            for rev in (-1, -3, FAR):
                self.assertAnswer(self.c.delete(path, rev), err="BAD_PATH")
        self.assertEqual(before, self.c.rev())

    def test_without_path_or_rev(self):
        """DEL without path or rev: MISSING_ARG"""
        for fields in ({}, {"path": "/a"}, {"rev": 0}, {"path": "/a_b"}):
            self.assertAnswer(self.c.call("DEL", **fields), err="MISSING_ARG")

    def test_below_a_file(self):
        """DEL below a file, ours: as for a missing path; the file stays"""
        rev = self.c.put("/a", b"precious")
        for path in ("/a/b", "/a/b/c"):
            for condition in (0, -1, FAR):
                before = self.c.rev()
                self.assertAnswer(self.c.delete(path, condition))
                self.assertAnswer(self.c.wait(path, before + 1), flags=DEL_FLAG, rev=before + 1, path=path,
                                  value=b"")
            self.assertAnswer(self.c.delete(path, -2), err="REV_MISMATCH")
        self.assertAnswer(self.c.get("/a"), rev=rev, value=b"precious")


class OtherVerbs(lab.Case):
    """protocol.md, Verbs: NOP, REV, SELF and what is none"""

    def setUp(self):
        super().setUp()
        self.c = self.client()

    def test_nop(self):
        """NOP: nothing but the tag; uses up a revision whose event has path "/" and flags 0"""
        before = self.c.rev()
        self.assertAnswer(self.c.call("NOP"))
        self.assertAnswer(self.c.call("NOP", path="/x", rev=3))
        self.assertEqual(before + 2, self.c.rev())
        for rev in (before + 1, before + 2):
            self.assertAnswer(self.c.wait("/**", rev), flags=NOP_FLAG, rev=rev, path="/", value=b"")

    def test_a_nop_matches_the_globs_that_match_the_root(self):
        """a NOP's event matches `/**`, `/*`, `/`"""
        rev = self.c.rev() + 1
        self.c.nop()
        for glob in ("/**", "/*", "/", "/***"):
            self.assertAnswer(self.c.wait(glob, rev), flags=NOP_FLAG, rev=rev, path="/", value=b"")
        tags = [self.c.send("WAIT", path=glob, rev=rev) for glob in ("/?", "/x", "/?**")]
        self.assertStillWaiting(self.c, *tags)
        self.c.put("/x")
        for tag in tags:
            self.assertEqual("/x", self.c.take(tag)["path"])

    def test_rev(self):
        """REV: rev = newest applied revision; other fields are ignored"""
        rev = self.c.put("/a")
        self.assertAnswer(self.c.call("REV"), rev=rev)
        self.assertAnswer(self.c.call("REV", path="/x", rev=3), rev=rev)

    def test_self(self):
        """SELF: value = this process's id"""
        me = self.c.call("SELF")
        self.assertEqual({"value"}, set(me))
        self.assertEqual(me, self.c.call("SELF", path="/zz", rev=3))
        self.assertEqual(me["value"], self.c.get("/ctl/cal/0")["value"])

    def test_any_other_verb_or_none(self):
        """any other verb, or none: UNKNOWN_VERB"""
        for verb in (0, -1, 4, 8, 10, 11, 12, 13, 15, 17, 42, 98, 100, 2 ** 31 - 1, -2 ** 31, None):
            self.assertAnswer(self.c.call(verb), err="UNKNOWN_VERB")
            self.assertAnswer(self.c.call(verb, path="/a", rev=FAR, offset=-1), err="UNKNOWN_VERB")


class FailedChanges(lab.Case):
    """protocol.md, Verbs: a change that fails when it is applied is itself a change"""

    def test_it_sets_ctl_err_at_its_revision(self):
        """it sets /ctl/err to the error's text at its revision, and watchers of /ctl/err see it"""
        c = self.client()
        c.put("/f", b"v")
        c.put("/d/x")
        watcher = self.other(c)
        for call, code, text in (
                (lambda: c.set("/f", b"q", 0), "REV_MISMATCH", b"rev mismatch"),
                (lambda: c.delete("/f", 0), "REV_MISMATCH", b"rev mismatch"),
                (lambda: c.set("/d", b"q"), "ISDIR", b"is a directory"),
                (lambda: c.delete("/d"), "ISDIR", b"is a directory"),
                (lambda: c.set("/f/below", b"q"), "NOTDIR", b"not a directory")):
            rev = c.rev() + 1
            tag = watcher.send("WAIT", path="/ctl/err", rev=rev)
            watcher.call("REV")
            self.assertAnswer(call(), err=code)
            self.assertEqual(rev, c.rev())
            self.assertAnswer(watcher.take(tag), flags=SET_FLAG, rev=rev, path="/ctl/err", value=text)
            self.assertAnswer(c.wait("/**", rev), flags=SET_FLAG, rev=rev, path="/ctl/err", value=text)
            self.assertAnswer(c.get("/ctl/err"), rev=rev, value=text)

    def test_the_path_of_the_failed_change_has_no_event(self):
        """watchers of the path do not see a change that failed"""
        c = self.client()
        rev = c.put("/f", b"v")
        tag = c.send("WAIT", path="/f", rev=rev + 1)
        c.set("/f", b"q", 0)
        c.delete("/f", 0)
        self.assertStillWaiting(c, tag)
        self.assertAnswer(c.wait("/f", 1), flags=SET_FLAG, rev=rev, path="/f", value=b"v")

    def test_ctl_err_as_a_directory_stops_nobody(self):
        """the error is answered, whatever a client made of /ctl/err"""
        c = self.client()
        c.put("/ctl/err/x")
        self.assertAnswer(c.set("/ctl/name", b"q", 0), err="REV_MISMATCH")
        self.assertEqual({"rev"}, set(c.set("/after")))
        self.assertAnswer(c.delete("/ctl", 0), err="ISDIR")


if __name__ == "__main__":
    lab.main()
