"""The client library at a cluster of real processes that are stopped, killed and started again while
it reads and writes: client.md, When the server is lost; operations.md, A planned restart."""

import os
import re
import signal
import subprocess
import time

import lab

TIMEOUT = "3"  # seconds of silence after which a member is removed


class SteadyClients(lab.Process):
    """tests/integration/steady_clients.cc, which uses the library all the time."""

    def __init__(self, *servers, name="s", how=()):
        program = os.path.join(os.path.dirname(lab.OPTIONS.doozer), "steady_clients")
        uri = "doozer:?" + "&".join("ca=" + s.address for s in servers)
        super().__init__([program, uri, name, *how], stdin=subprocess.PIPE)
        lab.poll(lambda: b"ready" in self.stdout(), why="clients")

    def lines(self, start):
        return [l for l in self.stdout().decode().splitlines() if l.startswith(start)]

    def ask(self):
        """The addresses in use, and the writes so far."""
        before = len(self.lines("addresses"))
        self.popen.stdin.write(b"\n")
        self.popen.stdin.flush()
        lab.poll(lambda: len(self.lines("addresses")) > before, why="the clients to say where they are")
        words = self.lines("addresses")[-1].split()
        return words[1:-2], int(words[-1])

    def write_more(self, count=50, seconds=lab.DEADLINE):
        at = self.ask()[1]
        lab.poll(lambda: self.ask()[1] >= at + count, seconds, why="%d writes more" % count)

    def end(self):
        """What it has seen, as numbers."""
        self.popen.stdin.close()
        self.popen.stdin = None
        code = self.wait()
        assert code == 0, "exit %d: %s" % (code, self.stderr())
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", self.lines("writes=")[-1])}

    def report(self):
        return "\n".join(l for l in self.stdout().decode().splitlines() if l != "ready")[-3000:]


