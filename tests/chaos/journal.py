"""A doozerp that journals the cluster under test, on a disk that is full now and then."""

import os
import resource
import signal
import subprocess
import threading
import time

import journal_lab
import network
import wire

INSTANCE = 1


class Journal:
    """Kept running, as systemd would. `number` is the host it is on."""

    def __init__(self, doozerp, cluster, number):
        self.argv = [doozerp, "-a", "doozer:?ca=" + "&ca=".join(s.address for s in cluster.servers)]
        self.cluster, self.number = cluster, number
        self.file = os.path.join(cluster.folder, "journal")
        self.log_name = os.path.join(cluster.folder, "doozerp.log")
        self.popen, self.full = None, False
        self.limit = resource.RLIM_INFINITY
        self.closed = threading.Event()
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)
        self.supervisor.start()

    def start(self):
        # It counts its starts, and goes on as what it was.
        again = ["-i", str(INSTANCE)] if self.popen else []

        def child():
            network.die_with_parent()
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, resource.RLIM_INFINITY))
            self.cluster.place.enter(self.number)
        with open(self.log_name, "ab") as log:
            self.popen = subprocess.Popen([*self.argv, "-j", self.file, *again], stderr=log,
                                          stdin=subprocess.DEVNULL, preexec_fn=child)

    def supervise(self):
        while not self.closed.is_set():
            if self.popen is None or self.popen.poll() is not None:
                self.start()
            self.closed.wait(0.3)

    def fill_the_disk(self, on):
        """Not a byte more can be written; or again as many as one likes."""
        size = os.path.getsize(self.file) if on and os.path.exists(self.file) else None
        self.limit = resource.RLIM_INFINITY if size is None else size
        try:
            resource.prlimit(self.popen.pid, resource.RLIMIT_FSIZE,
                             (self.limit, resource.RLIM_INFINITY))
        except ProcessLookupError:
            pass  # just ended; the next one is started with the limit

    def kill(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)

    def wrong(self, folder, seconds=60):
        """Nothing, or what is wrong when it has caught up: in the journal is what is in the tree."""
        end = time.monotonic() + seconds
        try:
            connection = self.cluster.member()
            rev = connection.rev()
            while int(connection.get("/ctl/durable/%d" % INSTANCE)["value"] or 0) < rev:
                if time.monotonic() > end:
                    return "doozerp does not catch up: " + self.last_line()
                connection.put("/chaos/journal", b"")  # it notices the end of what it waits for
                time.sleep(0.1)
            files = {path: (at, value)
                     for path, at, value in connection.files(folder + "/**", rev)}
            connection.close()
        except (OSError, TimeoutError, wire.Closed) as e:
            return "the tree could not be read: %r" % e
        state = journal_lab.state(journal_lab.read_journal(self.file))
        held = {path: what for path, what in state.items() if path.startswith(folder + "/")}
        return None if held == files else "the journal does not hold the tree below " + folder

    def last_line(self):
        with open(self.log_name, encoding="utf-8") as f:
            return (f.read().splitlines() or [""])[-1]

    def close(self):
        self.closed.set()
        self.supervisor.join()
        self.popen.kill()
        self.popen.wait()
