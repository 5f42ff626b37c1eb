"""A cluster is upgraded one process after the other, while clients write: operations.md, Upgrades.
The release that follows is next_doozerd.cc: one version of the member protocol and one set of rules
more than the one under test."""

import os
import threading

import cluster_lab
import lab
import wire

NEXT_RULES = "changes are applied by rules 3"


class Writer(threading.Thread):
    """Writes files of its own through one process until that goes away."""

    _count = 0

    def __init__(self, server):
        super().__init__(daemon=True)
        Writer._count += 1
        self.directory, self.written, self.refused = "/w/%d" % Writer._count, {}, []
        self.connection = wire.Connection(server.address)
        self.stopping = False
        self.start()

    def run(self):
        try:
            while not self.stopping:
                path = "%s/%d" % (self.directory, len(self.written))
                got = self.connection.set(path, path.encode())
                if "err_code" in got:
                    return self.refused.append(got)
                self.written[path] = got["rev"]
        except (OSError, wire.Closed):
            pass  # its server was stopped
        finally:
            self.connection.close()

    def stop(self):
        self.stopping = True
        self.join()
        return self.written


class Upgrade(cluster_lab.ClusterCase):
    def setUp(self):
        super().setUp()
        self.next = os.path.join(os.path.dirname(lab.OPTIONS.doozerd), "doozerd-next")

    def writes_everywhere(self, servers):
        """Each writes, and sees what the others wrote; each ends with the same tree."""
        writers = [Writer(s) for s in servers]
        for writer in writers:
            lab.poll(lambda w=writer: len(w.written) > 20 or w.refused, why="written")
        for writer in writers:
            self.written.update(writer.stop())
            self.assertEqual([], writer.refused)
        self.assertSameTrees(servers)

    def has_switched(self, server):
        return NEXT_RULES in server.stderr()

    def test_one_process_after_the_other_while_clients_write(self):
        self.written = {}
        servers = self.cluster(3)
        follower = self.attach(servers[0])
        self.writes_everywhere(servers)
        for i in range(3):
            staying = servers[(i + 1) % 3]
            writer = Writer(staying)
            servers[i] = self.again(servers[i], staying, program=self.next)
            lab.poll(lambda: len(writer.written) > 20, why="written")
            self.written.update(writer.stop())
            self.assertEqual([], writer.refused, "a member that stays refuses nothing")
            self.writes_everywhere(servers)
        self.assertFalse(any(self.has_switched(s) for s in servers), "the follower is still old")
        self.assertSameTrees([servers[0], follower])
        follower.kill()
        for server in servers:
            lab.poll(lambda s=server: self.has_switched(s), why="the switch")
        self.writes_everywhere(servers)
        found = {path: rev for path, rev, _ in self.connect(servers[0]).files("/w/**")}
        self.assertEqual(self.written, {path: found.get(path) for path in self.written})

    def test_the_release_before_cannot_join_once_the_rules_have_changed(self):
        a = self.start(None, program=self.next)
        old = self.run_doozerd("-l", self.port().address, "-w", "false", "-a", a.address)
        self.assertEqual(1, old.code)
        self.assertRegex(old.stderr.splitlines()[-1],
                         "^doozerd: cluster local applies changes by rules 3, which doozerd .* does "
                         "not know: start a newer one$")
        self.connect(a).put("/k", b"goes on")


if __name__ == "__main__":
    lab.main()
