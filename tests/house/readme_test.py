#!/usr/bin/python3
"""Runs every command block of README.md with the real programs and compares what they print.

    readme_test.py README.md FOLDER_OF_BINARIES

The convention of README.md, beside that of document.py:
- Blocks run in one shell, one after the other, so variables live on. A block after the comment
  <!-- terminal: NAME --> runs in a terminal of that name beside it, and its last command goes on: a
  server, or a watch. What it prints must have appeared when all blocks have run.
- A block after <!-- run by: scripts/check --> may hold only commands that scripts/check runs itself,
  which is looked up there.

doozerd is a wrapper here that puts it on free ports; doozer finds it through DOOZER_URI, and in commands
the address of the web view and the ports of the cluster of three are replaced.
"""

import pathlib
import re
import socket
import struct
import sys
import tempfile
import threading
import time

from document import DEADLINE_SECONDS, Terminal, blocks_of, free_port, free_ports, parse_block, pattern_of

VERB_WAIT = b"\x10\x06"  # field 2 of a request, verb WAIT


class Tap:
    """Passes connections on to the server, and notices when a WAIT has gone by.

    A watch in another terminal must be at work before the next block makes a change for it to see;
    the WAIT it sends is the first thing that shows that it is.
    """

    def __init__(self, server_port):
        self.server_port = server_port
        self.wait_seen = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            threading.Thread(target=self.requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self.answers, args=(server, client), daemon=True).start()

    def answers(self, source, sink):
        while chunk := source.recv(65536):
            sink.sendall(chunk)

    def requests(self, source, sink):
        pending = b""
        while chunk := source.recv(65536):
            sink.sendall(chunk)
            pending += chunk
            while len(pending) >= 4 and len(pending) >= 4 + struct.unpack(">I", pending[:4])[0]:
                size = struct.unpack(">I", pending[:4])[0]
                if VERB_WAIT in pending[4 : 4 + size]:
                    self.wait_seen.set()
                pending = pending[4 + size :]
        sink.close()


class Readme:
    def __init__(self, path, binaries, scratch):
        self.blocks = blocks_of(path)
        self.check_script = (path.parent / "scripts/check").read_text(encoding="utf-8")
        self.failures = []
        self.port, self.web_port = free_port(), free_port()
        self.cluster_port = free_ports(3)
        self.tap = None
        wrapper = scratch / "doozerd"
        wrapper.write_text(f'#!/bin/sh\nexec "{binaries}/doozerd" -l 127.0.0.1:{self.port} -w 127.0.0.1:{self.web_port} "$@"\n')
        wrapper.chmod(0o755)
        self.environment = {
            "PATH": f"{scratch}:{binaries}:/usr/bin:/bin",
            "HOME": str(scratch),
            "DOOZER_URI": f"doozer:?ca=127.0.0.1:{self.port}",
            "DOOZER_BIN": str(binaries),
            "TMPDIR": str(scratch),
        }
        (scratch / "scripts").symlink_to(path.parent / "scripts")
        self.terminals = {"first": Terminal(self.environment)}
        self.expected_later = []

    def replaced(self, command):
        """With the ports of this run."""
        for n in range(3):
            command = re.sub(rf"\b{9046 + n}\b", str(self.cluster_port + n), command)
        return command.replace("127.0.0.1:8000", f"127.0.0.1:{self.web_port}")

    def expect(self, command, lines, text):
        if text is None or not pattern_of(lines).fullmatch(text):
            shown = "\n".join(lines)
            self.failures.append(f"$ {command}\n--- README says\n{shown}\n--- it printed\n{text}")

    def run_aside(self, name, steps):
        """Starts the steps in a terminal of their own and waits until they are at work."""
        environment = dict(self.environment)
        if name not in ("server", "cluster"):
            self.tap = Tap(self.port)
            environment["DOOZER_URI"] = f"doozer:?ca=127.0.0.1:{self.tap.port}"
        terminal = self.terminals[name] = Terminal(environment)
        *before, (command, lines) = steps
        for earlier, shown in before:
            self.expect(earlier, shown, terminal.run(earlier))
        terminal.printed = b""
        terminal.start(self.replaced(command))
        if name == "cluster":
            self.expect(command, lines, terminal.read_until(pattern_of(lines).fullmatch))
        elif name == "server":
            # doozer itself waits some seconds for a server that is about to listen.
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not self.terminals["first"].run("doozer rev 2>/dev/null").strip():
                assert time.monotonic() < deadline, f"no answer from {command}: {terminal.text()}"
        else:
            assert self.tap.wait_seen.wait(DEADLINE_SECONDS), f"no WAIT sent by: {command}"
            self.expected_later.append((terminal, command, lines))

    def run_by_check(self, text):
        """Commands that scripts/check runs: itself and what it names."""
        for line in text.splitlines():
            command = line.split("#")[0].strip()
            if command != "scripts/check" and command not in self.check_script:
                self.failures.append(f"scripts/check does not run: {command}")

    def run(self):
        assert len(self.blocks) >= 5, "README.md lost its command blocks"
        for block in self.blocks:
            if block["key"] == "run by":
                self.run_by_check(block["text"])
                continue
            steps = parse_block(block["text"])
            if block["key"] == "terminal":
                self.run_aside(block["value"], steps)
                continue
            for command, lines in steps:
                self.expect(command, lines, self.terminals["first"].run(self.replaced(command)))
        for terminal, command, lines in self.expected_later:
            pattern = pattern_of(lines)
            terminal.read_until(pattern.fullmatch)
            self.expect(command, lines, terminal.text())

    def close(self):
        for terminal in self.terminals.values():
            terminal.close()


def main():
    path, binaries = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        readme = Readme(path, binaries, pathlib.Path(scratch))
        try:
            readme.run()
        finally:
            readme.close()
    for failure in readme.failures:
        print(f"{failure}\n")
    print(f"{len(readme.blocks)} blocks, {len(readme.failures)} commands that did not do what README.md says")
    sys.exit(1 if readme.failures else 0)


if __name__ == "__main__":
    main()
