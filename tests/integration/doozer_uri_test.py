"""Where the doozer command finds a cluster: -a, -b, their variables, URIs, DzNS, secrets."""

import re
import socket
import time
from urllib.parse import quote

import lab


class Case(lab.Case):
    def finds(self, server, *words, env=None):
        """`doozer <words> self` speaks to this server."""
        me = self.connect(server).call("SELF")["value"]
        got = self.doozer(None, *words, "self", env=env)
        self.assertEqual((0, me, ""), (got.code, got.stdout, got.stderr), (words, env))

    def error(self, pattern, *words, env=None, seconds=lab.DEADLINE):
        """Exit 2 and one line on stderr."""
        got = self.doozer(None, *words, env=env, seconds=seconds)
        self.assertEqual((2, b""), (got.code, got.stdout), (words, got))
        self.assertOneLine(got.stderr, pattern)

    def nowhere(self):
        """An address where nobody listens."""
        return self.port().address


class Addresses(Case):
    """doozer(1), URI: ca"""

    def test_a_and_its_variable(self):
        """-a URI (default DOOZER_URI)"""
        one, two = self.server(), self.server()
        self.finds(one, "-a", one.uri())
        self.finds(one, env={"DOOZER_URI": one.uri()})
        self.finds(two, "-a", two.uri(), env={"DOOZER_URI": one.uri()})
        self.finds(two, "-a=" + two.uri())
        self.finds(two, "-a", two.uri(), env={"DOOZER_URI": "nonsense"})

    def test_a_behind_the_command(self):
        """options stand before the command, or between the command and its arguments"""
        server = self.server()
        got = self.doozer(None, "get", "-a", server.uri(), "/ctl/name")
        self.assertEqual((0, b"local"), (got.code, got.stdout), got)

    def test_the_default(self):
        """then doozer:?ca=127.0.0.1:8046"""
        got = self.doozer(None, "rev")
        if got.code == 0:
            self.assertRegex(got.stdout, rb"\A[0-9]+\n\Z")  # somebody runs a server on this machine
        else:
            self.assertEqual(2, got.code)
            self.assertOneLine(got.stderr, r"^Error: .*127\.0\.0\.1:8046")

    def test_several_addresses(self):
        """ca is repeatable; a client takes any of the addresses"""
        server, dead = self.server(), self.nowhere()
        self.finds(server, "-a", "doozer:?ca=%s&ca=%s" % (server.address, dead))
        self.finds(server, "-a", "doozer:?ca=%s&ca=%s" % (dead, server.address))
        self.finds(server, "-a", "doozer:?ca=%s&ca=%s&ca=%s" % (dead, self.nowhere(), server.address))

    def test_parameters_in_any_order(self):
        """parameters as in an HTTP query, in any order"""
        server = self.server()
        for query in ("un=MFRGG&ca=%s", "ca=%s&sk=", "ca=%s&un=", "other=thing&ca=%s"):
            self.finds(server, "-a", "doozer:?" + query % server.address)
        self.finds(server, "-a", "doozer:?ca=" + server.address.replace(":", "%3A"))
        self.finds(server, "-a", "doozer:?ca=" + server.address.replace(".", "%2e"))

    def test_a_host_name(self):
        """ca = address, host or host:port"""
        server = self.server()
        self.finds(server, "-a", "doozer:?ca=localhost:" + server.address.split(":")[1])

    def test_ipv6(self):
        """IPv6 as ca=[::1]:8046"""
        try:
            port = self.port("::1")
        except AssertionError:
            self.skipTest("no IPv6 here")
        server = self.server(port=port)
        self.finds(server, "-a", "doozer:?ca=" + port.address)
        self.finds(server, "-a", "doozer:?ca=" + quote(port.address, safe=""))

    def test_a_host_without_a_port(self):
        """default port 8046"""
        got = self.doozer(None, "-a", "doozer:?ca=127.0.0.2", "rev")
        if got.code:
            self.assertEqual(2, got.code)
            self.assertOneLine(got.stderr, r"^Error: .*127\.0\.0\.2:8046")

    def test_no_uri(self):
        """a URI that is none: "invalid uri" """
        for uri in ("foo", "doozer:?", "doozer:", "", "127.0.0.1:8046", "http:?ca=127.0.0.1:1", "doozer:?sk=x",
                    "doozer:?ca=", "doozer:?ca=127.0.0.1:x", "doozer:?ca=127.0.0.1:99999", "doozer:?ca=%zz",
                    "doozer:?ca=[::1:1", "DOOZER"):
            self.error("^Error: invalid uri", "-a", uri, "rev")
        self.error("^Error: invalid uri$", "-a", "foo", "get", "/a")
        self.error("^Error: invalid uri$", "-a", "doozer:?", "get", "/a")
        self.error("^Error: invalid uri", "rev", env={"DOOZER_URI": "foo"})

    def test_tls_is_not_silently_left_out(self):
        """ours: tl=1 = TLS"""
        server = self.server()
        got = self.doozer(server.uri(tl=1), "rev", seconds=8)
        self.assertEqual((2, b""), (got.code, got.stdout))
        self.assertOneLine(got.stderr, "^Error: .*TLS")

    def test_nobody_there(self):
        """if no address answers at the start, a command fails in one line, exit 2"""
        dead = self.nowhere()
        for words in (["get", "/a"], ["wait", "/a"], ["watch", "/**"], ["find", "/"], ["rev"], ["set", "/a", "0"],
                      ["add", "/a"], ["del", "/a", "0"], ["touch", "/a"], ["stat", "/a"], ["self"], ["nop"]):
            self.error("^Error: .*" + re.escape(dead), "-a", "doozer:?ca=" + dead, *words)
        self.error("^Error: .*nohost.invalid", "-a", "doozer:?ca=nohost.invalid:1", "get", "/a")

    def test_nobody_answers(self):
        """if no address answers at the start, a command fails within 5 s in one line, exit 2"""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        began = time.monotonic()
        self.error("^Error: .*" + re.escape(address), "-a", "doozer:?ca=" + address, "rev", seconds=8)
        self.assertLess(time.monotonic() - began, 5.5)

    def test_one_of_several_is_silent(self):
        """a client takes any of the addresses: one that accepts and says nothing is none"""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        server = self.server()
        began = time.monotonic()
        self.finds(server, "-a", "doozer:?ca=127.0.0.1:%d&ca=%s" % (silent.getsockname()[1], server.address))
        self.assertLess(time.monotonic() - began, 5)

    def test_what_speaks_another_protocol(self):
        """no address answers: bytes that are no answer are none"""
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        address = "127.0.0.1:%d" % other.getsockname()[1]
        process = self.keep(lab.Process([lab.OPTIONS.doozer, "-a", "doozer:?ca=" + address, "rev"]))
        other.settimeout(0.1)

        def serve():
            try:
                peer, _ = other.accept()
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                peer.close()
            except OSError:
                pass
            return not process.alive()
        lab.poll(serve, seconds=8, why="the end of the command")
        self.assertEqual(2, process.wait())
        self.assertOneLine(process.stderr(), "^Error: ")


