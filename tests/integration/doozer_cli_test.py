"""The doozer command: what each prints, its exit codes, its options. Source: doozer(1)."""

import re

import lab
from usage import USAGE

MISSING = "No such file or directory: "
OVERVIEW = "Use: doozer [options] <command> [options] [args]\n"


class Case(lab.Case):
    """A server with two files and a directory: /a, /empty, /d/x, /d/y"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)
        self.a = self.c.put("/a", b"hello")
        for path, value in (("/empty", b""), ("/d/x", b"x"), ("/d/y", b"y")):
            self.c.put(path, value)

    def run_(self, *words, stdin=b"", env=None):
        return self.doozer(self.server_, *words, stdin=stdin, env=env)

    def prints(self, stdout, *words, stdin=b"", env=None):
        """Exit 0, exactly this on stdout, nothing on stderr."""
        got = self.run_(*words, stdin=stdin, env=env)
        if isinstance(stdout, str):
            stdout = stdout.encode()
        self.assertEqual((0, stdout, ""), (got.code, got.stdout, got.stderr), words)

    def fails(self, code, stderr, *words, stdin=b"", env=None):
        """This exit code, exactly this on stderr, nothing on stdout."""
        got = self.run_(*words, stdin=stdin, env=env)
        self.assertEqual((code, b"", stderr), (got.code, got.stdout, got.stderr), words)

    def wrong_number(self, command, *words):
        """127, the usage on stdout, and what is wrong on stderr."""
        got = self.run_(*words)
        self.assertEqual((127, USAGE[command].encode(), command + ": wrong number of arguments\n"),
                         (got.code, got.stdout, got.stderr), words)

    def now(self):
        return self.c.rev()


class Add(Case):
    """doozer(1): add <path>"""

    def test_a_new_file(self):
        """body from stdin, only if missing; prints the new revision and a newline"""
        rev = self.now() + 1
        self.prints("%d\n" % rev, "add", "/new", stdin=b"body")
        self.assertAnswer(self.c.get("/new"), rev=rev, value=b"body")

    def test_bodies(self):
        """body from stdin, whatever it is"""
        for n, body in enumerate((b"", b"\n", b"a\nb\n", bytes(range(256)), b"\0" * 3, bytes(1 << 20))):
            self.assertEqual(0, self.run_("add", "/b%d" % n, stdin=body).code)
            self.assertTrue(body == self.c.get("/b%d" % n)["value"])

    def test_an_existing_file(self):
        """1 = revision mismatch; Errors: `Error: REV_MISMATCH` on stderr"""
        self.fails(1, "Error: REV_MISMATCH\n", "add", "/a", stdin=b"other")
        self.assertAnswer(self.c.get("/a"), rev=self.a, value=b"hello")

    def test_refusals(self):
        """2 = other failure"""
        for path, error in (("/a/b", "NOTDIR"), ("/d", "ISDIR"), ("/", "ISDIR"), ("a", "BAD_PATH"), ("/a_b", "BAD_PATH"),
                            ("", "BAD_PATH")):
            self.fails(2, "Error: %s\n" % error, "add", path, stdin=b"x")

    def test_a_body_that_is_too_large(self):
        """Errors: with `: detail` where the server sent one"""
        got = self.run_("add", "/large", stdin=bytes((1 << 20) + 1))
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertOneLine(got.stderr, r"^Error: OTHER: .*(1048576|1 ?MiB)")

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        self.wrong_number("add", "add")
        self.wrong_number("add", "add", "/a", "/b")


class Set(Case):
    """doozer(1): set <path> <rev>"""

    def test_prints_the_new_revision(self):
        """body from stdin; prints the new revision"""
        rev = self.now() + 1
        self.prints("%d\n" % rev, "set", "/a", str(self.a), stdin=b"v2")
        self.assertAnswer(self.c.get("/a"), rev=rev, value=b"v2")
        self.prints("%d\n" % (rev + 1), "set", "/a", "999999", stdin=b"v3")
        self.prints("%d\n" % (rev + 2), "set", "/ml", "0", stdin=b"multi\nline\n")
        self.assertAnswer(self.c.get("/ml"), rev=rev + 2, value=b"multi\nline\n")

    def test_a_negative_number_is_an_argument(self):
        """a negative number such as `-1` is an argument, not an option"""
        rev = self.now() + 1
        self.prints("%d\n" % rev, "set", "/a", "-1", stdin=b"v4")
        self.assertAnswer(self.c.get("/a"), rev=rev, value=b"v4")

    def test_a_revision_too_low(self):
        """1 = revision mismatch"""
        for rev in ("0", str(self.a - 1), "-2"):
            self.fails(1, "Error: REV_MISMATCH\n", "set", "/a", rev, stdin=b"x")
        self.assertAnswer(self.c.get("/a"), rev=self.a, value=b"hello")

    def test_no_number(self):
        """2 = other failure"""
        for text in ("abc", "1.5", "", "1 ", " 1", "0x10", "--", "1_0", "+", "-"):
            got = self.run_("set", "/a", text, stdin=b"x")
            self.assertEqual((2, b""), (got.code, got.stdout), text)
            self.assertOneLine(got.stderr, '^Error: .*"%s": invalid syntax$' % re.escape(text))
        self.assertEqual(b"hello", self.c.get("/a")["value"])

    def test_a_number_too_large(self):
        """2 = other failure"""
        for text in ("99999999999999999999", "9223372036854775808", "-9223372036854775809"):
            got = self.run_("set", "/a", text, stdin=b"x")
            self.assertEqual((2, b""), (got.code, got.stdout), text)
            self.assertOneLine(got.stderr, '^Error: .*"%s": value out of range$' % text)

    def test_the_largest_number(self):
        """<rev> is an int64"""
        self.assertEqual(0, self.run_("set", "/a", "9223372036854775807", stdin=b"x").code)
        self.assertEqual(0, self.run_("set", "/a", "+9223372036854775807", stdin=b"x").code)

    def test_refusals(self):
        """2 = other failure"""
        for path, rev, error in (("/d", "0", "ISDIR"), ("/d", "-1", "ISDIR"), ("/a/b", "0", "NOTDIR"),
                                 ("a", "0", "BAD_PATH")):
            self.fails(2, "Error: %s\n" % error, "set", path, rev, stdin=b"x")

    def test_wrong_number_of_arguments(self):
        """127; `--` behind the first argument is an argument"""
        for words in (["set"], ["set", "/a"], ["set", "/a", "--", "-1"], ["set", "/a", "1", "2"]):
            self.wrong_number("set", *words)


class Get(Case):
    """doozer(1): get <path>"""

    def test_the_body_and_nothing_else(self):
        """the body and nothing else (no newline added)"""
        self.prints("hello", "get", "/a")
        self.prints("", "get", "/empty")
        for body in (b"multi\nline\n", bytes(range(256)), bytes(1 << 20)):
            self.c.put("/b", body)
            self.prints(body, "get", "/b")

    def test_at_a_revision(self):
        """ours honours `-r`"""
        self.c.put("/a", b"newer")
        for words in (["get", "-r", str(self.a), "/a"], ["-r", str(self.a), "get", "/a"],
                      ["get", "-r=%d" % self.a, "/a"], ["--r=%d" % self.a, "get", "/a"]):
            self.prints("hello", *words)
        for words in (["-r", "-1", "get", "/a"], ["get", "-r", "-7", "/a"], ["get", "/a"]):
            self.prints("newer", *words)

    def test_missing(self):
        """ours: a missing file is an error (exit 2, "No such file or directory: <path>")"""
        for path in ("/nope", "/a/b", "a", "/a_b", ""):
            got = self.run_("get", path)
            self.assertEqual((2, b""), (got.code, got.stdout), path)
            self.assertRegex(got.stderr, r"\A(Error: )?%s%s\n\Z" % (MISSING, re.escape(path)))
        got = self.run_("-r", str(self.a - 1), "get", "/a")
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertIn(MISSING + "/a\n", got.stderr)

    def test_a_directory(self):
        """2 = other failure"""
        for path in ("/d", "/"):
            self.fails(2, "Error: ISDIR\n", "get", path)

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments; options do not stand behind arguments"""
        for words in (["get"], ["get", "/a", "/b"], ["get", "/a", "-r", "1"]):
            self.wrong_number("get", *words)


