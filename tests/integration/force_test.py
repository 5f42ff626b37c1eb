"""The majority is lost for good, and an operator makes a survivor a cluster again: protocol.md, Force;
operations.md, The majority is lost."""

import json
import os
import pty
import signal
import time

import cluster_lab
import lab
import wire

STRIDE = 1 << 40


class Force(cluster_lab.ClusterCase):
    def status(self, server):
        return json.loads(self.connect(server).call("STATUS")["value"])

    def loses_quorum(self, server):
        lab.poll(lambda: not self.status(server)["quorum"], why="no quorum")

    def is_silent(self, server, *ids):
        """The others have not been heard for -timeout."""
        def silent():
            members = self.status(server)["members"]
            return all(m["silent_ms"] > 1000 * float(cluster_lab.TIMEOUT) for m in members if m["id"] in ids)
        lab.poll(silent, why="nobody was heard for -timeout")

    def force(self, server, name=b"local", **more):
        return self.connect(server).call("FORCE", value=name, **more)

    def assertRefused(self, got, why):
        self.assertOther(got, "not forced: " + why)

    def test_one_of_three_goes_on_and_two_new_ones_join(self):
        a, b, c = self.cluster(3)
        client = self.connect(a)
        acknowledged = client.put("/k", b"kept")
        lineage = self.status(a)["lineage"]
        dead = [self.me(b), self.me(c)]
        for server in (b, c):
            server.kill()
        began = time.monotonic()
        waits = client.send("SET", path="/k", value=b"lost", rev=-1)
        self.assertAnswer(client.take(waits), err="READONLY", err_detail="no quorum: not applied")
        self.assertLess(time.monotonic() - began, 6)
        self.assertAnswer(client.get("/k"), rev=acknowledged, value=b"kept")  # reads go on
        self.assertRefused(self.force(a, b"other"), "this cluster has another name")
        self.is_silent(a, *dead)
        answer = self.force(a)
        self.assertGreaterEqual(answer["rev"], STRIDE)
        self.assertLess(answer["rev"], STRIDE + 100)
        got = self.status(a)
        self.assertEqual((True, 1, [self.me(a)]), (got["quorum"], got["voters"], [m["id"] for m in got["members"]]))
        self.assertNotEqual(lineage, got["lineage"])
        self.assertEqual(([lineage], None), (got["ancestors"], got["restored_at"]))
        self.assertAnswer(client.get("/ctl/lineage"), rev=client.get("/ctl/lineage")["rev"],
                          value=(lineage + "\n").encode())
        self.assertIn("forced", [e["kind"] for e in got["events"]])
        self.assertEqual(["1", "2"], sorted(s for s in got["free_slots"]))
        self.assertAnswer(client.get("/k"), rev=acknowledged, value=b"kept")
        self.assertGreater(client.put("/k", b"goes on"), answer["rev"])
        b, c = (self.attach(a, dead_one.port) for dead_one in (b, c))
        for server in (b, c):
            self.becomes_member(server)
            self.connect(server).put("/k", b"again")
        self.assertEqual(3, self.status(c)["voters"])
        part = json.loads(self.connect(c).call("STATUS", path="lineage")["value"])
        self.assertEqual({"cluster": "local", "lineage": got["lineage"], "ancestors": [lineage], "restored_at": None}, part)
        self.assertSameTrees([a, b, c])

    def test_it_is_refused_while_others_may_live(self):
        a, b, c = self.cluster(3)
        self.assertRefused(self.force(a), "this process hears a majority of the members")
        self.assertRefused(self.force(a, offset=1), "this process hears a majority of the members")
        follower = self.attach(a)
        self.assertRefused(self.force(follower), "this process is no member of the cluster")
        b.kill()
        c.kill()
        self.loses_quorum(a)
        got = self.force(a)
        self.assertRegex(got["err_detail"], "^not forced: member [A-Z2-7]{16} was heard [0-9] s ago and may live on")
        self.assertRefused(self.force(a, path="AAAAAAAAAAAAAAAA", offset=1), "another id is meant")
        self.assertAnswer(self.connect(a).call("FORCE"), err="MISSING_ARG")
        self.assertFalse(self.status(a)["quorum"])
        self.assertGreaterEqual(self.force(a, path=self.me(a), offset=1)["rev"], STRIDE)
        self.connect(a).put("/k", b"v")
        # The follower takes its copy from the survivor, and a slot.
        self.becomes_member(follower)

    def test_the_command(self):
        """doozer(1): force"""
        a, b = self.cluster(2)
        self.assertRefusedCommand(self.doozer(a, "force", "-confirm", "local"), "this process hears a majority")
        self.assertRefusedCommand(self.doozer(a, "force"), "only if the cluster's name is typed on a terminal")
        b.kill()
        self.loses_quorum(a)
        status = self.doozer(a, "status")
        self.assertEqual(0, status.code, status)
        self.assertIn(b"quorum: NO, 2 of 2 members are needed: nothing can be changed\n", status.stdout)
        self.assertRefusedCommand(self.doozer(a, "force", "-confirm", "loca"), 'is not called "loca": nothing was done')
        self.assertRefusedCommand(self.doozer(a, "force", "-confirm", "local"), "may live on elsewhere")
        done = self.doozer(a, "force", "-confirm", "local", "-yes")
        self.assertEqual((0, ""), (done.code, done.stderr), done)
        self.assertGreaterEqual(int(done.stdout), STRIDE)
        self.assertIn(b"quorum: yes, of 1 member\n", self.doozer(a, "status").stdout)
        self.connect(a).put("/k", b"v")

    def assertRefusedCommand(self, result, why):
        self.assertEqual((2, b""), (result.code, result.stdout), result)
        self.assertOneLine(result.stderr, "^Error: .*" + why)

    def test_the_name_is_typed_on_a_terminal(self):
        a, b = self.cluster(2)
        b.kill()
        self.loses_quorum(a)
        for typed, code in ((b"other\n", 2), (b"local\n", 0)):
            terminal, stdin = pty.openpty()
            process = self.keep(lab.Process([lab.OPTIONS.doozer, "-a", a.uri(), "force", "-yes"], stdin=stdin))
            os.close(stdin)
            lab.poll(lambda: "Type the name of the cluster" in process.stderr(), why="the question")
            self.assertIn("two clusters", process.stderr())
            os.write(terminal, typed)
            self.assertEqual(code, process.wait())
            os.close(terminal)
        self.assertTrue(self.status(a)["quorum"])

    def test_it_needs_the_right_to_write(self):
        env = {"DOOZER_RWSECRET": "write", "DOOZER_ROSECRET": "read"}
        server = self.start(env=env)
        client = self.connect(server)
        self.assertOther(client.call("FORCE", value=b"local"), "permission denied")
        client.call("ACCESS", value=b"read")
        self.assertOther(client.call("FORCE", value=b"local"), "permission denied")
        client.call("ACCESS", value=b"write")
        self.assertRefused(client.call("FORCE", value=b"local"), "this process hears a majority of the members")

    def test_two_of_five_survive(self):
        """consensus.md, Going on without a majority: what any survivor has is kept, and the other one is fenced."""
        servers = self.cluster(5)
        a, b, *others = servers
        acknowledged = self.connect(b).put("/k", b"kept")
        dead = [self.me(s) for s in others]
        for server in others:
            server.kill()
        self.loses_quorum(a)
        self.is_silent(a, *dead)
        self.is_silent(b, *dead)
        self.assertGreaterEqual(self.force(a)["rev"], STRIDE)
        self.assertAnswer(self.connect(a).get("/k"), rev=acknowledged, value=b"kept")
        self.assertEqual(1, self.status(a)["voters"])
        self.connect(a).put("/k", b"goes on")
        # The other one is left behind: it says so in one line, still reads, and cannot be forced.
        line = "the cluster was forced on without this process: start it anew to join again"
        lab.poll(lambda: line in b.stderr(), why="the line in its log")
        self.assertIn(("forced", line), [(e["kind"], e["text"]) for e in self.status(b)["events"]])
        self.assertAnswer(self.connect(b).get("/k"), rev=acknowledged, value=b"kept")
        self.assertRefused(self.force(b), "the cluster was forced on without this process: start it anew")
        self.assertAnswer(self.connect(b).set("/k"), err="READONLY",
                          err_detail="the cluster was forced on without this process: not applied")
        b = self.again(b, a)
        self.assertSameTrees([a, b])

    def test_a_majority_that_only_sleeps_is_left_behind_when_it_wakes(self):
        a, b, c = self.cluster(3)
        for server in (b, c):
            os.kill(server.pid, signal.SIGSTOP)
        self.addCleanup(lambda: [os.kill(s.pid, signal.SIGCONT) for s in (b, c) if s.alive()])
        self.loses_quorum(a)
        self.assertGreaterEqual(self.force(a, offset=1)["rev"], STRIDE)
        self.connect(a).put("/k", b"ours")
        for server in (b, c):
            os.kill(server.pid, signal.SIGCONT)
        # The order was waiting for them: they take no part in the old cluster any more, and say so.
        def is_refused(server):
            try:
                return self.connect(server).set("/k", b"theirs").get("err_detail", "").startswith("the cluster was")
            except wire.Closed:  # it cannot tell what became of it
                return False
        for server in (b, c):
            lab.poll(lambda: is_refused(server), why="they notice that they were left behind")
            self.assertFalse(self.status(server)["quorum"])
        self.assertEqual(b"ours", self.connect(a).get("/k")["value"])
        again = [self.again(s, a) for s in (b, c)]
        self.assertSameTrees([a, *again])


if __name__ == "__main__":
    lab.main()
