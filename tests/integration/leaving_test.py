"""Members are stopped with SIGTERM, one or several of them, and those who stay go on: operations.md, A planned restart."""

import json
import signal
import threading
import time

import cluster_lab
import lab


class Leaving(cluster_lab.ClusterCase):
    def voters(self, server):
        return json.loads(self.connect(server).call("STATUS")["value"])["voters"]

    def goes_on_alone(self, server):
        lab.poll(lambda: self.voters(server) == 1, why="one voter")
        began = time.monotonic()
        self.assertGreater(self.connect(server).put("/k", b"alone"), 0)
        self.assertLess(time.monotonic() - began, 3)

    def writes_until(self, server, stop):
        """Clients keep the server busy, so that it leaves with changes on their way."""
        client = self.connect(server)

        def write():
            while not stop.is_set():
                try:
                    if "err_code" in client.set("/busy", b"x"):
                        return
                except (ConnectionError, EOFError, OSError):
                    return
        thread = threading.Thread(target=write)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_one_of_two_leaves_the_other_one_alone(self):
        for first in (0, 1):
            with self.subTest(first=first):
                servers = self.cluster(2)
                leaver, stays = servers[first], servers[1 - first]
                self.assertEqual(0, leaver.stop())
                self.goes_on_alone(stays)
                self.assertEqual(0, stays.stop())

    def test_one_of_two_leaves_while_it_is_busy(self):
        for first in (0, 1):
            with self.subTest(first=first):
                servers = self.cluster(2)
                stop = threading.Event()
                for server in servers:
                    self.writes_until(server, stop)
                leaver, stays = servers[first], servers[1 - first]
                code = leaver.stop()
                stop.set()
                self.assertEqual(0, code)
                self.goes_on_alone(stays)
                self.assertEqual(0, stays.stop())

    def test_three_become_two_and_one(self):
        a, b, c = self.cluster(3)
        self.assertEqual(0, b.stop())
        self.assertEqual(0, a.stop())
        self.goes_on_alone(c)

    def test_two_of_three_leave_at_once(self):
        a, b, c = self.cluster(3)
        for server in (a, b):
            server.popen.send_signal(signal.SIGTERM)
        for server in (a, b):
            self.assertEqual(0, server.wait(lab.DEADLINE))
        self.goes_on_alone(c)

    def test_all_leave_at_once(self):
        for members in (2, 3):
            with self.subTest(members=members):
                servers = self.cluster(members)
                for server in servers:
                    server.popen.send_signal(signal.SIGTERM)
                for server in servers:
                    self.assertEqual(0, server.wait(20))


if __name__ == "__main__":
    lab.main()
