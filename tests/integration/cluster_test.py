"""Several processes that are one cluster. Real processes, real sockets on loopback, real
signals; where no delay is given, things happen within the deadline of lab.poll()."""

import os
import signal
import socket
import time

import cluster_lab
import lab
import wire


class Cluster(cluster_lab.ClusterCase):
    def test_every_member_reads_and_writes(self):
        servers = self.cluster(3)
        for i, server in enumerate(servers):
            revision = self.connect(server).put("/k", b"%d" % i)
            for other in servers:
                got = self.connect(other).get("/k", revision)
                self.assertEqual(b"%d" % i, got["value"])
        self.assertEqual({self.me(s) for s in servers}, set(self.slots(servers[0]).values()))
        ns = {path.rpartition("/")[2]: value.decode()
              for path, _, value in self.connect(servers[1]).files("/ctl/ns/local/*")}
        self.assertEqual({self.me(s): s.address for s in servers}, ns)
        self.assertSameTrees(servers)

    def test_a_follower_reads_and_answers_writes_readonly(self):
        founder = self.start()
        follower = self.attach(founder)
        self.connect(founder).put("/k", b"v")
        f = self.connect(follower)
        self.assertEqual(b"v", f.wait("/k", 1)["value"])
        self.assertAnswer(f.set("/k", b"w"), err="READONLY")
        for verb in ("SET", "DEL"):  # judged before the arguments
            self.assertAnswer(f.call(verb), err="READONLY")
            self.assertAnswer(f.call(verb, path="no path", rev=0), err="READONLY")
        self.assertSameTrees([founder, follower])

    def test_a_linear_read_finds_what_was_answered_anywhere(self):
        """protocol.md, What is read where"""
        servers = self.cluster(3)
        writers = [self.connect(s) for s in servers]
        for n in range(200):
            writers[n % 3].put("/k", b"%d" % n)
            got = writers[(n + 1) % 3].call("GET", path="/k", linear=1)
            self.assertEqual(b"%d" % n, got["value"])
        follower = self.connect(self.attach(servers[0]))
        self.assertAnswer(follower.call("GET", path="/k", linear=1), err="READONLY",
                          err_detail="not a member: cannot ask for the newest")

    def test_the_fire_drill(self):
        """docs/firedrill"""
        a, b, c = self.cluster(3)
        stopped_id = self.me(b)
        slot = next(path for path, who in self.slots(a).items() if who == stopped_id)
        watcher = self.connect(a)
        tag = watcher.send("WAIT", path=slot, rev=watcher.rev() + 1)
        os.kill(b.pid, signal.SIGSTOP)
        self.addCleanup(lambda: b.alive() and os.kill(b.pid, signal.SIGCONT))
        began = time.monotonic()
        longest = 0
        while time.monotonic() - began < 2:  # clients on the others see no interruption
            before = time.monotonic()
            self.connect(c).put("/drill", b"x")
            longest = max(longest, time.monotonic() - before)
        self.assertLess(longest, 1.5)
        emptied = watcher.take(tag, seconds=20)
        self.assertEqual(b"", emptied["value"])
        d = self.attach(a)
        self.becomes_member(d)
        self.assertEqual(self.me(d), self.slots(a)[slot])
        os.kill(b.pid, signal.SIGCONT)
        # It finds itself removed, and follows under another id.
        lab.poll(lambda: self.me(b) not in ("", stopped_id), why="a new id")
        revision = self.connect(a).put("/drill", b"after")
        self.assertEqual(b"after", self.connect(b).get("/drill", revision)["value"])
        self.assertAnswer(self.connect(b).set("/drill", b""), err="READONLY")
        lab.poll(lambda: stopped_id not in self.connect(a).names("/ctl/node"), why="cleaned up")
        self.assertSameTrees([a, b, c, d])

    def test_killed_and_started_again_on_its_address_it_is_back_at_once(self):
        """wound 4"""
        a, b, c = self.cluster(3)
        for _ in range(2):
            b = self.again(b, a)
            self.assertEqual(3, len(set(self.slots(a).values()) - {""}))
        self.assertSameTrees([a, b, c])

    def test_large_values_commit(self):
        """wound 2"""
        servers = self.cluster(3)
        for size in (2980, 10_000, 1 << 20):
            value = os.urandom(size)
            revision = self.connect(servers[1]).put("/large", value)
            for server in servers:
                self.assertEqual(value, self.connect(server).get("/large", revision)["value"])

    def test_a_join_works_at_any_age_while_writes_go_on(self):
        """wound 6"""
        founder = self.start(None, "-hist", "50")
        c = self.connect(founder)
        tags = [c.send("SET", path="/n", value=b"%d" % i, rev=-1) for i in range(2000)]
        follower = self.attach(founder, None, "-hist", "50")
        for tag in tags:
            c.take(tag)
        c.put("/ctl/cal/1")
        self.becomes_member(follower)
        self.assertSameTrees([founder, follower])

    def test_a_large_copy_is_given_in_pieces_while_writes_go_on(self):
        """wound 6: a copy larger than all buffers together may be, and nobody is cut off for it"""
        founder = self.start(None, "-maxmem", str(256 << 20))
        c = self.connect(founder)
        value = os.urandom(1 << 20)
        for i in range(90):
            c.put("/large/%d" % i, value)
        writer = self.connect(founder)
        tags = [writer.send("SET", path="/n", value=b"%d" % i, rev=-1) for i in range(2000)]
        follower = self.attach(founder, None, "-maxmem", str(256 << 20))
        for tag in tags:
            self.assertIn("rev", writer.take(tag))
        self.assertEqual(value, self.connect(follower).get("/large/89")["value"])
        c.put("/ctl/cal/1")
        self.becomes_member(follower)
        self.assertSameTrees([founder, follower])

    def test_without_a_majority_reads_go_on_and_new_writes_are_refused(self):
        """wound 8"""
        a, b, c = self.cluster(3)
        revision = self.connect(a).put("/k", b"v")
        for server in (b, c):
            os.kill(server.pid, signal.SIGSTOP)
            self.addCleanup(lambda s=server: s.alive() and os.kill(s.pid, signal.SIGCONT))
        def refused():
            got = self.connect(a).call("SET", path="/new", value=b"", rev=-1, seconds=10)
            return got.get("err_detail") == "no quorum: not applied" and got
        time.sleep(1.5)
        began = time.monotonic()
        got = refused()
        self.assertTrue(got)
        self.assertEqual(wire.ERR["READONLY"], got["err_code"])
        self.assertLess(time.monotonic() - began, 4)
        self.assertEqual(b"v", self.connect(a).get("/k", revision)["value"])
        self.assertAnswer(self.connect(a).call("GET", path="/k", linear=1), err="READONLY",
                          err_detail="no quorum: cannot ask for the newest")
        for server in (b, c):
            os.kill(server.pid, signal.SIGCONT)
        self.becomes_member(a)
        self.assertAnswer(self.connect(a).get("/new"), rev=0, value=b"")

    def test_an_address_that_is_overwritten_is_put_right(self):
        """wound 11"""
        a, b, c = self.cluster(3)
        path = "/ctl/node/%s/addr" % self.me(b)
        self.connect(a).put(path, b"rubbish")
        lab.poll(lambda: self.connect(c).get(path)["value"] == b.address.encode())
        self.connect(c).put("/k", b"v")

    def test_a_start_that_fails_says_why_in_one_line(self):
        founder = self.start(None, "-c", "one")
        other = self.run_doozerd("-l", self.port().address, "-w", "false", "-c", "two",
                                 "-a", founder.address)
        self.assertNotEqual(0, other.code)
        self.assertIn("one", other.stderr.splitlines()[-1])
        nobody = self.run_doozerd("-l", self.port().address, "-w", "false",
                                  "-a", self.port().address)
        self.assertNotEqual(0, nobody.code)
        self.assertRegex(nobody.stderr.splitlines()[-1], "cannot attach")

    def test_members_know_each_other_by_the_secret(self):
        """wound 9"""
        secret = {"DOOZER_CLUSTER_SECRET": "the family jewels are here"}
        servers = self.cluster(3, env=secret)
        self.connect(servers[2]).put("/k", b"v")
        wrong = self.run_command(
            [lab.OPTIONS.doozerd, "-l", self.port().address, "-w", "false", "-a",
             servers[0].address], env={"DOOZER_CLUSTER_SECRET": "somebody else's jewels"})
        self.assertNotEqual(0, wrong.code)
        none = self.run_doozerd("-l", self.port().address, "-w", "false", "-a", servers[0].address)
        self.assertNotEqual(0, none.code)
        host, _, port = servers[0].address.rpartition(":")
        for garbage in (b"DZM" + os.urandom(2000), os.urandom(500), b"\x16\x03\x01" + b"x" * 300):
            with socket.create_connection((host, int(port))) as s:
                s.sendall(garbage)
        self.connect(servers[0]).put("/k", b"w")

    def test_who_is_shut_out_for_a_moment_tries_again(self):
        """by a member that is just ending, or has no descriptors left"""
        secret = {"DOOZER_CLUSTER_SECRET": "the family jewels are here"}
        port = self.port()
        with socket.create_server(("127.0.0.1", port.number)) as door:
            attaching = self.keep(lab.Server(self.port(), "-a", port.address, env=secret))
            door.accept()[0].close()
        self.start(port, env=secret)
        lab.poll(attaching.listens, why="%s listening" % attaching.address)
        self.connect(attaching).rev()


if __name__ == "__main__":
    lab.main()
