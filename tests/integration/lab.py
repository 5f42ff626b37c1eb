"""What every integration test here stands on: processes under test that never outlive it, free
ports, deadlines, and the comparison of whole answers.

Each file is a program:  /usr/bin/python3 protocol_test.py --doozerd PATH --doozer PATH [names]
Names are those of classes or tests, or a part of one. Only the standard library is used.
"""

import argparse
import ctypes
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import wire

OPTIONS = argparse.Namespace()

DEADLINE = 15.0       # seconds for something that takes milliseconds when all is well
QUIET_PULSE = "3600"  # seconds: no revision is used unless the test uses it
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def poll(what, seconds=DEADLINE, why="what was waited for"):
    """Calls `what` until it returns something true, which is returned."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError("%s did not happen within %s s" % (why, seconds))
        time.sleep(0.002)


class Port:
    """A port of the loopback address that nobody uses, kept from other tests on this machine until
    it is released: an abstract socket's name is the mark, and goes with the process."""

    _random = random.Random()

    def __init__(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for _ in range(1000):
            number = self._random.randrange(10000, 32000)  # below the ports that connections get
            mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                mark.bind("\0doozer-test-port-%d" % number)
                with socket.socket(family) as probe:
                    probe.bind((host, number))
            except OSError:
                mark.close()
                continue
            self.mark, self.number = mark, number
            self.address = "%s:%d" % ("[%s]" % host if ":" in host else host, number)
            return
        raise AssertionError("no free port")

    def release(self):
        self.mark.close()


class Process:
    """A program under test: its output kept in files, killed with the test at the latest."""

    def __init__(self, argv, env=None, stdin=subprocess.DEVNULL, stdout=None, stderr=None,
                 limits=None):
        self.stderr_file = tempfile.TemporaryFile()
        self.stdout_file = tempfile.TemporaryFile()
        self.argv = argv
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DOOZER_")}

        def child():
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for what, limit in (limits or {}).items():
                resource.setrlimit(what, limit)

        self.popen = subprocess.Popen(
            argv, env=dict(clean, **(env or {})), stdin=stdin, stdout=stdout or self.stdout_file,
            stderr=stderr or self.stderr_file, preexec_fn=child)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    @staticmethod
    def _read(file):
        return os.pread(file.fileno(), 1 << 24, 0)

    def stderr(self):
        return self._read(self.stderr_file).decode("utf-8", "replace")

    def stdout(self):
        return self._read(self.stdout_file)

    def wait(self, seconds=DEADLINE):
        """The exit code; a signal that killed it is negative."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("still running after %s s: %s" % (seconds, self.argv)) from None

    def kill(self):
        if self.alive():
            self.popen.kill()
        self.popen.wait()
        if self.popen.stdin:
            self.popen.stdin.close()
        if self.popen.stdout:
            self.popen.stdout.close()

    def memory(self):
        """Resident bytes."""
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server(Process):
    """One doozerd at this port; `program`: another one than that under test."""

    def __init__(self, port, *flags, pulse=QUIET_PULSE, web=("-w", "false"), env=None, limits=None,
                 program=None):
        self.port, self.address = port, port.address
        argv = [program or OPTIONS.doozerd, "-l", self.address, *web, *(("-pulse", pulse) if pulse else ()), *flags]
        super().__init__(argv, env=env, limits=limits)

    def listens(self):
        if not self.alive():
            raise AssertionError("%s: exit %s: %s" % (self.argv, self.popen.returncode, self.stderr()))
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), 1).close()
            return True
        except OSError:
            return False

    def uri(self, **parameters):
        more = "".join("&%s=%s" % p for p in parameters.items())
        return "doozer:?ca=%s%s" % (self.address, more)

    def log_lines(self):
        return self.stderr().splitlines()

    def stop(self, seconds=DEADLINE):
        """SIGTERM; returns the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait(seconds)


class Result:
    """How a run of the doozer command ended."""

    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr

    def __repr__(self):
        return "exit %s, stdout %r, stderr %r" % (self.code, self.stdout[:300], self.stderr[:300])


class Case(unittest.TestCase):
    """A test with servers, connections and commands of its own, all gone when it ends."""

    longMessage = True
    maxDiff = 4000

    def setUp(self):
        self.processes = []

    def keep(self, process):
        self.processes.append(process)
        self.addCleanup(process.kill)
        return process

    def port(self, host="127.0.0.1"):
        port = Port(host)
        self.addCleanup(port.release)
        return port

    def server(self, *flags, port=None, **more):
        """A doozerd that listens."""
        server = self.keep(Server(port or self.port(), *flags, **more))
        poll(server.listens, why="%s listening" % " ".join(server.argv))
        return server

    def connect(self, server, **more):
        connection = wire.Connection(server.address, **more)
        self.addCleanup(connection.close)
        return connection

    def client(self, *flags, **more):
        """A connection to a server of its own, as most tests want it."""
        return self.connect(self.server(*flags, **more))

    def other(self, connection):
        """A second connection to the same server."""
        host, port = connection.socket.getpeername()[:2]
        second = wire.Connection("%s:%d" % (host, port))
        self.addCleanup(second.close)
        return second

    def needs_figures_of_memory(self):
        if OPTIONS.sanitized:
            self.skipTest("figures of memory mean nothing under a sanitizer")

    def assertAnswer(self, got, err=None, **expected):
        """The answer has exactly these fields: presence counts as much as content."""
        if err is not None:
            expected["err_code"] = wire.ERR[err]
        self.assertEqual(expected, got)

    def assertOther(self, got, detail):
        """OTHER with this detail; `detail` may be a compiled pattern."""
        if isinstance(detail, str):
            self.assertAnswer(got, err="OTHER", err_detail=detail)
        else:
            self.assertEqual({"err_code", "err_detail"}, set(got), got)
            self.assertEqual(wire.ERR["OTHER"], got["err_code"])
            self.assertRegex(got["err_detail"], detail)

    def assertStillWaiting(self, connection, *tags):
        """These requests are not answered. Two later requests are answered first, the second of
        them sent after the first came back, so the server had a turn in between."""
        for _ in range(2):
            connection.call("REV")
        for tag in tags:
            self.assertNotIn(tag, connection.arrived)

    def assertOneLine(self, text, pattern=None):
        self.assertEqual(1, len(text.splitlines()), "one line expected: %r" % text)
        self.assertTrue(text.endswith("\n"), "no newline at the end: %r" % text)
        if pattern:
            self.assertRegex(text, pattern)

    def run_doozerd(self, *flags, env=None, seconds=DEADLINE):
        """A start that is expected to end by itself."""
        return self.run_command([OPTIONS.doozerd, *flags], env=env, seconds=seconds)

    def doozer(self, server, *words, stdin=b"", env=None, seconds=DEADLINE):
        """The doozer command, at this server (or URI, or nowhere in particular if None)."""
        at = () if server is None else ("-a", server if isinstance(server, str) else server.uri())
        return self.run_command([OPTIONS.doozer, *at, *words], stdin, env, seconds)

    def run_command(self, argv, stdin=b"", env=None, seconds=DEADLINE):
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            process = self.keep(Process(argv, env=env, stdin=file))
        code = process.wait(seconds)
        return Result(code, process.stdout(), process.stderr())

    def report(self):
        out = []
        for p in self.processes:
            out.append("--- %s -> %s" % (" ".join(p.argv), p.popen.poll()))
            out += p.stderr().splitlines()[-12:]
        return "\n".join(out)


class _Report(unittest.TextTestResult):
    """Shows what the processes of a failed test wrote, and which tests were slow."""

    def startTest(self, test):
        self._began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        took = time.monotonic() - self._began
        if took > OPTIONS.slow:
            self.stream.writeln("    %.1f s: %s" % (took, test.id().partition(".")[2]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._explain(self.failures, test)

    def addError(self, test, err):
        super().addError(test, err)
        self._explain(self.errors, test)

    def _explain(self, entries, test):
        if hasattr(test, "report"):
            who, text = entries[-1]
            entries[-1] = (who, text + test.report() + "\n")


def main(argv=None):
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--doozerd", required=True)
    parser.add_argument("--doozer", required=True)
    parser.add_argument("--sanitized", action="store_true", help="no figures of memory are asserted")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--slow", type=float, default=2.0, help="name tests that take more seconds")
    parser.add_argument("names", nargs="*", help="classes, tests, or parts of their names")
    parser.parse_args(argv, OPTIONS)
    OPTIONS.doozerd = os.path.abspath(OPTIONS.doozerd)
    OPTIONS.doozer = os.path.abspath(OPTIONS.doozer)
    loader = unittest.TestLoader()
    if OPTIONS.names:
        loader.testNamePatterns = ["*%s*" % n for n in OPTIONS.names]
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(resultclass=_Report, verbosity=1).run(suite)
    if not result.testsRun:
        print("no test of that name")
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
