#!/usr/bin/python3
"""The programs, their manual pages and their completion name the same options and commands.

    flags_test.py ROOT FOLDER_OF_BINARIES
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT, BINARIES = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def help_of(program):
    done = subprocess.run(
        [BINARIES / program, "-h"], capture_output=True, text=True, check=False, timeout=20
    )
    return done.stdout + done.stderr


def section(page, title):
    return re.search(rf"^# {title}\n(.*?)(?=^# |\Z)", page, re.DOTALL | re.MULTILINE)[1]


def options_in_help(text):
    return set(re.findall(r"^\s*(-[a-z][a-z-]*)\b", text, re.MULTILINE))


def options_in_page(page):
    heads = re.findall(r"^\*-.*$", section(page, "OPTIONS"), re.MULTILINE)
    return {option for head in heads for option in re.findall(r"\*(-[a-z][a-z-]*)\*", head)}


class Flags(unittest.TestCase):
    def test_doozerd(self):
        page = options_in_page(read("docs/man/doozerd.8.scd"))
        offered = re.search(r"compgen -W '(-[^']*)'", read("packaging/completion/doozerd"))[1].split()
        self.assertGreater(len(page), 8)
        self.assertEqual(page, options_in_help(help_of("doozerd")))
        self.assertEqual(page, set(offered))

    def test_doozer_options(self):
        page = options_in_page(read("docs/man/doozer.1.scd"))
        offered = re.search(r"options='([^']*)'", read("packaging/completion/doozer"))[1].split()
        self.assertGreaterEqual(len(page), 6)
        self.assertEqual(page, options_in_help(help_of("doozer")))
        self.assertEqual(page, set(offered))

    def test_journal_programs(self):
        for program, page_name in (("doozerp", "doozerp.8"), ("dumpjournal", "dumpjournal.1"),
                                   ("writejournal", "writejournal.1")):
            page = options_in_page(read(f"docs/man/{page_name}.scd"))
            self.assertGreaterEqual(len(page), 2)
            self.assertEqual(page, options_in_help(help_of(program)), program)
            completion = ROOT / "packaging/completion" / program
            if completion.exists():
                offered = re.search(r"compgen -W '(-[^']*)'", read(completion))[1].split()
                self.assertEqual(page, set(offered), program)

    def test_doozer_commands(self):
        commands = section(read("docs/man/doozer.1.scd"), "COMMANDS")
        page = set(re.findall(r"^\*([a-z]+)\*", commands, re.MULTILINE))
        offered = re.search(r"commands='([^']*)'", read("packaging/completion/doozer"))[1].split()
        told = set(re.findall(r"^\s+([a-z]+)\b", help_of("doozer"), re.MULTILINE))
        self.assertEqual(page, set(offered))
        self.assertLessEqual(page, told)

    def test_examples_keep_their_backslashes(self):
        """scdoc drops a backslash that stands alone, also from an example"""
        for page in sorted((ROOT / "docs/man").glob("*.scd")):
            for example in re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
                self.assertNotRegex(example, r"(?<!\\)(\\\\)*\\(?!\\)", page.name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
