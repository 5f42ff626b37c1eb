"""A cluster that is found by its name: doozerd -b and doozer -b, against a DzNS, all real processes.
operations.md, A cluster of several members: all processes can be started at the same time.."""

import os
import shutil
import signal
import subprocess
import tempfile

import lab
from cluster_lab import TIMEOUT, ClusterCase
from journal_lab import journal


class Case(ClusterCase):
    def name_server(self, *flags, **more):
        return self.server(*flags, **more)

    def begin(self, dzns, *flags, port=None, uri=None, env=None):
        """A process that looks for its cluster; nobody waits for it here."""
        return self.keep(lab.Server(port or self.port(), "-timeout", TIMEOUT, "-c", "web", *flags,
                                    pulse="0.5", env=dict({"DOOZER_BOOT_URI": uri or dzns.uri()}, **(env or {}))))

    def serves(self, server, seconds=lab.DEADLINE):
        """It holds a copy, its own or a cluster's."""
        lab.poll(server.listens, why="%s listening" % server.address)
        try:
            self.connect(server).call("REV", seconds=seconds)
        except AssertionError as e:
            raise AssertionError("%s does not serve: %s" % (server.address, server.stderr())) from e

    def entries(self, dzns):
        """Who is registered, by id."""
        return {path.rpartition("/")[2]: value.decode()
                for path, _, value in self.connect(dzns).files("/ctl/ns/web/*")}

    def registered(self, dzns, *servers):
        want = {self.me(s): s.address for s in servers}
        try:
            lab.poll(lambda: self.entries(dzns) == want, seconds=30)
        except AssertionError:
            self.assertEqual(want, self.entries(dzns))

    def web(self, dzns, members=3, **more):
        """So many processes started at once, and all of them members."""
        servers = [self.begin(dzns, **more) for _ in range(members)]
        for server in servers:
            self.serves(server)
        for slot in range(1, members):
            self.put_slot(servers, slot)
        for server in servers:
            self.becomes_member(server)
        return servers

    def put_slot(self, servers, slot):
        """Through whoever is a member."""
        def put():
            return any("err_code" not in self.connect(s).set("/ctl/cal/%d" % slot, b"") for s in servers)
        lab.poll(put, why="a slot more")

    def lookup(self, dzns, *words, **more):
        return self.doozer(None, "-b", dzns.uri(), "-a", "doozer:?cn=web", *words, **more)


