"""What a server that founds a cluster of one writes itself: data-model.md."""

import socket

import lab
from wire import SET_FLAG


class Founding(lab.Case):
    def test_a_lone_server_registers_itself_and_nothing_else(self):
        """data-model.md, What the server writes itself: the table"""
        server = self.server("-c", "jewels")
        c = self.connect(server)
        me = c.call("SELF")["value"].decode()
        node = "/ctl/node/%s/" % me
        files = {path: value for path, _, value in c.files("/**")}
        self.assertEqual({"/ctl/cal/0", "/ctl/name", node + "addr", node + "applied", node + "hostname",
                          node + "version", node + "writable", "/ctl/ns/jewels/" + me}, set(files))
        self.assertEqual(b"jewels", files["/ctl/name"])
        self.assertEqual(me.encode(), files["/ctl/cal/0"])
        self.assertEqual(server.address.encode(), files[node + "addr"])
        self.assertEqual(server.address.encode(), files["/ctl/ns/jewels/" + me])
        self.assertEqual(socket.gethostname().encode(), files[node + "hostname"])
        self.assertEqual(b"true", files[node + "writable"])
        self.assertTrue(files[node + "version"])
        self.assertRegex(files[node + "applied"].decode(), "^[0-9]+$")

    def test_the_name_is_local_unless_given(self):
        """doozerd(8): -c"""
        self.assertEqual(b"local", self.client().get("/ctl/name")["value"])

    def test_advertise_is_the_address_the_others_are_told(self):
        """doozerd(8): -advertise"""
        c = self.client("-advertise", "doozer.example.com:8046")
        me = c.call("SELF")["value"].decode()
        for path in ("/ctl/node/%s/addr" % me, "/ctl/ns/local/" + me):
            self.assertEqual(b"doozer.example.com:8046", c.get(path)["value"])

    def test_everything_is_there_before_the_first_write_is_accepted(self):
        """data-model.md: all founding entries are applied before the first client write is accepted"""
        for _ in range(5):
            c = self.client(pulse="0.01")
            first = c.put("/mine")
            me = c.call("SELF")["value"].decode()
            names = ["/ctl/name", "/ctl/cal/0", "/ctl/ns/local/" + me]
            names += ["/ctl/node/%s/%s" % (me, n) for n in
                      ("addr", "hostname", "version", "writable", "applied")]
            for name in names:
                self.assertLess(c.wait(name, 1)["rev"], first, name)

    def test_ids_are_80_bits_of_base32_and_new_at_every_start(self):
        """data-model.md: an id is 80 random bits in Base32 (16 characters), new at every start"""
        port = self.port()
        seen = set()
        for _ in range(3):
            server = self.server(port=port)
            me = self.connect(server).call("SELF")["value"].decode()
            self.assertRegex(me, "^[A-Z2-7]{16}$")
            seen.add(me)
            server.stop()
        self.assertEqual(3, len(seen))

    def test_revisions_count_the_changes_and_nothing_else(self):
        """data-model.md: after founding a process writes unasked only `applied`"""
        c = self.client()
        now = c.rev()
        self.assertEqual([now + 1, now + 2, now + 3], [c.put("/x") for _ in range(3)])

    def test_the_history_of_the_founding_is_the_tree(self):
        """protocol.md, Verbs: WAIT, from revision 1"""
        c = self.client()
        tree, rev, last = {}, 1, c.rev()
        while rev <= last:
            got = c.wait("/**", rev)
            self.assertEqual(rev, got["rev"], "every revision has exactly one event")
            if got["flags"] == SET_FLAG:
                tree[got["path"]] = got["value"]
            rev += 1
        self.assertEqual(tree, {path: value for path, _, value in c.files("/**")})


class Pulse(lab.Case):
    def test_applied_is_written_every_pulse(self):
        """data-model.md: applied = the revision it has applied, every -pulse seconds"""
        c = self.client(pulse="0.05")
        path = "/ctl/node/%s/applied" % c.call("SELF")["value"].decode()
        rev = c.rev()
        for _ in range(4):
            got = c.wait(path, rev + 1)
            self.assertEqual((path, SET_FLAG), (got["path"], got["flags"]))
            self.assertEqual(got["rev"] - 1, int(got["value"]), "nothing else was written")
            rev = got["rev"]

    def test_every_second_unless_told_otherwise(self):
        """doozerd(8): -pulse"""
        c = self.client(pulse=None)
        path = "/ctl/node/%s/applied" % c.call("SELF")["value"].decode()
        first = c.wait(path, c.rev() + 1)["rev"]
        self.assertLess(first, c.call("WAIT", path=path, rev=first + 1, seconds=5)["rev"])


if __name__ == "__main__":
    lab.main()