class ClientAtACluster(lab.Case):
    def start(self, *flags, port=None):
        return self.server("-timeout", TIMEOUT, *flags, port=port, pulse="0.5")

    def attach(self, to, port=None):
        server = self.start("-a", to.address, port=port)
        self.connect(server).rev()
        return server

    def cluster(self, members, spares=0):
        founder = self.start()
        servers = [founder] + [self.attach(founder) for _ in range(members - 1)]
        for slot in range(1, members):
            self.connect(founder).put("/ctl/cal/%d" % slot)
        for server in servers:
            self.becomes_member(server)
        return servers + [self.attach(founder) for _ in range(spares)]

    def becomes_member(self, server):
        def votes():
            c = self.connect(server)
            try:
                id = c.call("SELF")["value"]
                return any(id == v for _, _, v in c.files("/ctl/cal/*")) and \
                    "err_code" not in c.set("/probe", b"x")
            finally:
                c.close()
        lab.poll(votes, why="%s a member" % server.address)

    def clients(self, *servers):
        return self.keep(SteadyClients(*servers))

    def stop(self, server):
        os.kill(server.pid, signal.SIGSTOP)
        self.addCleanup(lambda: server.alive() and os.kill(server.pid, signal.SIGCONT))

    def assertNothingLost(self, clients, server):
        """Every number was counted once, nothing was read or written out of order."""
        seen = clients.end()
        self.assertEqual(0, seen["back"], clients.report())
        self.assertEqual(0, seen["errors"], clients.report())
        value = self.doozer(server, "-l", "get", "/s/count")
        self.assertEqual(str(seen["value"]), value.stdout.decode(), (value, clients.report()))
        return seen

    def full(self, server, members):
        """As many members as that, each of which lives."""
        def all_there():
            c = self.connect(server)
            try:
                ids = [v.decode() for _, _, v in c.files("/ctl/cal/*")]
                live = [p.rpartition("/")[2] for p, _, _ in c.files("/ctl/ns/local/*")]
                return len(set(ids) - {""}) == members and set(ids) == set(live)
            finally:
                c.close()
        lab.poll(all_there, why="%d members" % members)

    def restart(self, servers, i):
        """As systemd would: SIGTERM, then a new process at the same address."""
        old = servers[i]
        self.assertEqual(0, old.stop(), old.stderr())
        number = int(old.address.rpartition(":")[2])
        other = servers[(i + 1) % len(servers)]
        servers[i] = self.attach(other, port=_Fixed(old.address, number))

    def test_a_rolling_restart_without_a_failed_write(self):
        """three members and one spare, each restarted in turn; the clients know one address"""
        servers = self.cluster(3, spares=1)
        clients = self.clients(servers[0])
        clients.write_more()
        for i in range(4):
            self.restart(servers, i)
            self.full(servers[i], 3)
            clients.write_more()
        seen = self.assertNothingLost(clients, servers[0])
        self.assertEqual(0, seen["unknown"], clients.report())
        self.assertLess(seen["longest_ms"], 3000, clients.report())

    def test_a_rolling_restart_without_a_spare(self):
        servers = self.cluster(3)
        clients = self.clients(servers[0])
        clients.write_more()
        for i in range(3):
            self.restart(servers, i)
            self.becomes_member(servers[i])
            self.full(servers[i], 3)
        seen = self.assertNothingLost(clients, servers[0])
        self.assertEqual(0, seen["unknown"], clients.report())

    def test_the_server_in_use_is_killed(self):
        servers = self.cluster(3)
        clients = self.clients(servers[0])
        time.sleep(0.5)  # then it has learned the other addresses
        servers[0].kill()
        lab.poll(lambda: servers[0].address not in clients.ask()[0], 3, why="other servers")
        clients.write_more()
        self.assertNothingLost(clients, servers[1])

    def test_the_server_in_use_hangs(self):
        """client.md: left after 5 seconds of silence"""
        servers = self.cluster(3)
        clients = self.clients(servers[0])
        time.sleep(0.5)
        self.stop(servers[0])
        lab.poll(lambda: servers[0].address not in clients.ask()[0], 8, why="other servers")
        clients.write_more()
        self.assertNothingLost(clients, servers[1])

    def test_a_client_of_a_follower_writes(self):
        """it goes to a member as soon as it must"""
        servers = self.cluster(3, spares=1)
        self.assertEqual(0, self.doozer(servers[3], "add", "/x", stdin=b"v").code)
        self.assertEqual(b"v", self.doozer(servers[3], "-l", "get", "/x").stdout)
        clients = self.clients(servers[3])
        clients.write_more()
        at = clients.ask()[0]
        self.assertNotIn(servers[3].address, at[:2])
        self.assertEqual(servers[3].address, at[2])  # which only reads
        time.sleep(0.5)
        # That it reads there, and the others write elsewhere, is nothing that it can tell.
        servers[3].kill()
        clients.write_more()
        seen = self.assertNothingLost(clients, servers[0])
        self.assertEqual(0, seen["unknown"], clients.report())

    def test_without_a_quorum_a_write_is_refused_and_not_lost(self):
        a, b, c = self.cluster(3)
        self.stop(b)
        self.stop(c)
        time.sleep(4.5)
        got = self.doozer(a, "set", "/n", "0", stdin=b"v", seconds=20)
        self.assertEqual((2, "Error: READONLY: no quorum: not applied\n"), (got.code, got.stderr))
        self.assertEqual(b"x", self.doozer(a, "get", "/probe").stdout)

    def test_a_store_that_was_lost_is_an_error_and_no_silence(self):
        """client.md, What a read sees"""
        server = self.start()
        c = self.connect(server)
        for _ in range(500):
            c.put("/s/stream")
        clients = self.keep(SteadyClients(server, how=["reads"]))
        server.kill()
        self.start(port=_Fixed(server.address, int(server.address.rpartition(":")[2])))
        def said():
            return [l for l in clients.lines("read: ") if "another store" in l]
        line = lab.poll(said, why="an error")[0]
        self.assertRegex(line, r"^read: 127\.0\.0\.1:\d+ has another store than the one that this client has used: it was "
                               r"founded anew, or is another cluster \(lineage [0-9a-f]{32} instead of [0-9a-f]{32}\)$")

    def test_one_that_is_stopped_alone_answers_first(self):
        server = self.start()
        c = self.connect(server)
        tags = [c.send("SET", path="/a", value=b"%d" % i, rev=-1) for i in range(100)]
        for tag in tags:
            c.take(tag)
        began = time.monotonic()
        self.assertEqual(0, server.stop())
        self.assertLess(time.monotonic() - began, 0.5)


class _Fixed:
    """A port that is the test's already."""

    def __init__(self, address, number):
        self.address, self.number = address, number


if __name__ == "__main__":
    lab.main()