class Del(Case):
    """doozer(1): del <path> <rev>"""

    def test_prints_nothing(self):
        """prints nothing"""
        self.prints("", "del", "/a", str(self.a))
        self.assertAnswer(self.c.get("/a"), rev=0, value=b"")
        self.prints("", "del", "/d/x", "-1")
        self.prints("", "del", "--", "/d/y", "-1")
        self.assertAnswer(self.c.stat("/d"), rev=0, len=0)

    def test_missing(self):
        """DEL of a missing path succeeds"""
        for rev in ("0", "99", "-1"):
            self.prints("", "del", "/nope", rev)

    def test_refusals(self):
        """1 = revision mismatch, 2 = other failure"""
        self.fails(1, "Error: REV_MISMATCH\n", "del", "/a", "0")
        self.fails(1, "Error: REV_MISMATCH\n", "del", "/a", "1")
        for path, rev, error in (("/d", "0", "ISDIR"), ("/d", "99999", "ISDIR"), ("/", "0", "ISDIR"),
                                 ("a", "0", "BAD_PATH"), ("/a_b", "0", "BAD_PATH"), ("", "0", "BAD_PATH")):
            self.fails(2, "Error: %s\n" % error, "del", path, rev)
        got = self.run_("del", "/a", "abc")
        self.assertEqual(2, got.code)
        self.assertOneLine(got.stderr, '^Error: .*"abc": invalid syntax$')

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        for words in (["del"], ["del", "/a"], ["del", "/a", "--", "-1"]):
            self.wrong_number("del", *words)


