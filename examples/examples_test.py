"""The programs of examples/, at a real doozerd."""
import os
import signal
import stat
import tempfile

import lab

EXAMPLES = os.environ["DOOZER_EXAMPLES"]


class Examples(lab.Case):
    def example(self, name, server, *words):
        """An example that keeps running."""
        return self.keep(lab.Process([os.path.join(EXAMPLES, name), server.uri(), *words]))

    def run_example(self, name, server, *words):
        return self.run_command([os.path.join(EXAMPLES, name), server.uri(), *words])

    def assertPrints(self, process, text):
        """The output so far ends with this, now or soon."""
        lab.poll(lambda: process.stdout().decode().endswith(text),
                 why="%r at the end of %r" % (text, process.stdout()))

    def test_a_name_service_tells_who_is_there(self):
        server = self.server()
        one = self.example("name-service", server, "register", "mail", "10.0.0.1:25")
        self.assertPrints(one, "registered /service/mail/10.0.0.1-25\n")
        follower = self.example("name-service", server, "follow", "mail")
        self.assertPrints(follower, "10.0.0.1:25\n")
        two = self.example("name-service", server, "register", "mail", "10.0.0.2:25")
        self.assertPrints(follower, "--\n10.0.0.1:25\n10.0.0.2:25\n")
        one.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, one.wait())
        self.assertPrints(follower, "--\n10.0.0.2:25\n")
        self.assertTrue(two.alive())
        self.assertEqual(b"10.0.0.2:25\n",
                         self.run_example("name-service", server, "resolve", "mail").stdout)

    def test_configuration_reaches_those_who_run(self):
        server = self.server()
        self.run_example("config", server, "set", "/config/web/workers", "8")
        running = self.example("config", server, "run", "/config/web")
        lab.poll(lambda: b"-- as of revision" in running.stdout())
        self.assertTrue(running.stdout().startswith(b"workers = 8\n"), running.stdout())
        self.run_example("config", server, "set", "/config/web/log/level", "info")
        self.assertPrints(running, "log/level = info\n")
        self.assertEqual(b"10\n",
                         self.run_example("config", server, "add", "/config/web/workers", "2").stdout)
        self.assertPrints(running, "workers = 10\n")
        self.doozer(server, "del", "/config/web/log/level", "-1")
        self.assertPrints(running, "log/level is gone\n")

    def test_numbers_added_at_once_are_all_added(self):
        server = self.server()
        adders = [self.example("config", server, "add", "/n", "1") for _ in range(20)]
        self.assertEqual([0] * 20, [adder.wait() for adder in adders])
        self.assertEqual(b"20", self.doozer(server, "get", "/n").stdout)

    def candidate(self, server, address, scratch):
        command = os.path.join(scratch, "told")
        with open(command, "w") as f:
            f.write('#!/bin/sh\necho "$@"\n')
        os.chmod(command, os.stat(command).st_mode | stat.S_IXUSR)
        return self.example("redis-failover", server, "/redis/master", address, "1", command)

    def test_a_master_that_dies_is_replaced_by_one_of_the_others(self):
        server = self.server()
        with tempfile.TemporaryDirectory() as scratch:
            first = self.candidate(server, "10.0.0.1:6379", scratch)
            self.assertPrints(first, "master\n")
            others = [self.candidate(server, "10.0.0.%d:6379" % n, scratch) for n in (2, 3)]
            for other in others:
                self.assertPrints(other, "follow 10.0.0.1:6379\n")
            first.kill()
            lab.poll(lambda: any(b"master\n" in o.stdout() for o in others), why="a new master")
            master, follower = sorted(others, key=lambda o: b"master\n" not in o.stdout())
            address = "10.0.0.2:6379" if master is others[0] else "10.0.0.3:6379"
            self.assertPrints(follower, "follow %s\n" % address)
            self.assertPrints(master, "follow 10.0.0.1:6379\nmaster\n")

    def test_a_master_without_its_server_gives_up_before_another_can_follow(self):
        server = self.server()
        with tempfile.TemporaryDirectory() as scratch:
            master = self.candidate(server, "10.0.0.1:6379", scratch)
            self.assertPrints(master, "master\n")
            server.kill()
            self.assertPrints(master, "master\nalone\n")

    def test_wrong_usage_is_refused(self):
        server = self.server()
        for name in ("name-service", "config", "redis-failover"):
            self.assertEqual(2, self.run_example(name, server, "nonsense").code)


if __name__ == "__main__":
    lab.main()
