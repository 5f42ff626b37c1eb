"""Large values on a cluster of three on the loopback address: what they cost themselves, and what they
cost the small writes of others.

For each size: every member is given some SETs of that size, all outstanding at once, while a client
of each member writes a few bytes at a time over a connection of its own. Then the same for 30
outstanding SETs of 64 KiB on one member. Printed are rates and times, how many links were lost, and
how many epochs began."""

import argparse
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import wire


class Cluster:
    """Three members, each its own process."""

    def __init__(self, doozerd, port, flags):
        self.folder = tempfile.TemporaryDirectory(prefix="doozer-bench-large.")
        self.ports = [port, port + 1, port + 2]
        self.processes, self.logs = [], []
        for i, own in enumerate(self.ports):
            log = os.path.join(self.folder.name, "%d.log" % i)
            joins = ["-a", "127.0.0.1:%d" % self.ports[0]] if i else []
            with open(log, "w") as out:
                self.processes.append(subprocess.Popen(
                    [doozerd, "-l", "127.0.0.1:%d" % own, "-w", "false", *joins, *flags],
                    stdout=out, stderr=out))
            self.logs.append(log)
            wait_until(lambda: listens(own), "port %d listens" % own)
            if i:
                first = wire.Connection("127.0.0.1:%d" % self.ports[0], 10)
                first.put("/ctl/cal/%d" % i)
                first.close()
        wait_until(lambda: self.status()["voters"] == 3, "three members vote")

    def status(self):
        asks = wire.Connection("127.0.0.1:%d" % self.ports[0], 30)
        try:
            return json.loads(asks.call("STATUS")["value"])
        finally:
            asks.close()

    def lost_links(self):
        return sum(line.count("lost the link") for log in self.logs for line in open(log))

    def reasons(self):
        """Why links were lost, and how often."""
        lines = [line.rsplit(": ", 1)[-1].strip() for log in self.logs for line in open(log)
                 if "lost the link" in line]
        return {reason: lines.count(reason) for reason in sorted(set(lines))}

    def closed_clients(self):
        return sum(line.count("closed the connection") for log in self.logs for line in open(log))

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.folder.cleanup()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_until(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("bench-large: waited in vain until " + what)
        time.sleep(0.02)


class Pipe(threading.Thread):
    """Keeps `outstanding` SETs of one value outstanding until `until`, and notes how long each took."""

    def __init__(self, port, path, value, outstanding, until, pause=0.0):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.path, self.value, self.outstanding = path, value, outstanding
        self.until, self.pause = until, pause
        self.times, self.error = [], None
        self.room = threading.Semaphore(outstanding)
        self.asked = {}

    def send_all(self):
        tag = 0
        try:
            while time.monotonic() < self.until:
                self.room.acquire()
                tag += 1
                head = (wire.field(1, tag) + wire.field(2, wire.VERB["SET"]) +
                        wire.field(4, "%s/%d" % (self.path, tag % 32)) +
                        wire.varint(5 << 3 | 2) + wire.varint(len(self.value)))
                tail = wire.field(9, -1)
                size = len(head) + len(self.value) + len(tail)
                self.asked[tag] = time.monotonic()
                if len(self.value) < 4096:
                    self.socket.sendall(struct.pack(">I", size) + head + self.value + tail)
                else:
                    self.socket.sendall(struct.pack(">I", size) + head)
                    self.socket.sendall(self.value)
                    self.socket.sendall(tail)
        except OSError as error:
            self.error = self.error or repr(error)

    def run(self):
        sender = threading.Thread(target=self.send_all, daemon=True)
        sender.start()
        pending = b""
        self.socket.settimeout(60)
        try:
            while sender.is_alive() or self.asked:
                arrived = self.socket.recv(1 << 16)
                if not arrived:
                    raise OSError("closed by the server")
                pending += arrived
                at = 0
                while len(pending) - at >= 4:
                    size = struct.unpack_from(">I", pending, at)[0]
                    if len(pending) - at - 4 < size:
                        break
                    answer = wire.answer(pending[at + 4:at + 4 + size])
                    at += 4 + size
                    if "err_code" in answer:
                        raise OSError(str(answer))
                    self.times.append(time.monotonic() - self.asked.pop(answer.get("tag", 0)))
                    if self.pause:
                        time.sleep(self.pause)
                    self.room.release()
                pending = pending[at:]
                if time.monotonic() > self.until and not self.asked:
                    break
        except OSError as error:
            self.error = repr(error)
        self.until = 0
        self.room.release()


def shown(times):
    times = sorted(times)
    if not times:
        return "none answered"
    part = lambda p: times[min(len(times) - 1, int(len(times) * p))] * 1000
    return "median %.2f ms, 99 %% within %.2f ms, longest %.2f ms" % (part(0.5), part(0.99),
                                                                     times[-1] * 1000)


def load(cluster, what, pipes, small, seconds):
    before, lost, closed = cluster.status(), cluster.lost_links(), cluster.closed_clients()
    for pipe in pipes + small:
        pipe.start()
    for pipe in pipes + small:
        pipe.join()
    after = cluster.status()
    answered = [t for pipe in pipes for t in pipe.times]
    bytes_each = len(pipes[0].value)
    print("%s: %.0f/s (%.0f MB/s); %s" % (what, len(answered) / seconds,
                                         len(answered) * bytes_each / seconds / 1e6, shown(answered)))
    for i, pipe in enumerate(small):
        print("  small writes on member %d: %d; %s" % (i, len(pipe.times), shown(pipe.times)))
    print("  links lost %d, epochs begun %d, clients closed %d%s" % (
        cluster.lost_links() - lost, after["epoch"] - before["epoch"],
        cluster.closed_clients() - closed,
        "".join("; " + p.error for p in pipes + small if p.error)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--doozerd", required=True)
    parser.add_argument("--port", type=int, default=18046)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("flags", nargs="*", help="more flags of doozerd")
    args = parser.parse_args()
    cluster = Cluster(args.doozerd, args.port, args.flags)
    try:
        time.sleep(2)  # the members measure their round trips
        for size, count, name in ((1 << 20, 16, "1 MiB"), (1 << 16, 16, "64 KiB")):
            until = time.monotonic() + args.seconds
            pipes = [Pipe(p, "/large", b"v" * size, count, until) for p in cluster.ports]
            small = [Pipe(p, "/small", b"v", 1, until, 0.005) for p in cluster.ports]
            load(cluster, "%d outstanding SETs of %s on each member" % (count, name), pipes, small,
                 args.seconds)
        until = time.monotonic() + args.seconds
        load(cluster, "30 outstanding SETs of 64 KiB on one member",
             [Pipe(cluster.ports[0], "/large", b"v" * (1 << 16), 30, until)], [], args.seconds)
        for reason, times in cluster.reasons().items():
            print("links lost %d times: %s" % (times, reason))
    finally:
        cluster.stop()


main()
