"""Who may write must not end the cluster: a vote goes only to a process that is linked with the members.
docs/decisions/0016-willing-voters.md"""

import json

import cluster_lab
import lab

INVENTED = ["FAKEFAKEFAKEFAK%d" % n for n in (2, 3, 4)]


class Votes(cluster_lab.ClusterCase):
    def invent(self, client, id, slot, address=b"127.0.0.1:1"):
        """What a program writes that takes part by way of the client protocol, as the original does."""
        client.put("/ctl/node/%s/addr" % id, address)
        client.put("/ctl/node/%s/hostname" % id, b"elsewhere")
        client.put("/ctl/node/%s/version" % id, b"99.0.0")
        client.put(slot, id.encode())

    def voters(self, server):
        return {m["id"] for m in json.loads(self.connect(server).call("STATUS")["value"])["members"]}

    def assertAllWrite(self, servers):
        for server in servers:
            self.connect(server).put("/probe", b"x")

    def test_invented_processes_in_new_slots(self):
        servers = self.cluster(3)
        ids = {self.me(s) for s in servers}
        client = self.connect(servers[0])
        for n, id in enumerate(INVENTED):
            self.invent(client, id, "/ctl/cal/%d" % (n + 5))
        self.assertAllWrite(servers)
        for server in servers:
            self.assertEqual(ids, self.voters(server))
        lab.poll(lambda: not set(self.slots(servers[1]).values()) - ids - {""}, 30, "the slots emptied")
        lab.poll(lambda: not set(client.names("/ctl/node")) - ids, 30, "the invented processes cleaned away")
        self.assertAllWrite(servers)
        # The slots are as good as any other.
        self.becomes_member(self.attach(servers[2]))
        self.assertSameTrees(servers)

    def test_every_slot_is_given_to_an_invented_process(self):
        servers = self.cluster(3)
        me = self.me(servers[0])
        client = self.connect(servers[0])
        slots = sorted(self.slots(servers[0]), key=lambda path: self.slots(servers[0])[path] == me)
        for id, slot in zip(INVENTED, slots):  # its own is the last
            self.invent(client, id, slot)
        self.assertEqual({me}, self.voters(servers[0]), "the others lost their slots, as if these were emptied")
        lab.poll(lambda: len(self.voters(servers[0]) & {self.me(s) for s in servers}) == 3, 40, "all three again")
        self.assertAllWrite(servers)

    def test_a_program_that_only_speaks_the_client_protocol_joins_a_cluster_of_one(self):
        founder = self.start()
        client = self.connect(founder)
        client.put("/ctl/cal/1")
        self.invent(client, INVENTED[0], "/ctl/cal/1")
        client.put("/k", b"goes on")
        self.assertEqual({self.me(founder)}, self.voters(founder))
        lab.poll(lambda: client.get("/ctl/cal/1")["value"] == b"", 30, "the slot emptied")
        client.put("/k", b"still")

    def test_an_operator_gives_a_slot_to_a_follower_in_one_write(self):
        servers = self.cluster(3)
        spare = self.attach(servers[0])
        id = self.me(spare)
        client = self.connect(servers[1])
        lab.poll(lambda: id in client.names("/ctl/node"), why="it is registered")
        gone = self.me(servers[2])
        slot = next(path for path, who in self.slots(servers[1]).items() if who == gone)
        revision = client.put(slot, id.encode())
        client.get("/probe", revision)
        lab.poll(lambda: id in self.voters(servers[1]) and gone not in self.voters(servers[1]), why="a vote for it")
        self.becomes_member(spare)

    def test_the_only_member_is_replaced(self):
        founder = self.start()
        spare = self.attach(founder)
        client = self.connect(founder)
        lab.poll(lambda: self.me(spare) in client.names("/ctl/node"), why="it is registered")
        client.put("/ctl/cal/0", self.me(spare).encode())
        self.becomes_member(spare)

    def test_the_calendar_is_bounded(self):
        """Members list it ten times a second."""
        founder = self.start()
        client = self.connect(founder)
        tags = [client.send("SET", path="/ctl/cal/x%d" % i, value=b"x" * 1000, rev=-1) for i in range(2000)]
        answers = [client.take(tag) for tag in tags]
        self.assertEqual(63, sum("err_code" not in a for a in answers))
        for answer in answers[63:]:
            self.assertOther(answer, "/ctl/cal takes no more entries")
        self.assertEqual(64, client.stat("/ctl/cal")["len"])
        client.call("DEL", path="/ctl/cal/x1", rev=-1)
        client.put("/ctl/cal/1")


if __name__ == "__main__":
    lab.main()
