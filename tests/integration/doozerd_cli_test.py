"""doozerd's command line, environment, log and signals, as doozerd(8) has them."""

import os
import re
import signal
import socket
import tempfile

import lab
from wire import Connection, FAR, frame, request

NUMBERS = ["-hist", "-histbytes", "-maxvalue", "-maxmem"]
SECONDS = ["-pulse", "-fill", "-timeout"]


class Starts(lab.Case):
    """What the tests of flags share"""

    def starts(self, *flags, env=None):
        """doozerd with exactly these flags, which must name the address ADDRESS; its connection."""
        address = self.port().address
        argv = [lab.OPTIONS.doozerd] + [f.replace("ADDRESS", address) for f in flags]
        process = self.keep(lab.Process(argv, env=env))
        process.address = address
        lab.poll(lambda: lab.Server.listens(process), why="%s listening" % " ".join(argv))
        c = Connection(address)
        self.addCleanup(c.close)
        self.assertEqual({"rev"}, set(c.call("REV")))
        return c

    def refused(self, *flags, env=None, line=None):
        """A start that fails says why in one line on stderr, and exits with more than 0."""
        address = self.port().address
        got = self.run_doozerd(*[f.replace("ADDRESS", address) for f in flags], env=env)
        self.assertGreater(got.code, 0, (flags, got))
        self.assertEqual(b"", got.stdout)
        self.assertOneLine(got.stderr, line)
        return got


