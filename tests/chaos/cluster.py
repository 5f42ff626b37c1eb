"""doozerd processes kept running by a supervisor, as systemd would, one on each host."""

import glob
import os
import resource
import signal
import socket
import subprocess
import threading
import time

import lab
import network
import wire

TIMEOUT = 4      # seconds: -timeout of every process
HISTORY = 60000  # revisions: -hist, so that memory has an end
HISTORY_BYTES = 8 << 20
LOG_BYTES = 64 << 20  # that every process keeps of what was decided: docs/consensus.md
SANITIZED = False  # a sanitizer's runtime wants to be loaded first


def faketime():
    """The library that makes clocks jump, or None."""
    return None if SANITIZED else (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or [None])[0]


class Place:
    """Where processes run: hosts of a network, or ports of the loopback address."""

    def __init__(self, net, numbers):
        self.net = net
        self.numbers = numbers
        self.ports = {} if net else {n: lab.Port() for n in numbers}

    def address(self, number):
        if self.net:
            return "%s%d:8046" % (network.NET, number)
        return self.ports[number].address

    def enter(self, number):
        if self.net:
            self.net.hosts[number].enter()


class Server:
    """One address and the process that is there at the moment."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.address = cluster.place.address(number)
        self.clock_file = os.path.join(cluster.folder, "clock%d" % number)
        self.log_name = os.path.join(cluster.folder, "doozerd%d.log" % number)
        self.popen = None
        self.start_at = 0.0  # not before
        self.starts = 0
        self.set_clock(0)

    def set_clock(self, seconds):
        with open(self.clock_file + ".new", "w", encoding="ascii") as f:
            f.write("%+d\n" % seconds)
        os.rename(self.clock_file + ".new", self.clock_file)

    def start(self):
        flags = [self.cluster.doozerd, "-l", self.address, "-w", "false", "-timeout", str(TIMEOUT),
                 "-hist", str(HISTORY), "-histbytes", str(HISTORY_BYTES), *self.cluster.flags]
        for other in self.cluster.servers:
            if other is not self and (self.starts or other.number < self.number):
                flags += ["-a", other.address]
        env = {k: v for k, v in os.environ.items() if not k.startswith("DOOZER_")}
        env.update(self.cluster.env)
        if faketime():
            timers = os.path.join(os.path.dirname(self.cluster.doozerd), "chaos_real_timers.so")
            env.update(LD_PRELOAD=timers + " " + faketime(), FAKETIME_TIMESTAMP_FILE=self.clock_file,
                       FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_CACHE_DURATION="1",
                       FAKETIME_NO_CACHE="0")

        def child():
            network.die_with_parent()
            self.cluster.place.enter(self.number)
        with open(self.log_name, "ab") as log:
            self.popen = subprocess.Popen(flags, env=env, stdin=subprocess.DEVNULL, stderr=log,
                                          preexec_fn=child)
        self.starts += 1

    def last_line(self):
        with open(self.log_name, "rb") as f:
            lines = f.read().decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else ""

    def connect(self, seconds=2.0):
        return wire.Connection(self.address, seconds=seconds)

    def ask(self, verb, seconds=2.0, **fields):
        """The answer, or None if there is none in time."""
        try:
            connection = self.connect(seconds)
        except OSError:
            return None
        try:
            return connection.call(verb, seconds=seconds, **fields)
        except (OSError, TimeoutError, wire.Closed):
            return None
        finally:
            connection.close()

    def id(self):
        return (self.ask("SELF") or {}).get("value", b"").decode()

    def signal(self, number):
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def memory(self):
        try:
            with open("/proc/%d/statm" % self.popen.pid, encoding="ascii") as f:
                return int(f.read().split()[1]) * resource.getpagesize()
        except OSError:
            return 0

    def limit_descriptors(self, on):
        """No more than it has now; or, again, as many as it may."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            limit = len(os.listdir("/proc/%d/fd" % self.popen.pid)) if on else hard
            resource.prlimit(self.popen.pid, resource.RLIMIT_NOFILE, (limit, hard))
        except (FileNotFoundError, ProcessLookupError):
            pass  # killed at this moment


