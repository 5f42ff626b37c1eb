"""What tests of several processes that are one cluster stand on; beside lab.py."""

import lab

TIMEOUT = "3"  # seconds of silence after which a member is removed


class ClusterCase(lab.Case):
    def start(self, port=None, *flags, **more):
        return self.server("-timeout", TIMEOUT, *flags, port=port, pulse="0.5", **more)

    def attach(self, to, port=None, *flags, **more):
        """A process that follows the cluster of `to`."""
        server = self.start(port, "-a", to.address, *flags, **more)
        self.connect(server).rev()
        return server

    def cluster(self, members, *flags, env=None):
        """So many members that all vote."""
        founder = self.start(None, *flags, env=env)
        servers = [founder] + [self.attach(founder, None, *flags, env=env)
                               for _ in range(members - 1)]
        client = self.connect(founder)
        for slot in range(1, members):
            client.put("/ctl/cal/%d" % slot)
        for server in servers:
            self.becomes_member(server)
        return servers

    def again(self, server, to, **more):
        """Kills the process, and starts one on its address, which becomes a member."""
        server.kill()
        server = self.attach(to, server.port, **more)
        self.becomes_member(server)
        return server

    def me(self, server):
        return self.connect(server).call("SELF")["value"].decode()

    def becomes_member(self, server):
        def writes():
            got = self.connect(server).set("/probe", b"x")
            return "err_code" not in got
        lab.poll(writes, why="%s a member" % server.address)

    def slots(self, server):
        return {path: value.decode() for path, _, value in self.connect(server).files("/ctl/cal/*")}

    def tree(self, server, rev):
        return self.connect(server).files("/**", rev)

    def assertSameTrees(self, servers):
        """consensus.md, Invariants: copies are identical at any revision"""
        rev = max(self.connect(s).rev() for s in servers)
        first = self.tree(servers[0], rev)  # waits for the revision
        for server in servers[1:]:
            self.assertEqual(first, self.tree(server, rev))
