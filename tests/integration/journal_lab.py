"""What the tests of the journal's programs share: the journal's format, written from persistence.md
alone, and doozerp as a process."""

import hashlib
import os
import re
import shutil
import signal
import struct
import tempfile

import lab


def record(data):
    return hashlib.sha1(data).digest() + struct.pack("<i", len(data)) + data


def mutation(rev, path, value=None):
    return b"%d:%s" % (rev, path.encode()) + (b"" if value is None else b"=" + value)


def journal(*mutations):
    """The bytes of a journal of these (rev, path) and (rev, path, value)."""
    return b"".join(record(mutation(*m)) for m in mutations)


class Records(list):
    """[(rev, path, value or None)], and where the last good record ends."""

    end = 0


def read_journal(path):
    """All good records from the beginning; what follows is up to the caller."""
    with open(path, "rb") as f:
        data = f.read()
    records = Records()
    while len(data) - records.end >= 24:
        size = struct.unpack_from("<i", data, records.end + 20)[0]
        body = data[records.end + 24:records.end + 24 + size]
        if not 0 <= size == len(body) or hashlib.sha1(body).digest() != data[records.end:records.end + 20]:
            break
        head, equals, value = body.partition(b"=")
        rev, _, name = head.partition(b":")
        records.append((int(rev), name.decode(), value if equals else None))
        records.end += 24 + size
    return records


def state(records):
    """{path: (rev, value)} after these records."""
    files = {}
    for rev, path, value in records:
        if value is None:
            files.pop(path, None)
        else:
            files[path] = (rev, value)
    return files


def binary(name):
    return os.path.join(os.path.dirname(lab.OPTIONS.doozerd), name)


class Case(lab.Case):
    """A test with a folder for journals."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="doozer-journal-")
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name="journal"):
        return os.path.join(self.folder, name)

    def write(self, content, name="journal"):
        with open(self.file(name), "wb") as f:
            f.write(content)
        return self.file(name)

    def content(self, name="journal"):
        with open(self.file(name), "rb") as f:
            return f.read()

    def run_tool(self, name, *words, stdin=b""):
        return self.run_command([binary(name), *words], stdin)

    def start_doozerp(self, server, *flags, name="journal", env=None, limits=None):
        """A doozerp at this server or URI, not waited for."""
        uri = server if isinstance(server, str) else server.uri()
        argv = [binary("doozerp"), "-a", uri, "-j", self.file(name), *flags]
        return self.keep(lab.Process(argv, env=env, limits=limits))

    def doozerp(self, server, *flags, **more):
        """A doozerp that is at work; its number is `instance`."""
        process = self.start_doozerp(server, *flags, **more)

        def begun():
            if not process.alive():
                raise AssertionError("doozerp ended: %s" % process.stderr())
            return re.search(r"instance (\d+): ", process.stderr())

        process.instance = int(lab.poll(begun, why="doozerp beginning")[1])
        return process

    def doozerp_ends(self, server, *flags, code=1, pattern=None, **more):
        """A doozerp that refuses to work, and says why in its last line."""
        process = self.start_doozerp(server, *flags, **more)
        self.assertEqual(code, process.wait(), process.stderr())
        last = process.stderr().splitlines()[-1]
        self.assertRegex(last, r"\Adoozerp: ")
        if pattern:
            self.assertRegex(last, pattern)
        return process

    def stop(self, process):
        process.popen.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(), process.stderr())

    def acknowledged(self, connection, instance, path, rev, seconds=lab.DEADLINE):
        """Waits until the instance has acknowledged a set of that revision or a later one."""
        mirror = "/ctl/persistence/%d%s" % (instance, path)
        lab.poll(lambda: int(connection.get(mirror).get("value") or 0) >= rev, seconds,
                 "revision %d of %s acknowledged by instance %d" % (rev, path, instance))

    def through(self, connection, instance, rev):
        """Waits until the instance is beyond that revision."""
        path = "/ctl/durable/%d" % instance
        lab.poll(lambda: int(connection.get(path)["value"] or 0) >= rev,
                 why="instance %d beyond revision %d" % (instance, rev))

    def put_and_wait(self, connection, instance, path, value=b""):
        rev = connection.put(path, value)
        self.acknowledged(connection, instance, path, rev)
        return rev

    def records(self, name="journal"):
        return list(read_journal(self.file(name)))