class Flags(Starts):
    """doozerd(8): flags follow Go's rules"""

    def test_every_form(self):
        """`-l x`, `-l=x`, `--l x`"""
        for form in (["-l", "ADDRESS"], ["-l=ADDRESS"], ["--l", "ADDRESS"], ["--l=ADDRESS"]):
            self.starts(*form, "-w", "false")

    def test_every_form_of_another_flag(self):
        """`-l x`, `-l=x`, `--l x`"""
        for form in (["-c", "x.y-9"], ["-c=x.y-9"], ["--c", "x.y-9"], ["--c=x.y-9"]):
            c = self.starts(*form, "-l", "ADDRESS", "-w=false")
            self.assertEqual(b"x.y-9", c.get("/ctl/name")["value"])

    def test_the_last_of_a_repeated_flag_counts(self):
        """Go: a flag may be given again"""
        c = self.starts("-c", "first", "-l", "ADDRESS", "-w", "false", "-c", "last")
        self.assertEqual(b"last", c.get("/ctl/name")["value"])

    def test_a_boolean_takes_no_separate_value(self):
        """a boolean takes a value only as `-v=false`"""
        self.starts("-v=false", "-l", "ADDRESS", "-w", "false")
        for form in (["-v"], ["--v"], ["-v=true"], ["-v=1"], ["-v=T"], ["-v", "false"]):
            got = self.run_doozerd(*form)
            self.assertEqual((0, ""), (got.code, got.stderr), form)
        self.refused("-v=nope", "-l", "ADDRESS", line='"nope".*-v')

    def test_parsing_stops_at_a_word_that_is_no_flag(self):
        """parsing stops at the first word that is not a flag"""
        for word in ("word", "-"):
            self.assertNotIn("nosuch", self.run_doozerd("-v", word, "-nosuch").stderr)

    def test_parsing_stops_at_two_dashes(self):
        """parsing stops ... at `--`"""
        got = self.run_doozerd("-v", "--", "-nosuch")
        self.assertNotIn("nosuch", got.stderr)
        self.assertEqual(0, got.code)

    def test_a_value_may_begin_with_a_dash(self):
        """a value may begin with a dash (`-r -1`)"""
        got = self.refused("-hist", "-1", "-l", "ADDRESS")
        self.assertNotIn("not defined", got.stderr)
        self.assertIn("-hist", got.stderr)

    def test_no_abbreviations(self):
        """no abbreviations"""
        for flag in ("-puls", "-hi", "-histb", "-maxv", "-adv", "--clus", "-tlsc"):
            self.refused(flag, "1", "-l", "ADDRESS", line=re.escape(flag.replace("--", "-")))

    def test_no_bundles(self):
        """Go: letters are not put together"""
        self.refused("-vh", line="-vh")
        self.refused("-l127.0.0.1:1", line="-l127")

    def test_an_unknown_flag(self):
        """an unknown flag is an error"""
        self.refused("-x", line="^(doozerd: )?flag provided but not defined: -x$")
        self.refused("--x=3", line="flag provided but not defined: -x")
        self.refused("---l", "ADDRESS")
        self.refused("-=3")

    def test_a_flag_without_its_value(self):
        """Go: a flag that takes a value needs one"""
        for flag in ("-l", "-c", "-hist", "-pulse", "-tlscert"):
            self.refused(flag, line="%s$" % flag)

    def test_flags_that_are_accepted(self):
        """the table of flags"""
        self.starts("-l", "ADDRESS", "-w", "false", "-c", "all", "-pulse", "0.5", "-fill", "0.2", "-timeout", "30",
                    "-hist", "1000", "-histbytes", "1000000", "-maxvalue", "1000", "-maxmem", "100000000")

    def test_every_flag_of_the_table_is_known(self):
        """the table of flags: what this version cannot do it refuses by name, and does not call unknown"""
        for flag in ("-a", "-b", "-c", "-w", "-pulse", "-fill", "-timeout", "-hist", "-tlscert", "-tlskey", "-tlsca",
                     "-advertise", "-clustersecret", "-maxvalue", "-histbytes", "-restore"):
            self.refused(flag, line="^(doozerd: )?flag needs an argument: %s$" % flag)
        for flag in ("-insecure-members", "-webwrite", "-v", "-h"):
            self.refused(flag + "=neither", line='"neither".* %s\\b' % flag)

    def test_no_web_flag_is_accepted(self):
        """-w was not given: doozerd goes on; -w '' is the same"""
        self.starts("-l", "ADDRESS")
        self.starts("-l", "ADDRESS", "-w", "")

    def test_numbers_spans_and_sizes_as_go_and_ours_have_them(self):
        """numbers as Go reads them; ours: also durations and sizes"""
        self.starts("-l", "ADDRESS", "-w", "false", "-pulse", "1e-1", "-fill", "100ms", "-timeout", "1m30s",
                    "-hist", "1_000", "-histbytes", "0x10000", "-maxvalue", "64K", "-maxmem", "64M")

    def test_words_that_are_no_flags_are_ignored(self):
        """ours: with one warning"""
        c = self.starts("-l", "ADDRESS", "-w", "false", "-c", "jewels", "word", "another", "-nosuch")
        self.assertEqual(b"jewels", c.get("/ctl/name")["value"])
        self.assertEqual(1, self.processes[-1].stderr().count("ignored, since it is no flag: word"))

    def test_version(self):
        """-v: version"""
        got = self.run_doozerd("-v")
        self.assertEqual((0, ""), (got.code, got.stderr))
        self.assertRegex(got.stdout, rb"\Adoozerd [0-9]+\.[0-9]+\.[0-9]+\S*\n\Z")

    def test_help(self):
        """-h: every flag that is accepted is told"""
        for form in ("-h", "--h", "-help", "--help"):
            got = self.run_doozerd(form)
            self.assertEqual(0, got.code)
            text = got.stderr + got.stdout.decode()
            self.assertTrue(text.startswith("Usage: doozerd [OPTIONS]"), text)
            for flag in ("l", "c", "w", "pulse", "fill", "timeout", "hist", "maxvalue", "histbytes", "maxmem", "v", "h"):
                self.assertRegex(text, r"(?m)(^|[\s,])-%s\b" % flag)
            for name in ("DOOZER_RWSECRET", "DOOZER_ROSECRET"):
                self.assertIn(name, text)


