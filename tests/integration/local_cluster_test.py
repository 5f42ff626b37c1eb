"""scripts/local_cluster: what it shows is true, and it leaves nothing behind."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

import lab

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/local_cluster"
sys.path.insert(0, str(SCRIPT.parents[1] / "tests/house"))
from document import free_ports  # noqa: E402

MEMBER = re.compile(r"(127\.0\.0\.1:\d+)  ([A-Z2-7]{16})  pid (\d+)")


class LocalCluster(lab.Case):
    def begin(self, *words, **more):
        """The script, as a process group of its own: what a terminal gives Ctrl-C to."""
        folder = tempfile.TemporaryDirectory(prefix="doozer-local-cluster-")
        self.addCleanup(folder.cleanup)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DOOZER")}
        env = dict(clean, DOOZER_BIN=os.path.dirname(lab.OPTIONS.doozerd), TMPDIR=folder.name,
                   DOOZERD_FLAGS="-pulse 0.5", **more)
        script = subprocess.Popen([str(SCRIPT), *map(str, words)], env=env, text=True, start_new_session=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, script)
        return script

    @staticmethod
    def end(script):
        try:
            os.killpg(script.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        script.wait()
        script.stdout.close()
        script.stderr.close()

    def members(self, script, count):
        """[(address, id, pid)] and the URI, when all are there."""
        lines = [script.stdout.readline() for _ in range(count + 3)]
        self.assertEqual("running; Ctrl-C stops it\n", lines[-1], script.poll() and script.stderr.read())
        found = [MEMBER.fullmatch(line.rstrip("\n")) for line in lines[:count]]
        self.assertTrue(all(found), lines)
        uri = re.fullmatch(r"DOOZER_URI='(.*)'\n", lines[count])[1]
        self.page = re.match(r"http://127\.0\.0\.1:(\d+)/\$cluster  ", lines[count + 1])
        self.assertTrue(self.page, lines)
        return [(m[1], m[2], int(m[3])) for m in found], uri

    def assertStops(self, script, members, stderr=""):
        self.assertEqual(0, script.wait(15))
        self.assertRegex(script.stdout.read(), r"stopped; the logs are in \S+\n\Z")
        self.assertRegex(script.stderr.read(), r"\A%s\Z" % stderr)
        for _, _, pid in members:
            self.assertFalse(os.path.exists("/proc/%d" % pid), "%d still runs" % pid)

    def test_what_it_shows_and_how_it_stops(self):
        for count in (3, 5):
            first = free_ports(count)
            script = self.begin(count, first)
            members, uri = self.members(script, count)
            self.assertEqual(["127.0.0.1:%d" % (first + n) for n in range(count)], [a for a, _, _ in members])
            for address, id, _ in members:
                self.assertEqual(id.encode(), self.doozer("doozer:?ca=" + address, "self").stdout)
                got = self.doozer("doozer:?ca=" + address, "set", "/k", "-1", stdin=b"v")
                self.assertEqual(0, got.code, got)
            for n in range(count):
                with urllib.request.urlopen("http://127.0.0.1:%d/v1/cluster" % (int(self.page[1]) + n)) as answer:
                    self.assertEqual(members[n][1], json.load(answer)["id"])
            slots = {self.doozer(uri, "get", "/ctl/cal/%d" % n).stdout.decode() for n in range(count)}
            self.assertEqual({id for _, id, _ in members}, slots)
            os.killpg(script.pid, signal.SIGINT)  # as a terminal does for Ctrl-C
            self.assertStops(script, members)

    def test_it_is_told_to_stop_by_a_program(self):
        script = self.begin(3, free_ports(3))
        members, _ = self.members(script, 3)
        script.terminate()
        self.assertStops(script, members)

    def test_it_stops_while_a_member_is_dead_or_stopped(self):
        script = self.begin(3, free_ports(3))
        members, _ = self.members(script, 3)
        os.kill(members[1][2], signal.SIGKILL)
        os.kill(members[2][2], signal.SIGSTOP)
        os.killpg(script.pid, signal.SIGINT)
        self.assertStops(script, members, "(.* Killed .*\n)?")

    def test_a_port_that_is_taken(self):
        first = free_ports(3)
        for taken in (0, 2):
            with socket.create_server(("127.0.0.1", first + taken)):
                script = self.begin(3, first)
                self.assertEqual(1, script.wait(30))
                self.assertOneLine(script.stderr.read(), "127.0.0.1:%d: Address already in use" % (first + taken))

    def test_what_the_environment_says_of_other_clusters_is_not_for_it(self):
        script = self.begin(2, free_ports(2), DOOZER_BOOT_URI="doozer:?ca=" + self.port().address,
                            DOOZER_RWSECRET="of another", DOOZER_ROSECRET="of another, too")
        members, uri = self.members(script, 2)
        self.assertEqual(0, self.doozer(uri, "add", "/k").code)
        script.terminate()
        self.assertStops(script, members)

    def test_words_that_it_does_not_know(self):
        for words in (["0"], ["8"], ["three"], ["3", "x"], ["3", "8046", "more"]):
            script = self.begin(*words)
            self.assertEqual(2, script.wait(10))
            self.assertOneLine(script.stderr.read(), "^usage: ")


if __name__ == "__main__":
    lab.main()
