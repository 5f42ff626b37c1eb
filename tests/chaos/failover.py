"""How long one client on a healthy member waits when another member fails: the longest gap between
two of its acknowledged writes. Beside etcd and ZooKeeper, whose leader is killed.

    /usr/bin/python3 tests/chaos/failover.py --doozerd PATH [--repetitions N] [--only NAME,...]

Three members of each on addresses of the loopback device, in a network namespace of their own where
that is allowed (a member can be cut off only there). scripts/bench-failover builds and installs what
is needed. The client writes one small value at a time, at the same member, and starts again there
after an error.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]

import network  # noqa: E402
import stores   # noqa: E402

BEFORE, AFTER = 0.5, 2.0  # seconds of writing before the failure and after the first write behind it
GIVE_UP = 60.0


class Writer(threading.Thread):
    """Writes without a pause and remembers when it was told so."""

    def __init__(self, member):
        super().__init__(daemon=True)
        self.member, self.acknowledged, self.over = member, [], False

    def run(self):
        connection = None
        while not self.over:
            try:
                connection = connection or self.member.connect()
                connection.write(b"0123456789abcdef")
                self.acknowledged.append(time.monotonic())
            except Exception:  # of any kind, as the failing store has it
                connection = None
                time.sleep(0.002)

    def wait_for_writes(self, since, seconds):
        """Until there were writes for so long after `since`."""
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            first = next((t for t in reversed(self.acknowledged) if t > since), None)
            if first and self.acknowledged[-1] > since + seconds:
                return
            time.sleep(0.01)
        raise SystemExit("no write for %s s" % GIVE_UP)

    def longest_gap(self, since):
        times = [t for t in self.acknowledged if t > since]
        return max(b - a for a, b in zip(times, times[1:]))


def measure(store, fail, mend, victim_writes):
    """One repetition; returns milliseconds."""
    store.wait_until_well()
    victim = store.victim()
    client = Writer(next(m for m in store.members if m is not victim))
    client.start()
    other = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "--write", victim.address],
        preexec_fn=network.die_with_parent) if victim_writes else None
    begin = time.monotonic()
    client.wait_for_writes(begin, BEFORE)
    failed = time.monotonic()
    fail(victim)
    client.wait_for_writes(failed, AFTER)
    mend(victim)
    client.over = True
    client.join()
    if other:
        other.kill()
        other.wait()
    return 1000 * client.longest_gap(begin + BEFORE / 2)


def cut(member, on):
    rule = ("add rule inet chaos in ip saddr %(a)s drop\nadd rule inet chaos in ip daddr %(a)s drop\n"
            % {"a": member.host}) if on else "flush chain inet chaos in\n"
    network.run("nft", "-f", "-", stdin=rule)


def scenarios(has_network):
    """name: store, fail, mend, whether the one that fails was writing"""
    kill, start = (lambda m: m.kill()), (lambda m: m.start())
    nothing = (lambda m: None)
    table = {
        "doozerd, nothing fails": (stores.Doozer, nothing, nothing, False),
        "doozerd, SIGSTOP of another member": (
            stores.Doozer, lambda m: m.signal(signal.SIGSTOP), lambda m: m.signal(signal.SIGCONT), False),
        "doozerd, kill -9 of another that writes": (stores.Doozer, kill, start, True),
        "doozerd, kill -9 of another that does not": (stores.Doozer, kill, start, False),
        "doozerd, one member cut off": (
            stores.Doozer, lambda m: cut(m, True), lambda m: cut(m, False), False),
        "etcd, kill -9 of the leader": (stores.Etcd, kill, start, False),
        "ZooKeeper, kill -9 of the leader": (stores.ZooKeeper, kill, start, False),
    }
    if not has_network:
        print("no network namespaces here: no member is cut off")
        del table["doozerd, one member cut off"]
    return table


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--doozerd")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--only", default="", help="parts of the names of what is measured")
    parser.add_argument("--write", help="write to this doozerd without end")
    options = parser.parse_args()
    if options.write:
        Writer(stores.DoozerMember(options.write, None)).run()
    has_network = network.allowed() and network.enter_a_namespace_of_our_own()
    if has_network:
        network.run("ip", "link", "set", "lo", "up")
        network.run("nft", "-f", "-", stdin="table inet chaos {\nchain in {\n"
                    "type filter hook input priority 0;\n}\n}\n")
    print("longest gap between acknowledged writes of a client on a healthy member, ms; %d repetitions"
          % options.repetitions)
    print("%-44s %8s %8s %8s" % ("", "median", "max", "min"), flush=True)
    running = None
    for name, (kind, fail, mend, writes) in scenarios(has_network).items():
        if not any(part in name for part in options.only.split(",")):
            continue
        if not kind.is_installed():
            print("%-44s not installed" % name)
            continue
        if not isinstance(running, kind):
            if running:
                running.stop()
            running = kind(tempfile.mkdtemp(prefix="doozer-failover."), options.doozerd)
        gaps = [measure(running, fail, mend, writes) for _ in range(options.repetitions)]
        print("%-44s %8.1f %8.1f %8.1f" % (name, statistics.median(gaps), max(gaps), min(gaps)),
              flush=True)
    if running:
        running.stop()


if __name__ == "__main__":
    main()