class Names(Case):
    """doozer(1), URI: with `cn` and a boot URI"""

    def setUp(self):
        super().setUp()
        self.dzns, self.jewels = self.server("-c", "dzns"), self.server("-c", "jewels")
        self.c = self.connect(self.dzns)
        self.c.put("/ctl/ns/jewels/AAAAAAAAAAAAAAAA", self.jewels.address.encode())

    def test_a_name_is_looked_up(self):
        """connect to the boot URI, take the bodies of /ctl/ns/<name>/* as addresses"""
        self.finds(self.jewels, "-b", self.dzns.uri(), "-a", "doozer:?cn=jewels")
        self.finds(self.jewels, "-a", "doozer:?cn=jewels", env={"DOOZER_BOOT_URI": self.dzns.uri()})
        self.finds(self.jewels, "-b", self.dzns.uri(),
                   env={"DOOZER_BOOT_URI": "nonsense", "DOOZER_URI": "doozer:?cn=jewels"})

    def test_a_cluster_knows_itself(self):
        """/ctl/ns/<cluster>/<id>: its address, for clients that look the cluster up"""
        self.finds(self.dzns, "-b", self.dzns.uri(), "-a", "doozer:?cn=dzns")

    def test_an_address_where_nobody_is(self):
        """a client takes any of the addresses"""
        self.c.put("/ctl/ns/jewels/0", self.nowhere().encode())
        self.c.put("/ctl/ns/jewels/Z", self.nowhere().encode())
        self.finds(self.jewels, "-b", self.dzns.uri(), "-a", "doozer:?cn=jewels")

    def test_an_entry_that_is_no_address(self):
        """what is no address is none"""
        for n, junk in enumerate((b"", b"junk", b"\xff\x00", b"host:99999")):
            self.c.put("/ctl/ns/jewels/%d" % n, junk)
        self.finds(self.jewels, "-b", self.dzns.uri(), "-a", "doozer:?cn=jewels")

    def test_a_name_nobody_has(self):
        """the original panics; ours says so in one line, exit 2"""
        self.error("^Error: .*nosuch", "-b", self.dzns.uri(), "-a", "doozer:?cn=nosuch", "get", "/a")
        self.c.put("/ctl/ns/gone/A", self.nowhere().encode())
        self.error("^Error: ", "-b", self.dzns.uri(), "-a", "doozer:?cn=gone", "get", "/a")
        self.error("^Error: ", "-b", self.dzns.uri(), "-a", "doozer:?cn=a_b", "get", "/a")

    def test_without_a_boot_uri(self):
        """a URI that is none: a name and nowhere to look it up"""
        self.error("^Error: invalid uri", "-a", "doozer:?cn=jewels", "get", "/a")

    def test_no_dzns_there(self):
        """if no address answers at the start"""
        dead = self.nowhere()
        self.error("^Error: .*" + re.escape(dead), "-b", "doozer:?ca=" + dead, "-a", "doozer:?cn=jewels", "rev")
        self.error("^Error: invalid uri", "-b", "nonsense", "-a", "doozer:?cn=jewels", "rev")

    def test_a_boot_uri_alone(self):
        """-b without a name to look up is not needed"""
        self.finds(self.jewels, "-b", self.dzns.uri(), "-a", self.jewels.uri())

    def test_secrets_of_both(self):
        """sk: the secret of each URI goes to the cluster it names"""
        dzns = self.server("-c", "dzns", env={"DOOZER_RWSECRET": "drw", "DOOZER_ROSECRET": "dro"})
        jewels = self.server("-c", "jewels", env={"DOOZER_RWSECRET": "jrw", "DOOZER_ROSECRET": "jro"})
        c = self.connect(dzns)
        c.call("ACCESS", value=b"drw")
        c.put("/ctl/ns/jewels/A", jewels.address.encode())
        got = self.doozer(None, "-b", dzns.uri(sk="dro"), "-a", "doozer:?cn=jewels&sk=jro", "get", "/ctl/name")
        self.assertEqual((0, b"jewels", ""), (got.code, got.stdout, got.stderr))
        self.error("^Error: .*permission denied", "-b", dzns.uri(), "-a", "doozer:?cn=jewels&sk=jro", "get", "/ctl/name")


