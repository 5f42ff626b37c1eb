"""What is done to a cluster, and when: drawn from a seed before the run, so that a run can be
repeated. Every fault ends by itself; a process that is killed is started again by its supervisor."""

import math
import random
import signal
import time

import cluster
import network

IN_NETWORK = ["loss", "delay", "one way", "link", "apart", "flap", "reset"]
ANYWHERE = ["kill", "pause", "clock", "descriptors", "bad clients",
            "full disk", "journal kill"]
CLIENTS = 100   # the number of the host that the clients are on
BAD = 253       # and of the address that clients that behave badly come from


class Fault:
    """`kind` between `begin` and `end` (seconds of the run), at server `a`, or between it and `b`
    (numbers of hosts; b may be that of the clients)."""

    def __init__(self, kind, rng, hosts, seconds):
        self.kind = kind
        self.begin = rng.uniform(0, seconds)
        self.a = rng.choice(hosts)
        self.b = rng.choice([h for h in hosts + [CLIENTS] if h != self.a])
        # From a tenth of a second to half a minute, as many short ones as long ones.
        length = math.exp(rng.uniform(math.log(0.1), math.log(30)))
        self.end = self.begin + (length if kind == "pause" else min(length, 12))
        self.loss = rng.randrange(10, 301)
        self.delay_ms = round(math.exp(rng.uniform(0, math.log(200))))
        self.jitter_ms = round(self.delay_ms * rng.choice([0, 0.1, 0.5]))
        self.reordered = rng.choice([0, 10, 100])
        self.jump = rng.choice([-1, 1]) * round(math.exp(rng.uniform(0, math.log(86400))))
        self.period = rng.uniform(0.05, 1.0)
        self.whole_host = rng.random() < 0.5
        self.bad = None

    def put_off(self, seconds):
        self.begin += seconds
        self.end += seconds

    def __str__(self):
        more = {"loss": "%.1f %%" % (self.loss / 10), "clock": "%+d s" % self.jump,
                "delay": "%d +- %d ms, %d of 1000 reordered" % (self.delay_ms, self.jitter_ms,
                                                              self.reordered),
                "flap": "every %d ms" % (self.period * 1000)}.get(self.kind, "")
        where = "%d" % self.a
        if self.kind in IN_NETWORK and self.kind != "apart" and not self.whole_host:
            where += " and %d" % self.b
        return "%-11s %s %s for %.1f s" % (self.kind, where, more, self.end - self.begin)


def kinds(in_network, sanitized):
    """What can be done here. The sanitizers look at memory by way of a pipe, and take it for
    damaged if there is no descriptor left for one."""
    return ([k for k in ANYWHERE if not (sanitized and k in ("descriptors", "clock"))] +
            (IN_NETWORK if in_network else []) + ["kill"])


def plan(seed, seconds, hosts, kinds, often=1.5):
    """The faults of a run in order of time: one of these kinds every `often` seconds."""
    rng = random.Random(seed)
    faults = [Fault(kinds[i % len(kinds)] if i < len(kinds) else rng.choice(kinds), rng, hosts,
                    seconds) for i in range(max(len(kinds), int(seconds / often)))]
    return sorted(faults, key=lambda f: f.begin)


class Injector:
    """Carries out a plan on a cluster."""

    SILENCING = ("loss", "one way", "link", "apart", "flap", "pause", "kill", "delay")

    def __init__(self, servers, journal, net, log):
        self.cluster, self.journal, self.net, self.log = servers, journal, net, log
        self.by_number = {s.number: s for s in servers.servers}
        self.active = []
        self.counts = {}

    def run(self, faults, seconds):
        """Until `seconds` are over; then every fault ends."""
        start = time.monotonic()
        waiting = list(faults)
        steps = []  # (when, fault, what), of faults that have begun
        while time.monotonic() - start < seconds:
            now = time.monotonic() - start
            for fault in [f for f in waiting if f.begin <= now]:
                if fault.kind == "kill" and not self.may_kill():
                    fault.put_off(1)
                    continue
                waiting.remove(fault)
                self.begin(fault)
                steps.append((min(fault.end, seconds), fault, self.end))
                steps += self.flapping(fault)
            for step in sorted((s for s in steps if s[0] <= now), key=lambda s: s[0]):
                steps.remove(step)
                step[2](step[1])
            time.sleep(0.02)
        for _, fault, what in steps:
            if what == self.end:
                self.end(fault)
        self.heal()

    def begin(self, fault):
        self.log(str(fault))
        self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
        self.active.append(fault)
        self.switch(fault, True)

    def end(self, fault):
        self.active.remove(fault)
        self.switch(fault, False)

    def flapping(self, fault):
        if fault.kind != "flap":
            return []
        count = int((fault.end - fault.begin) / fault.period)
        return [(fault.begin + i * fault.period, fault,
                 lambda f, on=i % 2 == 0: self.cut(f.a, f.b, 1000 if on else 0))
                for i in range(1, count)]

    def may_kill(self):
        """What a lost majority knew is lost: one dies only while all others are well."""
        silent = any(f.kind in self.SILENCING for f in self.active)
        return not silent and self.cluster.is_whole()

    def peers(self, fault):
        """Those that the fault is between the server and."""
        if fault.kind == "apart":
            return [n for n in self.by_number if n != fault.a]
        if fault.whole_host and fault.kind in ("loss", "delay"):
            return [n for n in self.net.hosts if n != fault.a]
        return [fault.b]

    def cut(self, a, b, loss):
        self.net.lose(a, b, loss)
        self.net.lose(b, a, loss)

    def switch(self, fault, on):
        server = self.by_number[fault.a]
        if fault.kind in ("loss", "link", "apart", "flap", "reset"):
            how = {"loss": fault.loss, "reset": "reset"}.get(fault.kind, 1000)
            for peer in self.peers(fault):
                self.cut(fault.a, peer, how if on else 0)
        elif fault.kind == "one way":
            self.net.lose(fault.a, fault.b, 1000 if on else 0)
        elif fault.kind == "delay":
            for peer in self.peers(fault) if self.net.can_delay else []:
                for way in ((fault.a, peer), (peer, fault.a)):
                    self.net.delay(*way, *((fault.delay_ms, fault.jitter_ms, fault.reordered)
                                           if on else (0,)))
        elif fault.kind == "pause":
            server.signal(signal.SIGSTOP if on else signal.SIGCONT)
        elif fault.kind == "kill" and on:
            self.cluster.kill(server, fault.end - fault.begin)
        elif fault.kind == "clock":
            server.set_clock(fault.jump if on else 0)
        elif fault.kind == "descriptors":
            server.limit_descriptors(on)
        elif fault.kind == "full disk":
            self.journal.fill_the_disk(on)
        elif fault.kind == "journal kill" and on:
            self.journal.kill()
        elif fault.kind == "bad clients":
            self.bad_clients(fault, server, on)

    def bad_clients(self, fault, server, on):
        """At their end they are half open: their host is gone before it can say so."""
        source = network.NET + str(BAD) if self.net else "127.0.0.1"
        if on:
            fault.bad = cluster.BadClients(server, source, 40)
            return
        if self.net:
            self.net.lose(BAD, fault.a, 1000)
        fault.bad.close()
        if self.net:
            self.net.lose(BAD, fault.a, 0)

    def heal(self):
        if self.net:
            self.net.heal()
        self.journal.fill_the_disk(False)
        for server in self.cluster.servers:
            server.signal(signal.SIGCONT)
            server.limit_descriptors(False)
            server.set_clock(0)