class BadStarts(Starts):
    """doozerd(8): a start that fails says why in one line on stderr"""

    def test_bad_whole_numbers(self):
        """bad numbers"""
        for flag in NUMBERS:
            for number in ("x", "", "1.5", "1e6", "10k", " 1", "1 ", "-5", "99999999999999999999", "0x"):
                self.refused(flag, number, "-l", "ADDRESS", "-w", "false", line=flag)

    def test_bad_seconds(self):
        """bad numbers"""
        for flag in SECONDS:
            for number in ("x", "", "1 s", "-1", "nan", "inf", "1,5", " 1"):
                self.refused(flag, number, "-l", "ADDRESS", "-w", "false", line=flag)

    def test_bad_cluster_names(self):
        """-c name: the name is a part of paths"""
        for name in ("", "a_b", "a/b", "a b", "a*", "\u00e9", "/"):
            self.refused("-c", name, "-l", "ADDRESS", "-w", "false", line="-c|name")

    def test_bad_addresses(self):
        """-l host:port"""
        for address in ("", "nope", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "127.0.0.1:-1",
                        "a b:1", "127.0.0.1:8046:1"):
            self.refused("-l", address, "-w", "false", line=re.escape(address))
        self.refused("-l", "nohost.invalid:10", "-w", "false", line="nohost.invalid")
        self.refused("-l", "198.51.100.1:10", "-w", "false", line="198.51.100.1:10")

    def test_bad_advertised_addresses(self):
        """-advertise host:port"""
        for address in ("", "nope", "host:99999"):
            self.refused("-advertise", address, "-l", "ADDRESS", "-w", "false", line="advertise")

    def test_address_in_use(self):
        """address in use"""
        server = self.server()
        got = self.run_doozerd("-l", server.address, "-w", "false")
        self.assertGreater(got.code, 0)
        self.assertOneLine(got.stderr, "%s.*in use" % re.escape(server.address))
        self.assertEqual({"rev"}, set(self.connect(server).call("REV")))

    def test_only_one_of_the_tls_files(self):
        """only one of the TLS files"""
        for flag in ("-tlscert", "-tlskey"):
            self.refused(flag, "/nope", "-l", "ADDRESS", "-w", "false", line="cert.*key|key.*cert")

    def test_unreadable_tls_files(self):
        """unreadable or mismatching TLS files"""
        self.refused("-tlscert", "/nope", "-tlskey", "/nope", "-l", "ADDRESS", "-w", "false", line="tls|/nope")

    def test_a_journal_that_is_not_there(self):
        """-restore file"""
        self.refused("-restore", "/nope", "-l", "ADDRESS", "-w", "false", line="(^|[\\s:])/nope\\b")

    def test_a_boot_uri_that_is_none(self):
        """-b URI; also DOOZER_BOOT_URI"""
        for uri in ("foo", "doozer:?", "doozer:?ca=127.0.0.1:x", "doozer:?ca=127.0.0.1:1&tl=2"):
            self.refused("-b", uri, "-l", "ADDRESS", "-w", "false", line="-b: invalid uri")
            self.refused("-l", "ADDRESS", "-w", "false", env={"DOOZER_BOOT_URI": uri},
                         line="DOOZER_BOOT_URI: invalid uri")
        self.refused("-b", "doozer:?cn=x", "-l", "ADDRESS", "-w", "false", line="-b: .*address")


class Addresses(lab.Case):
    """doozerd(8): -l"""

    def test_ipv6(self):
        """-l host:port: brackets around an IPv6 address"""
        try:
            port = self.port("::1")
        except AssertionError:
            self.skipTest("no IPv6 here")
        c = self.connect(self.server(port=port))
        me = c.call("SELF")["value"].decode()
        self.assertEqual(port.address.encode(), c.get("/ctl/node/%s/addr" % me)["value"])

    def test_a_host_name(self):
        """-l host:port"""
        port = self.port()
        port.address = "localhost:%d" % port.number
        server = self.server(port=port)
        c = self.connect(server)
        self.assertEqual(port.address.encode(), c.get("/ctl/node/%s/addr" % c.call("SELF")["value"].decode())["value"])

    def test_the_same_address_again_at_once(self):
        """operations.md, A cluster of several members: a restart on the same address just works, at once"""
        port = self.port()
        for _ in range(5):
            server = self.server(port=port)
            c = self.connect(server)
            c.put("/x")
            server.kill()  # with a connection open, so the kernel has something to remember
            self.assertFalse(server.alive())