class Boot(Case):
    def test_three_at_once_are_one_cluster_that_clients_find(self):
        dzns = self.name_server()
        servers = self.web(dzns)
        self.assertEqual({self.me(s) for s in servers}, set(self.slots(servers[0]).values()))
        self.assertSameTrees(servers)
        self.registered(dzns, *servers)
        boot = self.connect(dzns).get("/ctl/boot/web")["value"].decode()
        self.assertIn(boot, {self.me(s) for s in servers})
        got = self.lookup(dzns, "set", "/k", "0", stdin=b"v")
        self.assertEqual(0, got.code, got)
        self.assertEqual(b"v", self.lookup(dzns, "get", "/k").stdout)

    def test_members_die_and_others_take_their_places(self):
        dzns = self.name_server()
        a, b, c = self.web(dzns)
        self.registered(dzns, a, b, c)
        for dies in ("founder", "another"):
            founder = self.connect(dzns).get("/ctl/boot/web")["value"].decode()
            alive = [s for s in (a, b, c) if s.alive()]
            victim = next(s for s in alive if (self.me(s) == founder) == (dies == "founder"))
            rest = [s for s in alive if s is not victim]
            victim.kill()
            spare = self.begin(dzns)
            self.serves(spare)
            self.becomes_member(spare)
            a, b, c = rest + [spare]
            self.registered(dzns, a, b, c)
            self.assertEqual(0, self.lookup(dzns, "set", "/k", "-1", stdin=b"v").code)
        self.assertSameTrees([a, b, c])

    def test_one_that_comes_back_on_its_address_leaves_no_entry_behind(self):
        dzns = self.name_server()
        a, b, c = self.web(dzns)
        self.registered(dzns, a, b, c)
        b.kill()
        b = self.begin(dzns, port=b.port)
        self.serves(b)
        self.becomes_member(b)
        self.registered(dzns, a, b, c)

    def test_a_follower_is_not_registered(self):
        dzns = self.name_server()
        one = self.begin(dzns)
        self.serves(one)
        follower = self.begin(dzns)
        self.serves(follower)
        self.registered(dzns, one)
        self.assertAnswer(self.connect(follower).set("/k", b""), err="READONLY")

    def test_one_that_is_stopped_in_order_takes_its_entry_along(self):
        dzns = self.name_server()
        a, b = self.web(dzns, 2)
        self.registered(dzns, a, b)
        self.assertEqual(0, b.stop())
        self.assertEqual({self.me(a): a.address}, self.entries(dzns))

    def test_the_last_one_that_is_stopped_in_order_frees_the_name(self):
        dzns = self.name_server()
        only = self.begin(dzns)
        self.serves(only)
        self.registered(dzns, only)
        self.assertEqual(0, only.stop())
        self.assertEqual({}, self.entries(dzns))
        self.assertEqual(0, self.connect(dzns).get("/ctl/boot/web")["rev"])
        self.serves(self.begin(dzns))

    def test_a_cluster_that_is_gone_is_not_founded_again_by_guess(self):
        dzns = self.name_server()
        a = self.begin(dzns)
        self.serves(a)
        old = self.connect(dzns).get("/ctl/boot/web")["value"].decode()
        a.kill()
        one, two = self.begin(dzns), self.begin(dzns)
        for server in (one, two):
            lab.poll(lambda s=server: "founded by %s" % old in s.stderr(), why="a line for the operator")
        line = next(l for l in one.log_lines() if "founded by" in l)
        command = line.partition("doozer -a '")[2]
        uri, _, rest = command.partition("' ")
        self.assertEqual(dzns.uri(), uri)
        self.assertEqual("del /ctl/boot/web -1", rest)
        self.assertEqual(1, len([l for l in one.log_lines() if "founded by" in l]))
        got = self.doozer(uri, *rest.split())
        self.assertEqual(0, got.code, got)
        for server in (one, two):
            self.serves(server)
        self.put_slot([one, two], 1)
        for server in (one, two):
            self.becomes_member(server)
        self.assertSameTrees([one, two])
        self.registered(dzns, one, two)

    def test_one_that_dies_before_it_founds_holds_up_nobody(self):
        dzns = self.name_server()
        first = self.begin(dzns)
        c = self.connect(dzns)
        lab.poll(lambda: c.call("GET", path="/ctl/boot/web")["value"].startswith(b"claimed by "), why="a claim")
        first.kill()
        others = [self.begin(dzns) for _ in range(2)]
        for server in others:
            self.serves(server)
        self.assertSameTrees(others)

    def test_the_dzns_is_down_at_the_start(self):
        port = self.port()
        dzns = self.keep(lab.Server(port))
        lab.poll(dzns.listens)
        dzns.kill()
        servers = [self.begin(dzns) for _ in range(2)]
        for server in servers:
            lab.poll(lambda s=server: dzns.address in s.stderr() and "tried again" in s.stderr(), why="a log line")
        dzns = self.server(port=port)
        for server in servers:
            self.serves(server)

    def test_the_dzns_loses_its_memory(self):
        port = self.port()
        dzns = self.server(port=port)
        servers = self.web(dzns)
        self.registered(dzns, *servers)
        dzns.kill()
        revision = self.connect(servers[0]).put("/k", b"v")  # no harm
        self.assertEqual(b"v", self.connect(servers[2]).get("/k", revision)["value"])
        dzns = self.server(port=port)
        self.registered(dzns, *servers)
        self.assertIn(self.connect(dzns).get("/ctl/boot/web")["value"].decode(), [self.me(s) for s in servers])
        late = self.begin(dzns)
        self.serves(late)
        self.assertAnswer(self.connect(late).set("/k", b""), err="READONLY")

    def test_entries_of_nobody_go(self):
        dzns = self.name_server()
        self.connect(dzns).put("/ctl/ns/web/NOBODY", self.port().address.encode())
        self.connect(dzns).put("/ctl/ns/web/RUBBISH", b"no address")
        one = self.begin(dzns)
        self.serves(one)
        self.registered(dzns, one)

    def test_another_process_at_a_registered_address_is_not_joined(self):
        dzns = self.name_server()
        other = self.server("-c", "other")
        self.connect(dzns).put("/ctl/ns/web/OTHER", other.address.encode())
        one = self.begin(dzns)
        self.serves(one)
        self.assertEqual(b"web", self.connect(one).get("/ctl/name")["value"])

    def test_a_is_tried_first(self):
        dzns = self.name_server()
        founder = self.begin(dzns)
        self.serves(founder)
        joins = self.begin(dzns, "-a", founder.address, uri="doozer:?ca=" + self.port().address)
        self.serves(joins)
        self.assertSameTrees([founder, joins])
        second = self.begin(dzns, "-a", self.port().address)
        self.serves(second)
        self.assertSameTrees([founder, second])

    def test_a_member_that_was_found_by_a_is_registered_too(self):
        dzns = self.name_server()
        founder = self.begin(dzns)
        self.serves(founder)
        joins = self.begin(dzns, "-a", founder.address)
        self.serves(joins)
        self.put_slot([founder], 1)
        self.becomes_member(joins)
        self.registered(dzns, founder, joins)

    def test_a_cluster_is_founded_from_a_journal(self):
        """-restore founds, and never joins"""
        file = tempfile.NamedTemporaryFile(prefix="doozer-boot-")
        self.addCleanup(file.close)
        file.write(journal((5, "/a", b"1"), (9, "/b", b"2")))
        file.flush()
        dzns = self.name_server()
        founder = self.begin(dzns, "-restore", file.name)
        self.serves(founder)
        self.assertAnswer(self.connect(founder).get("/b"), rev=9, value=b"2")
        follower = self.begin(dzns)
        self.serves(follower)
        self.assertAnswer(self.connect(follower).get("/a"), rev=5, value=b"1")
        late = self.begin(dzns, "-restore", file.name)
        self.assertEqual(1, late.wait())
        self.assertRegex(late.log_lines()[-1], "^doozerd: -restore: cluster web lives")

    def test_stops_while_it_looks(self):
        dzns = self.name_server()
        self.connect(dzns).put("/ctl/boot/web", b"NOBODY")
        one = self.begin(dzns)
        lab.poll(one.listens)
        self.assertEqual(0, one.stop(5))
        nowhere = self.begin(dzns, uri="doozer:?ca=" + self.port().address)
        lab.poll(nowhere.listens)
        self.assertEqual(0, nowhere.stop(5))

    def test_a_stopped_member_comes_back_under_another_id(self):
        dzns = self.name_server()
        a, b, c = self.web(dzns)
        self.registered(dzns, a, b, c)
        before = self.me(c)
        os.kill(c.pid, signal.SIGSTOP)
        self.addCleanup(lambda: c.alive() and os.kill(c.pid, signal.SIGCONT))
        lab.poll(lambda: before not in self.entries(dzns), seconds=30, why="removed from the DzNS")
        os.kill(c.pid, signal.SIGCONT)
        self.becomes_member(c)
        self.registered(dzns, a, b, c)


