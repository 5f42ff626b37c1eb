"""What a process tells of its cluster: protocol.md, Status; `doozer status`; /v1/cluster."""

import json
import os
import signal
import time

import cluster_lab
import lab
import web

FIELDS = {"cluster", "lineage", "ancestors", "restored_at", "id", "address", "role", "version", "protocol", "revision", "epoch", "quorum",
          "voters", "majority", "members", "followers", "free_slots", "lanes", "connections", "waiters",
          "writes", "commit_us", "events"}
FOLLOWER = {"id", "address", "hostname", "version", "self", "applied", "lag"}
MEMBER = FOLLOWER | {"slot", "owner", "up", "silent_ms", "rtt_us", "rtts_us"}


class Status(cluster_lab.ClusterCase):
    def status(self, server, **more):
        got = self.connect(server, **more).call("STATUS")
        document = json.loads(got["value"])
        self.assertGreaterEqual(got["rev"], document["revision"])
        return document

    def one(self, processes, wanted):
        found = [p for p in processes if all(p[k] == v for k, v in wanted.items())]
        self.assertEqual(1, len(found), processes)
        return found[0]

    def test_of_a_process_that_is_alone(self):
        server = self.server()
        client = self.connect(server)
        client.put("/ctl/cal/1")
        got = self.status(server)
        self.assertEqual(FIELDS, set(got))
        me = client.call("SELF")["value"].decode()
        expected = {"cluster": "local", "id": me, "address": server.address, "role": "member", "epoch": 1,
                    "quorum": True, "voters": 1, "majority": 1, "followers": [], "free_slots": ["1"],
                    "connections": 2, "waiters": 0, "events": []}
        self.assertEqual(expected, {name: got[name] for name in expected})
        self.assertRegex(got["lineage"], "^[0-9a-f]{32}$")
        member, = got["members"]
        self.assertEqual(MEMBER, set(member))
        self.assertEqual([me, "0", True, True, True, 0, 0],
                         [member[k] for k in ("id", "slot", "self", "owner", "up", "silent_ms", "lag")])
        self.assertEqual(1, got["writes"]["total"])
        self.assertLessEqual(got["commit_us"]["p50"], got["commit_us"]["max"])

    def test_every_process_of_a_cluster_tells_of_all(self):
        servers = self.cluster(3)
        self.connect(servers[0]).put("/ctl/cal/9")
        spare = self.attach(servers[1])
        lab.poll(lambda: "9" not in self.status(servers[0])["free_slots"], why="the slot is filled")
        follower = self.attach(servers[2])
        ids = {self.me(s): s.address for s in [*servers, spare]}

        def complete(server):
            got = self.status(server)
            measured = all(len(m["rtts_us"]) == 3 for m in got["members"])
            told = all(p["lag"] is not None for p in [*got["members"], *got["followers"]])
            return measured and told and len(got["members"]) == 4 and got["followers"] and got
        for server in [*servers, spare, follower]:
            got = lab.poll(lambda: complete(server), why="all round trips are measured")
            self.assertEqual(ids, {m["id"]: m["address"] for m in got["members"]})
            self.assertEqual({"0", "1", "2", "9"}, {m["slot"] for m in got["members"]})
            self.assertEqual([True] * 4, [m["up"] for m in got["members"]])
            self.assertEqual((4, 3, True), (got["voters"], got["majority"], got["quorum"]))
            self.assertEqual("follower" if server is follower else "member", got["role"])
            here = self.one([*got["members"], *got["followers"]], {"self": True})
            self.assertEqual((server.address, got["revision"], 0), (here["address"], here["applied"], here["lag"]))
            waiting, = got["followers"]
            self.assertEqual(FOLLOWER, set(waiting))
            self.assertEqual(follower.address, waiting["address"])
            self.assertLess(waiting["lag"], 50)
            for m in got["members"]:
                self.assertLess(m["lag"], 50)
                self.assertEqual(m["self"], m["rtt_us"] is None)
            self.assertLessEqual({lane["owner"] for lane in got["lanes"]}, set(ids))

    def test_a_member_that_hangs_is_seen_by_the_others(self):
        a, b, c = self.cluster(3)
        stopped = self.me(b)
        os.kill(b.pid, signal.SIGSTOP)
        self.addCleanup(lambda: b.alive() and os.kill(b.pid, signal.SIGCONT))
        for server in (a, c):
            got = lab.poll(lambda: [s for s in [self.status(server)] if not self.one(s["members"], {"id": stopped})["up"]],
                           why="it is seen that one hangs")[0]
            self.assertTrue(got["quorum"])
            self.assertGreaterEqual(self.one(got["members"], {"id": stopped})["silent_ms"], 1000)
            wanted = ("suspected", "%s at %s is not heard any more" % (stopped, b.address))
            lab.poll(lambda: wanted in [(e["kind"], e["text"]) for e in self.status(server)["events"]], why=wanted[1])
            seqs = [e["seq"] for e in got["events"]]
            self.assertEqual(sorted(set(seqs)), seqs)
            self.assertLess(abs(got["events"][-1]["at_ms"] / 1000 - time.time()), 60)

    def test_the_lag_of_one_that_hangs_grows(self):
        a, b, _ = self.cluster(3, "-timeout", "60")
        stopped = self.me(b)
        os.kill(b.pid, signal.SIGSTOP)
        self.addCleanup(lambda: b.alive() and os.kill(b.pid, signal.SIGCONT))
        client = self.connect(a)

        def lags():
            for _ in range(20):
                client.put("/k", b"v")
            return self.one(self.status(a)["members"], {"id": stopped})["lag"] > 100
        lab.poll(lags, why="the lag grows")

    def test_without_a_majority_all_still_answer(self):
        a, b, c = self.cluster(3)
        follower = self.attach(a)
        for server in (a, follower):
            lab.poll(lambda: self.status(server)["quorum"], why="all are heard")
        b.kill()
        c.kill()
        for server in (a, follower):
            got = lab.poll(lambda: [s for s in [self.status(server)] if not s["quorum"]], why="no quorum")[0]
            self.assertEqual(3, got["voters"])
        lab.poll(lambda: "quorum lost" in [e["kind"] for e in self.status(a)["events"]], why="the event")

    def test_the_command_prints_a_table_or_the_document(self):
        """doozer(1), status"""
        a, b, _ = self.cluster(3)
        follower = self.attach(b)
        for server in (a, follower):
            printed = self.doozer(server, "status", "--json")
            self.assertEqual((0, ""), (printed.code, printed.stderr))
            document = json.loads(printed.stdout)
            self.assertEqual(FIELDS, set(document))
            table = self.doozer(server, "-t", "5s", "status")
            self.assertEqual((0, ""), (table.code, table.stderr))
            for process in [*document["members"], *document["followers"]]:
                self.assertIn(process["id"].encode(), table.stdout)
            self.assertLessEqual(max(map(len, table.stdout.splitlines())), 80, table.stdout.decode())
        os.kill(b.pid, signal.SIGSTOP)
        self.addCleanup(lambda: b.alive() and os.kill(b.pid, signal.SIGCONT))
        silent = self.doozer("doozer:?ca=" + b.address, "-t", "500ms", "status")
        self.assertEqual((2, b""), (silent.code, silent.stdout))
        self.assertOneLine(silent.stderr, "^Error: ")

    def test_needs_the_right_to_read(self):
        server = self.server(env={"DOOZER_RWSECRET": "w", "DOOZER_ROSECRET": "r"})
        client = self.connect(server)
        self.assertOther(client.call("STATUS"), "permission denied")
        client.call("ACCESS", value=b"r")
        self.assertEqual("member", json.loads(client.call("STATUS")["value"])["role"])

    def test_what_anybody_writes_about_processes_does_no_harm(self):
        server = self.server()
        client = self.connect(server)
        me = client.call("SELF")["value"].decode()
        client.put("/ctl/node/%s/addr" % me, b"\xff\x00\"" * 2000)
        client.put("/ctl/node/%s/applied" % me, b"-9223372036854775808")
        for i in range(600):
            client.put("/ctl/node/N%d/addr" % i, b"x")
            got = client.set("/ctl/cal/x%d" % i, b"nobody")
            if i >= 63:  # 64 entries with /ctl/cal/0
                self.assertOther(got, "/ctl/cal takes no more entries")
        client.put("/ctl/node/AAAAAAAAAAAAAAAA/addr", b"a" * 100000)
        client.put("/ctl/node/AAAAAAAAAAAAAAAA/applied", b"-9223372036854775808")
        got = self.status(server)
        self.assertEqual(256, len(got["followers"]))
        self.assertEqual(63, len(got["free_slots"]))
        odd = self.one(got["followers"], {"id": "AAAAAAAAAAAAAAAA"})
        self.assertEqual((256, None, None), (len(odd["address"]), odd["applied"], odd["lag"]))


class OverHttp(web.Case):
    def test_it_is_the_same_document(self):
        answer = self.get("/v1/cluster")
        self.assertEqual((200, "application/json"), (answer.status, answer.headers["Content-Type"]))
        over_http = answer.json
        over_tcp = json.loads(self.connect(self.doozerd).call("STATUS")["value"])
        self.assertEqual(FIELDS, set(over_http))
        for document in (over_tcp, over_http):
            # How far an idle lane is may change between the answers, since it parks.
            document["lanes"] = [lane["owner"] for lane in document["lanes"]]
        for name in ("cluster", "lineage", "ancestors", "restored_at", "id", "address", "role", "members", "lanes", "free_slots"):
            self.assertEqual(over_tcp[name], over_http[name], name)

    def test_it_has_the_fields_that_the_interfaces_document_names(self):
        schema = self.get("/v1/openapi.json").json["components"]["schemas"]["Status"]
        self.assertEqual(FIELDS, set(schema["required"]))
        self.assertEqual(MEMBER, set(schema["properties"]["members"]["items"]["required"]))
        self.assertEqual(FOLLOWER, set(schema["properties"]["followers"]["items"]["required"]))


if __name__ == "__main__":
    lab.main()