class Life(lab.Case):
    """Start, stop and what is logged"""

    def test_signals_stop_it(self):
        """SIGTERM and SIGINT stop it cleanly with exit 0"""
        for sig in (signal.SIGTERM, signal.SIGINT):
            server = self.server()
            server.popen.send_signal(sig)
            self.assertEqual(0, server.wait(5))

    def test_signals_stop_it_with_clients_connected(self):
        """SIGTERM and SIGINT stop it cleanly with exit 0: clients get an end of stream"""
        for sig in (signal.SIGTERM, signal.SIGINT):
            server = self.server()
            clients = [self.connect(server) for _ in range(100)]
            for n, c in enumerate(clients):
                c.send("WAIT", path="/w%d" % n, rev=FAR)
                c.call("REV")
            server.popen.send_signal(sig)
            self.assertEqual(0, server.wait(5))
            for c in clients:
                self.assertEqual([], c.end())

    def test_a_signal_stops_it_with_a_reader_that_does_not_read(self):
        """SIGTERM stops it quickly, whoever is connected"""
        server = self.server()
        c = self.connect(server)
        c.put("/big", bytes(1 << 20))
        c.raw(b"".join(frame(request("GET", path="/big")) for _ in range(200)))
        self.connect(server).rev()
        server.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.wait(5))

    def test_a_signal_stops_it_under_load(self):
        """SIGTERM stops it quickly, whatever it does"""
        server = self.server()
        writers = [self.connect(server) for _ in range(4)]
        load = b"".join(frame(request("SET", path="/load", value=bytes(100), rev=-1)) for _ in range(20000))
        for c in writers:
            c.socket.setblocking(False)
            c.socket.send(load)
        server.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.wait(5))

    def test_a_signal_right_after_the_start(self):
        """SIGTERM stops it at any time: by its own exit or, before it listens for signals, by the signal"""
        for _ in range(5):
            server = self.keep(lab.Server(self.port()))
            server.popen.send_signal(signal.SIGTERM)
            self.assertIn(server.wait(5), (0, -signal.SIGTERM))

    def test_a_line_for_start_and_stop(self):
        """a log line for start, stop"""
        server = self.server()
        lab.poll(lambda: server.log_lines(), why="a log line for the start")
        started = server.log_lines()
        self.assertIn(server.address, "\n".join(started))
        self.connect(server).rev()
        self.assertEqual(0, server.stop())
        self.assertEqual(started, server.log_lines()[:len(started)])
        stopped = server.log_lines()[len(started):]
        self.assertIn(len(stopped), (1, 2), stopped)
        self.assertLessEqual(len(started), 5)
        self.assertEqual(b"", server.stdout(), "the log goes to stderr")

    def test_the_service_manager_is_told_when_it_serves(self):
        """sd_notify(3): READY=1, and not before a copy is there"""
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            name = os.path.join(folder, "notify")
            manager.bind(name)
            manager.settimeout(lab.DEADLINE)
            founder = self.server(env={"NOTIFY_SOCKET": name})
            self.assertRegex(manager.recv(1000), b"^READY=1\nSTATUS=[A-Z2-7]{16} serves cluster local$")
            self.server("-a", founder.address, env={"NOTIFY_SOCKET": name})
            self.assertRegex(manager.recv(1000), b"^READY=1\n")

    def test_no_line_for_a_request(self):
        """a log line for start, stop and every refused connection, none per request"""
        server = self.server(pulse="0.05")
        c = self.connect(server)
        c.rev()
        before = server.log_lines()
        for n in range(50):
            one = self.connect(server)
            for verb, fields in (("SET", {"path": "/x", "rev": -1}), ("GET", {"path": "/"}), (42, {}), ("NOP", {}),
                                 ("SET", {"path": "a", "rev": 0}), ("DEL", {"path": "/", "rev": 0}),
                                 ("ACCESS", {"value": b"wrong"}), ("WALK", {"path": "[", "offset": 0})):
                one.call(verb, **fields)
            one.send("WAIT", path="/never", rev=FAR)
            one.close()
        c.call("REV")
        self.assertEqual(before, server.log_lines())

    def test_a_log_nobody_can_read_any_more(self):
        """stderr closed or broken is no reason to stop, and no client is sent the log"""
        read, write = os.pipe()
        address = self.port().address
        server = self.keep(lab.Process([lab.OPTIONS.doozerd, "-l", address, "-w", "false"], stderr=write))
        server.address = address
        os.close(write)
        os.close(read)
        lab.poll(lambda: lab.Server.listens(server), why="listening")
        c = self.connect(server)
        for bad in (b"\xff\xff\xff\xff", frame(b"\xff\xff\xff")):
            d = self.connect(server)
            d.raw(bad)
            self.assertEqual([], d.end())
        self.assertEqual({"rev"}, set(c.call("REV")))
        server.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.wait(5))

    def test_no_files_are_written(self):
        """persistence.md: the server keeps everything in memory and writes no files"""
        with tempfile.TemporaryDirectory() as folder:
            process = self.keep(lab.Process(
                ["/bin/sh", "-c", 'cd "$1" && exec "$2" -l "$3" -w false', "sh", folder, lab.OPTIONS.doozerd,
                 self.port().address]))
            process.address = process.argv[-1]
            lab.poll(lambda: lab.Server.listens(process), why="listening")
            Connection(process.address).put("/x", bytes(100000))
            process.popen.send_signal(signal.SIGTERM)
            self.assertEqual(0, process.wait(5))
            self.assertEqual([], os.listdir(folder))


if __name__ == "__main__":
    lab.main()
