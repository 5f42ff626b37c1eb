"""doozerp is killed at any moment, and what was not forced to disk is lost with it, as when power
fails. What it has acknowledged must be in its journal, by this test's own record of what was
written and when it was acknowledged.

DOOZER_KILLS=n kills n times instead of a few.
"""

import os
import random
import struct
import threading
import time

import lab
from journal_lab import Case, binary, read_journal, state
from wire import Closed, Connection, request

KILLS = int(os.environ.get("DOOZER_KILLS", "100"))


class Writers:
    """Clients that change files all the time, and know every change they made."""

    def __init__(self, address, dice):
        self.address = address
        self.changes = {}  # {path: {rev: value or None}}; one thread a path
        self.failures = []
        self.running = True
        self.threads = [threading.Thread(target=self._run, args=("/w%d" % k, random.Random(dice.random())))
                        for k in range(3)]
        for t in self.threads:
            t.start()

    def _run(self, folder, dice):
        try:
            connection, number = Connection(self.address), 0
            paths = ["%s/%d" % (folder, n) for n in range(8)]
            for path in paths:
                self.changes[path] = {}
            while self.running:
                time.sleep(dice.random() * 0.02)
                # As one request and its answer and as a burst, so that groups are of all sizes.
                burst = [dice.choice(paths) for _ in range(dice.choice((1, 1, 4, 30)))]
                values = {}
                for n, path in enumerate(burst):
                    number += 1
                    values[n] = b"%d " % number + b"v" * dice.choice((0, 10, 3000))
                answers = connection.exchange([request("SET", tag=n, path=path, value=values[n], rev=-1)
                                               for n, path in enumerate(burst)])
                for got in answers:
                    self.changes[burst[got["tag"]]][got["rev"]] = values[got["tag"]]
                if dice.random() < 0.2:
                    path = dice.choice(paths)
                    before = connection.rev()
                    connection.delete(path)
                    gone = connection.wait(path, before + 1)
                    self.changes[path][gone["rev"]] = None
        except Exception as error:  # the main thread reports it
            self.failures.append(repr(error))

    def stop(self):
        self.running = False
        for t in self.threads:
            t.join()


class Watcher:
    """Sees acknowledgements as clients see them."""

    def __init__(self, address, instance):
        self.root = "/ctl/persistence/%d" % instance
        self.acknowledged = {}  # {path: highest revision}
        self.through = 0
        self.count = 0
        self.connection = Connection(address)
        self.running = True
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        at = 1
        while self.running:
            tag = self.connection.send("WAIT", path="/ctl/persistence/**", rev=at)
            while self.running:
                try:
                    got = self.connection.take(tag, 0.1)
                    break
                except TimeoutError:
                    continue
                except Closed:
                    return
            else:
                return
            at = got["rev"] + 1
            path = got["path"]
            if path.startswith("/ctl/durable/"):
                self.through = max(self.through, int(got["value"]))
            elif path.startswith(self.root + "/") and got["flags"] == 4:
                self.count += 1
                path = path[len(self.root):]
                self.acknowledged[path] = max(self.acknowledged.get(path, 0), int(got["value"]))

    def stop(self):
        self.running = False
        self.thread.join()
        self.connection.close()


class Crash(Case):
    """what is acknowledged is never lost, what is lost was never acknowledged"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server("-hist", "100000")
        self.dice = random.Random(lab.OPTIONS.seed)

    def lose_power(self):
        """What was not forced to disk is gone."""
        with open(self.file("syncs"), "rb") as f:
            syncs = struct.iter_unpack("QQ", f.read()[:os.path.getsize(self.file("syncs")) // 16 * 16])
        inode, synced = os.stat(self.file()).st_ino, 0
        for number, size in syncs:
            if number == inode:
                synced = size
        lost = os.path.getsize(self.file()) - synced
        if lost > 0:
            # Some of it may have reached the disk.
            os.truncate(self.file(), synced + self.dice.randrange(lost + 1))
        return lost

    def check(self, watcher, writers):
        """REQUIRES: doozerp is dead, or has nothing to do."""
        acknowledged, through = dict(watcher.acknowledged), watcher.through
        records = read_journal(self.file())
        files = state(records)

        def deleted_behind(path, rev):
            """By the writer's own record, which it makes a little later than the server."""
            return any(v is None and r > rev for r, v in list(writers.changes[path].items()))

        def holds(path, rev):
            if path in files:
                self.assertGreaterEqual(files[path][0], rev, path)
            else:
                lab.poll(lambda: deleted_behind(path, rev) or writers.failures, 5,
                         "revision %d of %s is acknowledged and lost: its deletion" % (rev, path))

        for rev, path, value in records:
            known = writers.changes[path].get(rev, value)  # or its writer has not got the answer yet
            self.assertTrue(known == value, "revision %d of %s has another value" % (rev, path))
        for path, rev in acknowledged.items():
            holds(path, rev)
        for path, changes in list(writers.changes.items()):
            newest = max((r for r in list(changes) if r <= through), default=0)
            if newest and changes[newest] is not None:
                holds(path, newest)
        return records

    def test_killed_at_any_moment(self):
        """kill -9 at many moments under load, with compactions, and power lost each time"""
        writers = Writers(self.server_.address, self.dice)
        watcher = Watcher(self.server_.address, 1)
        recorder = {"LD_PRELOAD": binary("libsync_recorder.so"), "DOOZER_SYNC_LOG": self.file("syncs")}
        lost = kills = 0
        try:
            while kills < KILLS:
                doozerp = self.start_doozerp(self.server_, "-i", "1", "-slack", "30000", env=recorder)
                before = watcher.count
                # Sometimes while it starts, sometimes when it has got to work.
                if self.dice.random() < 0.8:
                    lab.poll(lambda: watcher.count > before or not doozerp.alive(), why="acknowledgements")
                self.assertTrue(doozerp.alive(), doozerp.stderr())
                time.sleep(self.dice.random() * 0.15)
                doozerp.kill()
                kills += 1
                lost += self.lose_power() > 0
                self.check(watcher, writers)
                self.assertEqual([], writers.failures)
                self.processes.remove(doozerp)
        finally:
            writers.stop()
            watcher.stop()
        self.assertEqual([], writers.failures)

        self.doozerp(self.server_, "-i", "1", env=recorder)
        connection = self.connect(self.server_)
        rev = self.put_and_wait(connection, 1, "/last")
        writers.changes["/last"] = {rev: b""}
        files = state(self.check(watcher, writers))
        there = {path: (rev, value) for path, rev, value in connection.files("/**") if not path.startswith("/ctl/")}
        self.assertEqual(sorted(there), sorted(files))
        self.assertTrue(there == files, "the journal and the cluster differ")
        print("%d kills, %d of them lost what was not on disk; %d acknowledgements seen, seed %d"
              % (kills, lost, watcher.count, lab.OPTIONS.seed))


if __name__ == "__main__":
    lab.main()