class Protected(Case):
    """Secrets and TLS of the DzNS are those of the boot URI, the cluster's are its own."""

    def test_secrets_and_tls_in_the_boot_uri(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make certificates with")
        folder = tempfile.mkdtemp(prefix="doozer-boot-")
        self.addCleanup(shutil.rmtree, folder)
        cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
        dzns = self.server("-tlscert", cert, "-tlskey", key,
                           env={"DOOZER_RWSECRET": "sesame", "DOOZER_ROSECRET": "look"})
        uri = dzns.uri(sk="sesame", tl=1)
        secret = {"DOOZER_CLUSTER_SECRET": "the family jewels are here"}
        servers = [self.begin(dzns, "-tlsca", cert, uri=uri, env=secret) for _ in range(3)]
        for server in servers:
            self.serves(server)
        got = self.doozer(None, "-tlsca", cert, "-b", uri, "-a", "doozer:?cn=web", "get", "/ctl/name")
        self.assertEqual((0, b"web"), (got.code, got.stdout), got)
        wrong = self.begin(dzns, "-tlsca", cert, uri=dzns.uri(sk="wrong", tl=1), env=secret)
        lab.poll(lambda: "permission denied" in wrong.stderr(), why="a line about the secret")
        self.assertNotIn("sesame", "".join(s.stderr() for s in servers))
        distrusts = self.begin(dzns, uri=uri, env=secret)
        lab.poll(lambda: "certificate" in distrusts.stderr(), why="a line about the certificate")


if __name__ == "__main__":
    lab.main()
