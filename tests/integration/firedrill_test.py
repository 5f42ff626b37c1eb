"""Executes the documents in docs/firedrill: every ```sh block, in order, in one shell and a folder of its
own, with free ports in the place of those of the document, and compares what is printed. The convention
is that of tests/house/document.py.

    firedrill_test.py --doozerd PATH --doozer PATH [part of a document's name]
"""

import pathlib
import re
import signal
import sys
import tempfile
import time

import lab

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/house"))
from document import Terminal, blocks_of, parse_block, pattern_of  # noqa: E402

PORT = re.compile(r"\b127\.0\.0\.1:(\d+)\b")


class Drill:
    """One document, its shell and its ports."""

    def __init__(self, case, path, scratch):
        self.case, self.scratch = case, scratch
        self.blocks = blocks_of(path)
        numbers = {port for block in self.blocks for port in PORT.findall(block["text"])}
        self.ports = {number: str(case.port().number) for number in numbers}
        binaries = pathlib.Path(lab.OPTIONS.doozerd).parent
        self.terminal = Terminal({"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(scratch)})
        case.addCleanup(self.terminal.close, signal.SIGKILL)

    def replaced(self, text):
        """With this run's ports, a free one for each of the document."""
        return re.sub(r"\d+", lambda number: self.ports.get(number[0], number[0]), text)

    def logs(self):
        lines = []
        for log in sorted(self.scratch.glob("*.log")):
            lines += ["==> " + log.name] + log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
        return "\n".join(lines)

    def step(self, command, lines):
        shown = "\n".join(lines)
        began = time.monotonic()
        try:
            printed = self.terminal.run(self.replaced(command))
        except AssertionError as late:
            printed = str(late)
        if not pattern_of(lines).fullmatch(printed):
            self.case.fail("$ %s\n--- the document says\n%s\n--- it printed\n%s\n--- the logs\n%s" %
                           (command, shown, printed, self.logs()))
        if time.monotonic() - began > 3:
            print("    %.1f s: %s" % (time.monotonic() - began, command))

    def run(self):
        for block in self.blocks:
            for command, lines in parse_block(block["text"]):
                self.step(command, lines)


class FireDrill(lab.Case):
    """A test for each document."""


def add(path):
    def test(self):
        with tempfile.TemporaryDirectory(prefix="doozer-firedrill-") as scratch:
            drill = Drill(self, path, pathlib.Path(scratch))
            self.assertTrue(drill.blocks, "%s has nothing to execute" % path)
            drill.run()
    name = path.stem.replace("-", "_")
    setattr(FireDrill, "test_" + name, test)


for document in sorted((ROOT / "docs/firedrill").glob("*.md")):
    if document.stem != "README":
        add(document)


if __name__ == "__main__":
    lab.main()