class Stat(Case):
    """doozer(1): stat <path>"""

    def test_a_file(self):
        """`<rev> <len>`"""
        self.prints("%d 5\n" % self.a, "stat", "/a")
        self.prints("%d 0\n" % (self.a + 1), "stat", "/empty")

    def test_a_directory(self):
        """`d <entries>` for a directory"""
        self.prints("d 2\n", "stat", "/d")
        self.prints("d 4\n", "stat", "/")

    def test_missing(self):
        """missing: "No such file or directory: <path>" on stderr, exit 2"""
        for path in ("/nope", "/a/b", "a", "/a_b", ""):
            self.fails(2, MISSING + path + "\n", "stat", path)

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        self.wrong_number("stat", "stat")


class Find(Case):
    """doozer(1): find <path>"""

    def test_the_path_and_every_path_below_it(self):
        """depth first in byte order, one a line, directories too"""
        self.prints("/d\n/d/x\n/d/y\n", "find", "/d")
        self.prints("/a\n", "find", "/a")
        me = self.c.call("SELF")["value"].decode()
        self.prints("\n".join(
            ["/", "/a", "/ctl", "/ctl/cal", "/ctl/cal/0", "/ctl/name", "/ctl/node", "/ctl/node/" + me]
            + ["/ctl/node/%s/%s" % (me, n) for n in ("addr", "applied", "hostname", "version", "writable")]
            + ["/ctl/ns", "/ctl/ns/local", "/ctl/ns/local/" + me, "/d", "/d/x", "/d/y", "/empty", ""]), "find", "/")

    def test_byte_order_within_a_directory(self):
        """depth first: what is below a directory comes before its next sibling"""
        for path in ("/o/a-", "/o/a/z", "/o/a.", "/o/B", "/o/a/A/q"):
            self.c.put(path)
        self.prints("/o\n/o/B\n/o/a\n/o/a/A\n/o/a/A/q\n/o/a/z\n/o/a-\n/o/a.\n", "find", "/o")

    def test_many(self):
        """every path below it"""
        for n in range(300):
            self.c.put("/many/%d/%03d" % (n % 3, n))
        expected = ["/many"]
        for d in range(3):
            expected += ["/many/%d" % d] + ["/many/%d/%03d" % (d, n) for n in range(300) if n % 3 == d]
        self.prints("\n".join(expected) + "\n", "find", "/many")

    def test_at_a_revision(self):
        """-r rev; a negative one means not given"""
        self.c.delete("/d/x")
        self.prints("/d\n/d/x\n/d/y\n", "-r", str(self.a + 3), "find", "/d")
        self.prints("/d\n/d/x\n", "find", "-r", str(self.a + 2), "/d")
        self.prints("/d\n/d/y\n", "find", "-r", "-1", "/d")
        first = self.c.wait("/**", 1)["path"]
        whole = "".join(first.rsplit("/", n)[0] + "\n" for n in range(first.count("/"), 0, -1)).lstrip("\n")
        for rev in ("0", "1"):
            self.prints("/\n" + whole + first + "\n", "find", "-r", rev, "/")

    def test_missing(self):
        """missing, ours: `Error: NOENT`, exit 2"""
        for path in ("/nope", "/d/", "a", "", "/a/b"):
            self.fails(2, "Error: NOENT\n", "find", path)

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        self.wrong_number("find", "find")