class Secrets(Case):
    """doozer(1), URI: sk = secret, sent with ACCESS"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server(env={"DOOZER_RWSECRET": "r&w +%=\u00fc", "DOOZER_ROSECRET": "ro"})

    def test_without_one(self):
        """REV, SELF need no access; every other verb: OTHER, "permission denied" """
        uri = self.server_.uri()
        denied = "^Error: OTHER: permission denied$"
        for words in (["get", "/ctl/name"], ["stat", "/"], ["find", "/ctl"], ["wait", "-t", "1s", "/a"], ["watch", "/a"],
                      ["nop"], ["set", "/a", "0"], ["add", "/a"], ["del", "/a", "0"], ["touch", "/a"]):
            self.error(denied, "-a", uri, *words)
        self.assertEqual(0, self.doozer(uri, "rev").code)
        self.finds(self.server_, "-a", uri)

    def test_the_read_only_one(self):
        """the read-only one reading"""
        uri = self.server_.uri(sk="ro")
        got = self.doozer(uri, "get", "/ctl/name")
        self.assertEqual((0, b"local", ""), (got.code, got.stdout, got.stderr))
        self.error("^Error: OTHER: permission denied$", "-a", uri, "set", "/a", "0")

    def test_the_read_write_one(self):
        """the read-write secret grants both; parameters as in an HTTP query: percent signs decoded"""
        uri = self.server_.uri(sk=quote("r&w +%=\u00fc", safe=""))
        got = self.doozer(uri, "add", "/a", stdin=b"x")
        self.assertEqual((0, ""), (got.code, got.stderr))
        uri = self.server_.uri(sk=quote("r&w +%=\u00fc", safe="").replace("%20", "+"))
        self.assertEqual(b"x", self.doozer(uri, "get", "/a").stdout)

    def test_a_wrong_one(self):
        """a wrong secret is refused"""
        for command in (["get", "/ctl/name"], ["rev"]):
            self.error("^Error: OTHER: permission denied$", "-a", self.server_.uri(sk="bad"), *command)
        # Also where none is set: who gives a secret expects it to be known.
        self.error("^Error: OTHER: permission denied$", "-a", self.server().uri(sk="bad"), "get", "/a")

    def test_a_watch_keeps_its_access(self):
        """sent with ACCESS: for as long as the command runs"""
        rw = self.connect(self.server_)
        rw.call("ACCESS", value="r&w +%=\u00fc".encode())
        uri = self.server_.uri(sk="ro")
        process = self.keep(lab.Process([lab.OPTIONS.doozer, "-a", uri, "wait", "-r", str(rw.rev() + 1), "/a"]))
        rev = rw.put("/a", b"v")
        self.assertEqual(0, process.wait())
        self.assertEqual(b"/a %d set 1\nv\n" % rev, process.stdout())


if __name__ == "__main__":
    lab.main()
