"""dumpjournal and writejournal: persistence.md, The format."""

import json
import os
import random
import stat
import base64

import lab
from journal_lab import Case, journal, record

SET = "db7d19319fb017f45d7d28693d7eb1557d1c0745" + "06000000" + b"1:/a=b".hex()
EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709" + "00000000"


class Format(Case):
    """persistence.md, The format: byte for byte"""

    def test_check_values(self):
        """the check values of the specification"""
        self.assertEqual(0, self.run_tool("writejournal", self.file(), stdin=b"1:/a=b\n\n").code)
        self.assertEqual(SET + EMPTY, self.content().hex())
        self.assertEqual(0o640, stat.S_IMODE(os.stat(self.file()).st_mode) & ~0o027 | 0o640)
        got = self.run_tool("dumpjournal", self.file())
        self.assertEqual((0, b"1:/a=b\n\n", ""), (got.code, got.stdout, got.stderr))

    def test_appends(self):
        """appends each line of standard input as a mutation"""
        for line in (b"1:/a=1\n2:/b=2\n", b"3:/a\n", b"4:/c=\xff=\x00\n"):
            self.assertEqual(0, self.run_tool("writejournal", self.file(), stdin=line).code)
        self.assertEqual(journal((1, "/a", b"1"), (2, "/b", b"2"), (3, "/a"), (4, "/c", b"\xff=\x00")), self.content())

    def test_both_ways(self):
        """what one writes the other reads, and so does a reader of our own"""
        dice = random.Random(lab.OPTIONS.seed)
        lines = [b"%d:/f%d%s" % (n, dice.randrange(9),
                                 b"" if dice.random() < 0.2 else b"=" + dice.randbytes(dice.randrange(2000)).replace(b"\n", b""))
                 for n in range(1, 300)]
        self.assertEqual(0, self.run_tool("writejournal", self.file(), stdin=b"".join(x + b"\n" for x in lines)).code)
        self.assertEqual(b"".join(map(record, lines)), self.content(), "seed %d" % lab.OPTIONS.seed)
        got = self.run_tool("dumpjournal", self.file())
        self.assertEqual((0, b"".join(x + b"\n" for x in lines)), (got.code, got.stdout))

    def test_the_largest_record(self):
        """the original refuses sizes above 2 MiB"""
        fits = b"1:/a=" + b"v" * (2 * 1024 * 1024 - 5)
        self.assertEqual(0, self.run_tool("writejournal", self.file(), stdin=fits + b"\n").code)
        self.assertEqual(fits + b"\n", self.run_tool("dumpjournal", self.file()).stdout)
        got = self.run_tool("writejournal", self.file(), stdin=fits + b"v\n")
        self.assertEqual(2, got.code)
        self.assertOneLine(got.stderr, "line 1 is longer than 2097152 bytes")
        self.write(record(fits + b"v"))
        got = self.run_tool("dumpjournal", self.file())
        self.assertEqual(2, got.code)
        self.assertOneLine(got.stderr, "offset 0: size 2097153")


class Dump(Case):
    """persistence.md: dumpjournal [-f] FILE"""

    def setUp(self):
        super().setUp()
        self.good = journal((4, "/a", b"x"), (6, "/b", b"\xff\n"), (7, "/a"))
        self.write(self.good)

    def test_json(self):
        """dumpjournal --json"""
        got = self.run_tool("dumpjournal", "--json", self.file())
        lines = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual([{"rev": 4, "op": "set", "path": "/a", "value": "x"},
                          {"rev": 6, "op": "set", "path": "/b", "base64": base64.b64encode(b"\xff\n").decode()},
                          {"rev": 7, "op": "del", "path": "/a"}], lines)

    def test_standard_output_holds_the_mutations_and_nothing_else(self):
        """offsets and checks with --verify, a summary with --summary"""
        plain = self.run_tool("dumpjournal", self.file())
        self.assertEqual((0, b"4:/a=x\n6:/b=\xff\n\n7:/a\n", ""), (plain.code, plain.stdout, plain.stderr))
        full = self.run_tool("dumpjournal", "--verify", "--summary", self.file())
        self.assertEqual((0, plain.stdout), (full.code, full.stdout))
        for part in ("offset 0 ", "offset 30 ", "records 3\n", "files 1\n", "first revision 4\n",
                     "last revision 7\n", "bytes %d\n" % len(self.good)):
            self.assertIn(part, full.stderr)

    def test_verify_with_json(self):
        """--verify --json: the offset is part of the object"""
        got = self.run_tool("dumpjournal", "--json", "--verify", self.file())
        self.assertEqual([0, 30, 61], [json.loads(line)["offset"] for line in got.stdout.splitlines()])

    def test_a_bad_record(self):
        """on a bad record it says so on stderr and exits 2; the file is never changed"""
        for at, offset in ((0, 0), (25, 0), (30, 30), (52, 30), (60, 30), (61, 61), (len(self.good) - 1, 61)):
            bad = bytearray(self.good)
            bad[at] ^= 4
            self.write(bad)
            got = self.run_tool("dumpjournal", self.file())
            self.assertEqual(2, got.code)
            self.assertOneLine(got.stderr, "bad record at offset %d:" % offset)
            self.assertEqual(bytes(bad), self.content())

    def test_repairs(self):
        """with -f it cuts the journal there and says that"""
        self.write(self.good + b"torn")
        got = self.run_tool("dumpjournal", "-f", self.file())
        self.assertEqual(0, got.code, got)
        self.assertRegex(got.stderr, "cut at offset %d" % len(self.good))
        self.assertEqual(self.good, self.content())

    def test_usage(self):
        """an unknown flag is an error"""
        for words in ((), (self.file(), "more"), ("-x", self.file()), (self.file("missing"),), (self.folder,)):
            got = self.run_tool("dumpjournal", *words)
            self.assertEqual((2, b""), (got.code, got.stdout), words)
            self.assertTrue(got.stderr)
        for tool in ("doozerp", "dumpjournal", "writejournal"):
            for flag in ("-h", "-help", "--help"):
                got = self.run_tool(tool, flag)
                self.assertEqual((0, b"Use: "), (got.code, got.stdout[:5]), (tool, flag))
        self.assertRegex(self.run_tool("dumpjournal", "-v").stdout, rb"\Adumpjournal \d")
        self.assertRegex(self.run_tool("writejournal", "-v").stdout, rb"\Awritejournal \d")


if __name__ == "__main__":
    lab.main()