class Touch(Case):
    """doozer(1): touch <path>"""

    def test_sets_a_file_to_its_own_body(self):
        """sets the file to its own body (creates it if missing); prints nothing"""
        rev = self.now() + 1
        self.prints("", "touch", "/a")
        self.assertAnswer(self.c.get("/a"), rev=rev, value=b"hello")
        self.prints("", "touch", "/new/file")
        self.assertAnswer(self.c.get("/new/file"), rev=rev + 1, value=b"")

    def test_refusals(self):
        """2 = other failure"""
        self.fails(2, "Error: ISDIR\n", "touch", "/d")
        self.fails(2, "Error: BAD_PATH\n", "touch", "a")

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        self.wrong_number("touch", "touch")


class Rest(Case):
    """doozer(1): rev, self, nop"""

    def test_rev(self):
        """the revision"""
        self.prints("%d\n" % self.now(), "rev")

    def test_self(self):
        """the server's id (no newline in the original)"""
        self.prints(self.c.call("SELF")["value"], "self")

    def test_nop(self):
        """nothing"""
        before = self.now()
        self.prints("", "nop")
        self.assertEqual(before + 1, self.now())

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        for command in ("rev", "self", "nop"):
            self.wrong_number(command, command, "x")


class Wait(Case):
    """doozer(1): wait <glob>"""

    def test_from_a_revision_on(self):
        """one record: `<path> <rev> <set or del> <len>` LF body LF. With `-r` from that revision on"""
        record = "/a %d set 5\nhello\n" % self.a
        for words in (["wait", "-r", "1", "/a"], ["-r", "1", "wait", "/a"], ["wait", "-r", "0", "/a"],
                      ["wait", "-t", "1s", "-r", "1", "/a"], ["-t", "1s", "wait", "-r", "1", "/?"],
                      ["wait", "--t=1m", "--r=%d" % self.a, "/**"]):
            self.prints(record, *words)

    def test_a_deletion(self):
        """set or del"""
        self.c.delete("/a")
        self.prints("/a %d del 0\n\n" % self.now(), "wait", "-r", str(self.now()), "/a")

    def test_a_nop(self):
        """for a NOP the third field is empty"""
        self.c.nop()
        self.prints("/ %d  0\n\n" % self.now(), "wait", "-r", str(self.now()), "/**")

    def test_a_body_of_any_bytes(self):
        """body LF"""
        body = bytes(range(256)) + b"\n"
        rev = self.c.put("/b", body)
        self.prints(b"/b %d set 257\n%s\n" % (rev, body), "wait", "-r", str(rev), "/b")

    def test_without_a_revision_from_the_present_one(self):
        """wait without -r starts at the *present* revision, and a change applied at that very one counts"""
        rev = self.c.put("/w", b"late")
        record = "/w %d set 4\nlate\n" % rev
        self.prints(record, "wait", "/w")
        self.prints(record, "wait", "-r", "-1", "/w")
        self.c.nop()
        self.fails(2, "Error: wait timeout\n", "wait", "-t", "100ms", "/w")

    def test_waits(self):
        """the next change"""
        process = self.keep(lab.Process([lab.OPTIONS.doozer, "-a", self.server_.uri(), "wait", "-r",
                                         str(self.now() + 1), "/w*"]))
        for n in range(200):  # it is connected and waiting, or not yet: either way the first counts
            self.c.put("/v")
        rev = self.c.put("/w1", b"one")
        self.c.put("/w2", b"two")
        self.assertEqual(0, process.wait())
        self.assertEqual(b"/w1 %d set 3\none\n" % rev, process.stdout())

    def test_timeout(self):
        """with `-t`: "Error: wait timeout", exit 2"""
        for words in (["wait", "-t", "100ms", "/never"], ["-t", "100ms", "wait", "/never"],
                      ["wait", "-r", "-1", "-t", "50ms", "/never"], ["wait", "-r", "100000", "-t", "50ms", "/a"]):
            self.fails(2, "Error: wait timeout\n", *words)

    def test_malformed_glob(self):
        """Errors: with `: detail` where the server sent one"""
        for glob in ("/[x]", "a", "", "/d/"):
            self.fails(2, "Error: OTHER: invalid glob pattern: %s\n" % glob, "wait", glob)

    def test_wrong_number_of_arguments(self):
        """127 = wrong number of arguments"""
        self.wrong_number("wait", "wait")