class Cluster:
    """`members` that vote, and the rest of the servers waiting to."""

    def __init__(self, doozerd, place, members, folder, secret):
        self.doozerd, self.place, self.members, self.folder = doozerd, place, members, folder
        self.env = {"DOOZER_CLUSTER_SECRET": "it rains on the bridge at night"} if secret else {}
        self.flags = [] if secret or not place.net else ["-insecure-members"]
        self.wrong = []  # processes that ended by themselves
        self.servers = []
        self.servers += [Server(self, n) for n in place.numbers]
        self.lock = threading.Lock()
        self.closed = threading.Event()
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)

    def start(self):
        self.servers[0].start()
        wait_until(lambda: self.servers[0].ask("REV"), 20, "the founder answers")
        self.supervisor.start()  # starts the others
        for slot in range(1, self.members):
            self.servers[0].ask("SET", path="/ctl/cal/%d" % slot, value=b"", rev=-1)
        wait_until(self.is_whole, 60, "all are members")

    def supervise(self):
        while not self.closed.wait(0.05):
            for server in self.servers:
                with self.lock:
                    self.look_after(server)

    def look_after(self, server):
        if server.popen is not None and server.popen.poll() is None:
            return
        if server.popen is not None and server.start_at == 0.0:
            # Nobody killed it. It may give up only while it looks for a cluster to attach to.
            line = server.last_line()
            if "cannot attach" not in line:
                self.wrong.append("%s ended by itself: exit %s: %s"
                                  % (server.address, server.popen.returncode, line))
            server.start_at = time.monotonic() + 0.2
        if time.monotonic() >= server.start_at:
            server.start_at = 0.0
            server.start()

    def kill(self, server, down_for):
        with self.lock:
            server.start_at = time.monotonic() + down_for
            server.signal(signal.SIGKILL)
            server.popen.wait()

    def slots(self, server):
        try:
            connection = server.connect()
            try:
                return {path: value.decode() for path, _, value in connection.files("/ctl/cal/*")}
            finally:
                connection.close()
        except (OSError, TimeoutError, wire.Closed):
            return None

    def is_whole(self):
        """Every slot is held by a process that is alive, and each of those takes writes."""
        by_id = {s.id(): s for s in self.servers}
        if "" in by_id or len(by_id) < len(self.servers):
            return False
        slots = self.slots(self.servers[0])
        if not slots or len(slots) != self.members or set(slots.values()) - set(by_id):
            return False
        voters = [by_id[i] for i in set(slots.values())]
        return len(voters) == self.members and all(
            "rev" in (s.ask("SET", path="/chaos/probe", value=b"", rev=-1) or {}) for s in voters)

    def member(self):
        """A connection to a server that takes writes."""
        for server in self.servers:
            if "rev" in (server.ask("SET", path="/chaos/probe", value=b"", rev=-1) or {}):
                return server.connect(20.0)
        raise OSError("no server takes writes")

    def fill_logs(self):
        """What memory may be used for is used, in all processes alike: what grows still is a leak.
        Below /ctl, as doozerp leaves that alone."""
        connection, value = self.member(), bytes(256 << 10)
        for _ in range(LOG_BYTES // len(value) + 1):
            connection.call("SET", path="/ctl/chaos", value=value, rev=-1)
        connection.call("DEL", path="/ctl/chaos", rev=-1)
        connection.close()

    def trees_differ(self):
        """Nothing, or which servers hold different trees at one revision."""
        try:
            rev = max(s.ask("REV")["rev"] for s in self.servers)
            first = None
            for server in self.servers:
                connection = server.connect(20.0)
                tree = connection.files("/**", rev)
                connection.close()
                first = first or (server.address, tree)
                if tree != first[1]:
                    return "%s and %s differ at revision %d" % (first[0], server.address, rev)
        except (OSError, TypeError, TimeoutError, wire.Closed) as e:
            return "a tree could not be read: %r" % e
        return None

    def close(self):
        self.closed.set()
        if self.supervisor.is_alive():
            self.supervisor.join()
        for server in self.servers:
            if server.popen is not None:
                server.popen.kill()
                server.popen.wait()


def wait_until(what, seconds, why):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError("not within %s s: %s" % (seconds, why))
        time.sleep(0.05)


class BadClients:
    """Connections to one server that nobody wants: slow ones, and ones that are never read from."""

    def __init__(self, server, source, number):
        self.sockets = []
        host, _, port = server.address.rpartition(":")
        for i in range(number):
            s = socket.socket()
            s.settimeout(0.5)
            try:
                s.bind((source, 0))
                s.connect((host, int(port)))
                s.settimeout(0)
                if i % 2:
                    s.send(b"\0\0\0")  # the beginning of a frame, for ever
                else:
                    walk = wire.frame(wire.request("WALK", tag=1, path="/**", offset=0))
                    s.send(walk * 500)  # answers that pile up
            except OSError:
                s.close()
                continue
            self.sockets.append(s)

    def close(self):
        for s in self.sockets:
            s.close()
