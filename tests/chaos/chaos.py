"""A cluster under faults, and whether it kept what it promises: docs/testing.md, Chaos.

    /usr/bin/python3 tests/chaos/chaos.py --bin build/release/bin [--minutes N] [--seconds N]
        [--seed S] [--members N] [--loopback] [--kinds loss,kill,...]

Rounds of at most --seconds: faults while clients of three kinds work, then no faults; everything must be
well again without anybody's help, all that was recorded must be right, and all trees equal.
Whatever is random comes from the seed, which is printed; of a long run each round has a seed that
repeats it.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]

import cluster as clusters  # noqa: E402
import faults               # noqa: E402
import journal              # noqa: E402
import network              # noqa: E402

RECOVERY = 60  # seconds after the end of the faults within which all is well
SPARES = 1


class Laboratory:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.begun = time.monotonic()
        self.log_file = open(os.path.join(folder, "faults.log"), "a", encoding="utf-8")
        numbers = list(range(1, options.members + SPARES + 1))
        self.net = None
        if not options.loopback and network.allowed() and network.enter_a_namespace_of_our_own():
            self.net = network.Network(numbers + [faults.CLIENTS], self.bin("chaos_router"),
                                       options.seed)
        place = clusters.Place(self.net, numbers)
        self.cluster = clusters.Cluster(self.bin("doozerd"), place, options.members, folder,
                                        secret=options.seed % 2 == 0)
        self.journal = None

    def bin(self, name):
        return os.path.join(os.path.abspath(self.options.bin), name)

    def log(self, line):
        self.log_file.write("%8.2f %s\n" % (time.monotonic() - self.begun, line))
        self.log_file.flush()

    def describe(self):
        o = self.options
        where = "on loopback, with signals only: network namespaces are not allowed here"
        if o.loopback:
            where = "on loopback, with signals only"
        if self.net:
            where = "in network namespaces"
            if not self.net.can_delay:
                where += ", without delays: /dev/net/tun is not allowed here"
        if not clusters.faketime():
            where += ", without clock jumps: no libfaketime, or a sanitizer"
        print("%d members and %d spare, %s; seed %d" % (o.members, SPARES, where, o.seed))
        print("what happened to it: %s/faults.log" % self.folder, flush=True)

    def round(self, number, seed, seconds):
        """One round; returns what was wrong."""
        history = os.path.join(self.folder, "history%d" % number)
        addresses = ",".join(s.address for s in self.cluster.servers)

        def child():
            network.die_with_parent()
            self.cluster.place.enter(faults.CLIENTS)
        load = subprocess.Popen(
            [self.bin("chaos_load"), "-members", addresses, "-folder", "/chaos/r%d" % number,
             "-seed", str(seed), "-out", history, "-run", str(number)], preexec_fn=child, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        if load.stdout.readline() != "loaded\n":
            return ["the clients could not begin"]
        hosts = [s.number for s in self.cluster.servers]
        kinds = faults.kinds(bool(self.net), self.options.sanitized)
        if self.options.kinds:
            kinds = self.options.kinds.split(",")
        injector = faults.Injector(self.cluster, self.journal, self.net, self.log)
        self.log("round %d, seed %d" % (number, seed))
        injector.run(faults.plan(seed, seconds, hosts, kinds), seconds)
        self.log("no more faults")
        healed = time.monotonic()
        said, _ = load.communicate()
        wrong = [line for line in said.splitlines() if line.startswith("WRONG")]
        if load.returncode and not wrong:
            wrong.append("the clients ended with exit status %d" % load.returncode)
        try:
            clusters.wait_until(self.cluster.is_whole, RECOVERY, "every member is well again")
        except AssertionError as e:
            wrong.append(str(e))
        self.log("well again")
        recovered = time.monotonic() - healed
        wrong += filter(None, [self.cluster.trees_differ(),
                               self.journal.wrong("/chaos/r%d" % number)])
        judged = subprocess.run([self.bin("chaos_check"), history], text=True,
                                capture_output=True, check=False)
        if judged.returncode:
            wrong += judged.stdout.splitlines() or [judged.stderr]
        wrong += self.cluster.wrong
        self.cluster.wrong = []
        if not wrong and not self.options.keep:
            os.remove(history)
        self.report(number, seed, injector, said, judged, recovered)
        return wrong

    def report(self, number, seed, injector, said, judged, recovered):
        counts = ", ".join("%s %d" % item for item in sorted(injector.counts.items()))
        memory = " ".join("%.0f" % (s.memory() / 1e6) for s in self.cluster.servers)
        print("round %d, seed %d: %s" % (number, seed, counts))
        print("   %s" % (said.splitlines() or [""])[0])
        print("   %s" % (judged.stdout.splitlines() or [""])[-1])
        print("   well %.1f s after the faults; resident MB: %s" % (recovered, memory), flush=True)

    def sweep(self, number):
        """What a round wrote is removed, so that a long run has no more files than a short one."""
        connection = self.cluster.member()
        for path, _, _ in connection.files("/chaos/r%d/*" % number):
            connection.call("DEL", path=path, rev=-1)
        connection.close()

    def run(self):
        self.describe()
        self.cluster.start()
        self.journal = journal.Journal(self.bin("doozerp"), self.cluster, faults.CLIENTS)
        end = time.monotonic() + self.options.minutes * 60
        peaks, wrong, number = [], [], 0
        while not wrong and (number == 0 or time.monotonic() < end):
            seconds = self.options.seconds
            if self.options.minutes:
                seconds = max(5, min(seconds, end - time.monotonic()))
            wrong = self.round(number, self.options.seed + number, seconds)
            if self.options.minutes and not wrong:
                self.cluster.fill_logs()
            peaks.append(max(s.memory() for s in self.cluster.servers))
            if not wrong:
                self.sweep(number)
            number += 1
        wrong += self.memory_grows(peaks)
        for line in wrong:
            print(line if line.startswith("WRONG") else "WRONG: " + line)
        print("%d rounds, %s" % (number, "all well" if not wrong else
                                 "NOT well; repeat the last with --seed %d" % (self.options.seed + number - 1)))
        return 1 if wrong else 0

    @staticmethod
    def memory_grows(peaks):
        """Of a long run: the largest process of the last quarter beside that of the second."""
        if len(peaks) < 16:
            return []
        quarter = len(peaks) // 4
        before, after = max(peaks[quarter:2 * quarter]), max(peaks[-quarter:])
        print("largest process: %.1f MB in the second quarter, %.1f MB in the last"
              % (before / 1e6, after / 1e6))
        return ["memory grows"] if after > before * 1.25 + 8e6 else []

    def close(self):
        if self.journal:
            self.journal.close()
        self.cluster.close()
        if self.net:
            self.net.close()


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--minutes", type=float, default=0, help="0: one round")
    parser.add_argument("--seconds", type=float, default=45, help="of faults in a round")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 24))
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--sanitized", action="store_true", help="the processes are; half as long")
    parser.add_argument("--kinds", help="only these: " + ", ".join(faults.IN_NETWORK + faults.ANYWHERE))
    parser.add_argument("--keep", action="store_true", help="keep all recorded histories")
    return parser.parse_args()


def main():
    options = parse()
    if options.sanitized:
        clusters.SANITIZED = True
        options.seconds /= 2
    folder = tempfile.mkdtemp(prefix="doozer-chaos.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and close() is run
    laboratory = Laboratory(options, folder)
    try:
        return laboratory.run()
    finally:
        laboratory.close()


if __name__ == "__main__":
    sys.exit(main())