class Options(Case):
    """doozer(1): options"""

    def test_durations(self):
        """-t: an optional sign, then one or more of decimal number and unit out of ns us µs ms s m h"""
        for text in ("1m30s", "1h", "1.5h", "10.5s", "60.s", "+60s", "-1s", "0", "-0", "+0", "0s", "1h2m3s4ms5us6ns",
                     "30s30s", "2562047h47m16.854775807s", "100000h"):
            self.prints("%d\n" % self.now(), "-t", text, "rev")
        for text in "300ms", ".05s", "1us", "7ns", "1\u00b5s", "1\u03bcs", "0.000001s":
            self.fails(2, "Error: wait timeout\n", "wait", "-t", text, "/never")

    def test_no_durations(self):
        """-t: without spaces; a bare `0` is allowed, `5` is not"""
        for text in ("xx", "5", "", "s", ".s", ".", "1x", "1 s", " 1s", "1s ", "1s2", "-5", "++1s", "1e3s", "-",
                     "3000000h", "1S", "1sec", "1,5s", "0x1s"):
            got = self.run_("wait", "-t", text, "/a")
            self.assertEqual((2, b""), (got.code, got.stdout), text)
            self.assertEqual('invalid value "%s" for flag -t: parse error' % text, got.stderr.splitlines()[0])

    def test_no_revision(self):
        """-r rev"""
        for text in ("abc", "", "1.5", "99999999999999999999"):
            got = self.run_("-r", text, "get", "/a")
            self.assertEqual((2, b""), (got.code, got.stdout), text)
            self.assertRegex(got.stderr.splitlines()[0], '^invalid value "%s" for flag -r: ' % re.escape(text))

    def test_unknown_option(self):
        """an unknown flag is an error"""
        for words in (["-x", "get", "/a"], ["get", "-x", "/a"], ["--x", "rev"], ["-x=3", "rev"]):
            got = self.run_(*words)
            self.assertEqual((2, b""), (got.code, got.stdout), words)
            self.assertEqual("flag provided but not defined: -x", got.stderr.splitlines()[0])

    def test_no_abbreviations(self):
        """flags follow Go's rules: no abbreviations"""
        for flag in ("-rr", "-rev", "-dur", "-tl", "-tlsc"):
            got = self.run_(flag, "1", "rev")
            self.assertEqual((2, b""), (got.code, got.stdout), flag)
            self.assertEqual("flag provided but not defined: " + flag, got.stderr.splitlines()[0])

    def test_an_option_without_its_value(self):
        """flags follow Go's rules"""
        got = self.doozer(None, "-r")
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertEqual("flag needs an argument: -r", got.stderr.splitlines()[0])

    def test_two_dashes(self):
        """parsing stops ... at `--`"""
        self.prints("%d\n" % self.now(), "--", "rev")
        self.prints("hello", "get", "--", "/a")
        self.prints("hello", "-r", "-1", "--", "get", "--", "/a")

    def test_the_later_option_counts(self):
        """options stand before the command, or between the command and its arguments"""
        self.c.put("/a", b"newer")
        self.prints("hello", "-r", "-1", "get", "-r", str(self.a), "/a")
        self.prints("newer", "-r", str(self.a), "get", "-r", "-1", "/a")

    def test_revision_of_a_write_is_of_no_concern(self):
        """set -r 5: an option that does not concern the command is accepted"""
        self.prints("%d\n" % (self.now() + 1), "set", "-r", "5", "/a", "9999", stdin=b"x")

    def test_version(self):
        """-v, before the command or behind it"""
        for words in (["-v"], ["--v"], ["-v=true"], ["-v", "get", "/a"], ["get", "-v", "/a"]):
            got = self.doozer(None, *words)
            self.assertEqual((0, ""), (got.code, got.stderr), words)
            self.assertRegex(got.stdout, rb"\Adoozer [0-9]+\.[0-9]+\.[0-9]+\S*\n\Z")
        self.prints("hello", "-v=false", "get", "-h=false", "/a")


