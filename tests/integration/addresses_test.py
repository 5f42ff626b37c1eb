"""The addresses by which members know each other: names, IPv6, -advertise; and links that are lost
and come back. Real processes. doozerd(8), -l and -advertise; data-model.md, What the server writes itself."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

import lab
from cluster_lab import TIMEOUT, ClusterCase
from relay import Relay

SECRET = {"DOOZER_CLUSTER_SECRET": "the family jewels are here"}


class Case(ClusterCase):
    def becomes_cluster(self, founder, *others):
        """All of them members that read and write."""
        for slot in range(1, len(others) + 1):
            self.connect(founder).put("/ctl/cal/%d" % slot)
        for server in (founder, *others):
            self.becomes_member(server)
        for server in (founder, *others):
            self.assertEqual(server.address.encode(),
                             self.connect(founder).get("/ctl/node/%s/addr" % self.me(server))["value"])
        self.assertSameTrees([founder, *others])

    def ipv6_port(self):
        try:
            return self.port("::1")
        except AssertionError:
            self.skipTest("no IPv6 here")

    def named_port(self):
        port = self.port()
        port.address = "localhost:%d" % port.number
        return port


class Addresses(Case):
    def test_members_with_a_host_name(self):
        founder = self.start(self.named_port())
        others = [self.attach(founder, self.named_port()) for _ in range(2)]
        self.becomes_cluster(founder, *others)

    def test_members_on_ipv6(self):
        founder = self.start(self.ipv6_port())
        others = [self.attach(founder, self.ipv6_port()) for _ in range(2)]
        self.becomes_cluster(founder, *others)
        got = self.doozer("doozer:?ca=" + others[1].address, "get", "/ctl/name")
        self.assertEqual(b"local", got.stdout)

    def test_members_of_all_kinds(self):
        a = self.start(self.port())
        b = self.attach(a, self.ipv6_port())
        c = self.attach(b, self.named_port())
        self.becomes_cluster(a, b, c)
        a = self.again(a, c)
        b = self.again(b, a)
        self.assertSameTrees([a, b, c])

    def test_a_name_that_nobody_knows_holds_up_nobody(self):
        """doozerd(8): a member address that does not resolve never blocks the others"""
        a = self.start()
        b = self.attach(a, None, "-advertise", "nohost.invalid:1")
        self.connect(a).put("/ctl/cal/1")
        self.becomes_member(b)
        c = self.attach(a)
        self.assertEqual(self.connect(a).put("/k", b"v"), self.connect(c).wait("/k", 1)["rev"])

    def test_every_address_of_the_machine_needs_another_name(self):
        for any_address in (":%d", "0.0.0.0:%d", "[::]:%d"):
            address = any_address % self.port().number
            got = self.run_doozerd("-l", address, "-w", "false")
            self.assertGreater(got.code, 0)
            self.assertOneLine(got.stderr, "^doozerd: -l %s: others reach this process by its host; name it, "
                                           "or give -advertise$" % re.escape(address))
            got = self.run_doozerd("-l", address, "-advertise", address, "-w", "false")
            self.assertOneLine(got.stderr, "^doozerd: -advertise %s: " % re.escape(address))

    def test_with_another_name_it_works(self):
        servers = []
        for n, any_address in enumerate((":%d", "0.0.0.0:%d", ":%d")):
            port = self.port()
            port.address = any_address % port.number
            known_as = "%s:%d" % (("127.0.0.1", "localhost", "localhost")[n], port.number)
            flags = ("-advertise", known_as, *(("-a", servers[0].address) if servers else ()))
            server = self.keep(lab.Server(port, "-timeout", TIMEOUT, *flags, pulse="0.5"))
            server.address = known_as
            lab.poll(server.listens)
            servers.append(server)
            self.connect(server).rev()
        self.becomes_cluster(*servers)
        entries = {value.decode() for _, _, value in self.connect(servers[0]).files("/ctl/ns/local/*")}
        self.assertEqual({s.address for s in servers}, entries)

    def test_without_a_secret_all_are_known_by_loopback_addresses(self):
        """Who attaches by way of loopback, but is elsewhere for the others, could not link to all of them."""
        elsewhere = ("-advertise", "192.0.2.1:8046")
        for flags, to in ((elsewhere, self.start()), ((), self.start(None, *elsewhere))):
            got = self.run_doozerd("-l", self.port().address, "-w", "false", "-a", to.address, *flags)
            self.assertGreater(got.code, 0)
            self.assertRegex(got.stderr.splitlines()[-1], "^doozerd: .* need a secret: set DOOZER_CLUSTER_SECRET or")
        founder = self.start(None, *elsewhere, "-insecure-members")
        self.attach(founder, None, *elsewhere, "-insecure-members")

    def test_those_that_hold_no_copy_say_so(self):
        """Two that attach to each other wait for somebody who has one."""
        ports = [self.port(), self.port()]
        servers = [self.keep(lab.Server(ports[n], "-a", ports[1 - n].address)) for n in range(2)]
        for server in servers:
            lab.poll(lambda s=server: "no copy yet from the 1 that it is linked with" in s.stderr(), why="a line")
            self.assertTrue(server.alive())


class Attach(Case):
    """doozerd(8), -a: may be given several times, tried at once"""

    def test_those_that_attach_wait_for_the_one_that_founds(self):
        """All are started at once, and the founder is the slowest."""
        port, nowhere = self.port(), self.port()
        others = [self.keep(lab.Server(self.port(), "-a", nowhere.address, "-a", port.address)) for _ in range(2)]
        for server in others:
            lab.poll(lambda s=server: "no link to " + port.address in s.stderr(), why="a first attempt")
        founder = self.start(port)
        for server in others:
            self.connect(server).rev()
        self.assertSameTrees([founder, *others])

    def test_one_of_several_is_enough(self):
        founder = self.start()
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        follower = self.start(None, "-a", "127.0.0.1:%d" % silent.getsockname()[1], "-a", self.port().address,
                              "-a", "nohost.invalid:1", "-a", founder.address)
        self.connect(follower).rev()
        self.assertSameTrees([founder, follower])


class Tls(Case):
    def certificate(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make certificates with")
        folder = tempfile.mkdtemp(prefix="doozer-addresses-")
        self.addCleanup(shutil.rmtree, folder)
        cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
        return cert, key

    def test_members_link_whatever_clients_have_to_speak(self):
        """-tlscert is for clients; members come in without on one machine, or by their secret"""
        cert, key = self.certificate()
        for env in ({}, SECRET):
            servers = []
            for _ in range(3):
                to = ("-a", servers[0].address) if servers else ()
                servers.append(self.server("-timeout", TIMEOUT, "-tlscert", cert, "-tlskey", key, *to, pulse="0.5",
                                           env=env))
            uris = [s.uri(tl=1) for s in servers]
            for n in (1, 2):
                got = self.doozer(uris[0], "-tlsca", cert, "add", "/ctl/cal/%d" % n)
                self.assertEqual(0, got.code, got)
            for uri in uris:
                lab.poll(lambda u=uri: self.doozer(u, "-tlsca", cert, "set", "/k", "-1", stdin=b"v").code == 0,
                         why="a member")
            self.assertEqual(2, self.doozer(servers[0], "rev", seconds=8).code)

    def test_a_link_comes_back_after_the_peer_is_started_again(self):
        a, b, c = self.cluster(3, env=SECRET)
        for _ in range(3):
            b = self.again(b, a, env=SECRET)
            c = self.again(c, b, env=SECRET)
        a = self.again(a, c, env=SECRET)
        self.assertSameTrees([a, b, c])

    def test_a_link_comes_back_after_its_connections_are_reset(self):
        """All links go through relays, which cut them in the middle of what is said."""
        servers, relays = [], []
        for _ in range(3):
            port, front = self.port(), self.port()
            to = ("-a", relays[0].address) if relays else ()
            server = self.server("-timeout", "30", "-advertise", front.address, *to, port=port, pulse="0.5", env=SECRET)
            relay = Resetting(front, server.address)
            self.addCleanup(relay.close)
            servers.append(server)
            relays.append(relay)
            self.connect(server).rev()
        for slot in (1, 2):
            self.connect(servers[0]).put("/ctl/cal/%d" % slot)
        for server in servers:
            self.becomes_member(server)
        ids = [self.me(s) for s in servers]
        for n in range(12):
            lab.poll(lambda: any(r.carries() for r in relays), why="a link through a relay")
            tags = [(c, c.send("SET", path="/n%d" % i, value=b"%d" % n, rev=-1))
                    for i, c in enumerate(map(self.connect, servers)) for _ in range(20)]
            for relay in relays:
                relay.lose()
            for client, tag in tags:
                self.assertEqual({"rev"}, set(client.take(tag)))
        self.assertEqual(ids, [self.me(s) for s in servers], "nobody was removed")
        self.assertSameTrees(servers)

    def test_a_stopped_peer_is_linked_again(self):
        a, b, c = self.cluster(3, env=SECRET)
        os.kill(b.pid, signal.SIGSTOP)
        self.addCleanup(lambda: b.alive() and os.kill(b.pid, signal.SIGCONT))
        lab.poll(lambda: "nothing heard" in a.stderr(), why="the link counted as dead")
        self.connect(a).put("/k", b"v")
        os.kill(b.pid, signal.SIGCONT)
        self.becomes_member(b)
        self.assertSameTrees([a, b, c])


class Resetting(Relay):
    """Ends connections as a broken network does: with RST, and bytes on their way lost."""

    def lose(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for s in pair:
                try:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                except OSError:
                    pass


if __name__ == "__main__":
    lab.main()
