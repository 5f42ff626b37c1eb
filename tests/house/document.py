"""Documents whose commands are executed: the blocks of a Markdown file, shells that run their commands one
by one, and the comparison of what they print.

- Every ```sh block is executed. A line that begins with "$ " is a command; the lines up to the next
  one are what it prints, standard output and error together.
- A number stands for any number and an id for any id: the server makes changes of its own. Three dots
  stand for anything in their line, and a line of them for any lines.
"""

import os
import random
import re
import select
import signal
import socket
import subprocess
import time

DEADLINE_SECONDS = 20
BLOCK = re.compile(r"(?:<!-- (?P<key>[\w ]+): (?P<value>[^>]+?) -->\n)?```sh\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def free_ports(count):
    """The first of so many in a row."""
    while True:
        first = random.randrange(9100, 9990)  # below the ports that tests take otherwise
        try:
            for port in range(first, first + count):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


def parse_block(text):
    """[(command, lines it prints)] of a block."""
    steps = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            assert steps, f"a block begins with something else than a command: {line}"
            steps[-1][1].append(line)
    return steps


def blocks_of(path):
    """Every block: a key and value of the comment above it, or None, and the text."""
    return list(BLOCK.finditer(path.read_text(encoding="utf-8")))


# What bash says of its own about a process in the background that was killed.
NOTICE = re.compile(r"^bash: line \d+: +\d+ (Killed|Terminated) .*\n", re.MULTILINE)
WILD = re.compile(r"\b[A-Z2-7]{16}\b|\d+|\.\.\.")


def _meant(wild):
    if wild == "...":
        return r"[^\n]*"
    return r"[A-Z2-7]{16}" if len(wild) == 16 and not wild.isdigit() else r"\d+"


def pattern_of(lines):
    """What may stand for the lines shown: any number for a number, any id for an id, anything for
    three dots, and any lines for a line of them."""
    text, pattern, at = "\n".join(lines).rstrip(), "", 0
    for found in WILD.finditer(text):
        pattern += re.escape(text[at:found.start()])
        alone = text[: found.start()][-1:] in ("", "\n") and text[found.end() :][:1] in ("", "\n")
        pattern += r"(?s:.*?)" if found[0] == "..." and alone else _meant(found[0])
        at = found.end()
    return re.compile(pattern + re.escape(text[at:]) + r"\s*")


class Terminal:
    """A shell that is given commands one by one."""

    def __init__(self, environment):
        self.shell = subprocess.Popen(
            ["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment, start_new_session=True, cwd=environment["HOME"],
        )
        self.printed = b""

    def start(self, command):
        self.shell.stdin.write(command.encode() + b"\n")
        self.shell.stdin.flush()

    def read_until(self, done):
        """Collects what is printed until done(text); returns the text, or None at the deadline."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not done(self.text()):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.shell.stdout], [], [], left)[0]:
                return None
            chunk = os.read(self.shell.stdout.fileno(), 65536)
            if not chunk:
                return None
            self.printed += chunk
        return self.text()

    def text(self):
        return self.printed.decode()

    def run(self, command):
        """What the command prints."""
        end = f"--end-of-{len(command)}--"
        self.printed = b""
        self.start(f"{command}\nprintf '%s\\n' {end}")
        # A notice may come behind the end.
        text = self.read_until(lambda text: NOTICE.sub("", text).endswith(end + "\n"))
        assert text is not None, f"still running after {DEADLINE_SECONDS} s: {command}\n{self.text()}"
        return NOTICE.sub("", text)[: -len(end) - 1]

    def close(self, how=signal.SIGTERM):
        """Ends the shell and all that it has left running."""
        os.killpg(self.shell.pid, how)
        self.shell.wait(DEADLINE_SECONDS)