class Help(Case):
    """doozer(1): help <command>"""

    def test_usage_of_every_command(self):
        """that command's usage"""
        for command, text in USAGE.items():
            got = self.doozer(None, "help", command)
            self.assertEqual((0, text, ""), (got.code, got.stdout.decode(), got.stderr), command)

    def test_h_behind_a_command(self):
        """-h"""
        for command in USAGE:
            for words in ([command, "-h"], ["-h=false", command, "--h"], [command, "-r", "1", "-h", "x", "y"]):
                got = self.doozer(None, *words)
                self.assertEqual((0, USAGE[command], ""), (got.code, got.stdout.decode(), got.stderr), words)

    def test_h_alone(self):
        """-h: every command and option is told"""
        got = self.doozer(None, "-h")
        self.assertEqual((0, ""), (got.code, got.stderr))
        told = got.stdout.decode()
        self.assertTrue(told.startswith(OVERVIEW))
        for line in ("Each command takes zero or more options and zero or more arguments.",
                     "The exit status is 0 on success, 1 for a rev mismatch, and 2 otherwise.",
                     "  add <path>       - add a key only if it isn't already set", "  del <path> <rev> - delete a file",
                     "  find <path>      - list files", "  get <path>       - read a file",
                     "  help <command>   - provide detailed help on a command", "  nop              - consensus",
                     "  rev              - show current revision", "  self             - identify a node",
                     "  set <path> <rev> - write a file", "  stat <path>      - print file status",
                     "  touch <path>     - update rev of a file", "  wait <glob>      - wait for a change",
                     "  watch <glob>     - watch for a change"):
            self.assertIn(line, told.splitlines())
        for word in ("DOOZER_URI", "DOOZER_BOOT_URI", "-a", "-b", "-h", "-r", "-t", "-v"):
            self.assertIn(word, told)

    def test_help_without_a_command(self):
        """127 = wrong number of arguments"""
        got = self.doozer(None, "help")
        self.assertEqual((127, USAGE["help"].encode(), "help: wrong number of arguments\n"),
                         (got.code, got.stdout, got.stderr))

    def test_help_of_an_unknown_command(self):
        """127 = unknown command"""
        got = self.doozer(None, "help", "nosuch")
        self.assertEqual(127, got.code)
        self.assertEqual("Unknown command: nosuch", got.stderr.splitlines()[0])

    def test_no_command(self):
        """127"""
        got = self.doozer(None)
        self.assertEqual((127, b""), (got.code, got.stdout))
        self.assertTrue(got.stderr.startswith("doozer: missing command\n" + OVERVIEW), got)

    def test_unknown_command(self):
        """127 = unknown command"""
        for words in (["frobnicate"], ["version"], ["frobnicate", "-h"], ["ge", "/a"], ["GET", "/a"], [""]):
            got = self.doozer(None, *words)
            self.assertEqual((127, b""), (got.code, got.stdout), words)
            self.assertTrue(got.stderr.startswith("Unknown command: %s\n%s" % (words[0], OVERVIEW)), got)


if __name__ == "__main__":
    lab.main()
