"""A server that offers what the original offered and nothing else: its verbs, its history of few
revisions, its answers in any order. In memory, one thread a connection; written from protocol.md."""

import socket
import struct
import threading

import wire

NAME = {number: name for name, number in wire.VERB.items()}
FIELD = {1: "tag", 2: "verb", 4: "path", 5: "value", 6: "other_tag", 7: "offset", 9: "rev"}
ANSWER = {"tag": 1, "flags": 2, "rev": 3, "path": 5, "value": 6, "len": 8, "err_code": 100, "err_detail": 101}


def decode(body):
    fields, at = {}, 0
    while at < len(body):
        key, at = wire._take_varint(body, at)
        content, at = wire._take_varint(body, at)
        if key & 7 == 2:
            content, at = body[at:at + content], at + content
        elif content >> 63:
            content -= 1 << 64
        if key >> 3 in FIELD:
            fields[FIELD[key >> 3]] = content
    return fields


class OriginalServer:
    def __init__(self, port, history=2000):
        self.address, self.history = port.address, history
        self.changed = threading.Condition()
        self.events = {}  # {rev: (path, value, flags)}
        self.files = {}   # {path: (rev, value)}
        self.rev, self.first = 0, 1
        self.unknown = set()  # verbs that were asked for and that the original does not have
        host, _, number = port.address.rpartition(":")
        self.listener = socket.create_server((host, int(number)), backlog=64)
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        lock, buffer = threading.Lock(), b""
        try:
            while data := connection.recv(65536):
                buffer += data
                while len(buffer) >= 4 and len(buffer) >= 4 + struct.unpack(">I", buffer[:4])[0]:
                    size = struct.unpack(">I", buffer[:4])[0]
                    request, buffer = decode(buffer[4:4 + size]), buffer[4 + size:]
                    # The original answers each request in a goroutine of its own.
                    if NAME.get(request.get("verb")) == "WAIT":
                        threading.Thread(target=self.answer, args=(connection, lock, request), daemon=True).start()
                    else:
                        self.answer(connection, lock, request)
        except OSError:
            pass

    def answer(self, connection, lock, request):
        fields = self.perform(request)
        fields["tag"] = request.get("tag", 0)
        body = b"".join(wire.field(ANSWER[name], content) for name, content in fields.items())
        try:
            with lock:
                connection.sendall(wire.frame(body))
        except OSError:
            pass

    @staticmethod
    def refused(name, detail=None):
        return {"err_code": wire.ERR[name], **({"err_detail": detail} if detail else {})}

    def perform(self, q):
        verb = NAME.get(q.get("verb"))
        if verb is None or verb in ("FORCE", "STATUS"):
            self.unknown.add(q.get("verb"))
            return self.refused("UNKNOWN_VERB")
        path = q.get("path", b"").decode()
        with self.changed:
            if verb == "REV":
                return {"rev": self.rev}
            if verb == "SELF":
                return {"value": b"original"}
            if verb == "ACCESS":
                return {}
            if verb in ("SET", "DEL", "NOP"):
                return self.write(verb, path, q.get("value", b""), q.get("rev", 0))
            rev = q.get("rev")
            if rev is not None and verb != "WAIT":
                if max(rev, 1) < self.first:
                    return self.refused("TOO_LATE")
                self.changed.wait_for(lambda: self.rev >= rev)
            if verb == "WAIT":
                return self.wait(path, max(rev, 1))
            files = self.files if rev is None or rev >= self.rev else self.tree_at(rev)
            if verb == "GET":
                rev, value = files.get(path, (0, b""))
                return {"rev": rev, "value": value}
            if verb == "STAT":
                if path in files:
                    return {"rev": files[path][0], "len": len(files[path][1])}
                below = {p[len(path) + 1:].split("/")[0] for p in files if p.startswith(path + "/")}
                return {"rev": -2 if below else 0, "len": len(below)}
            if verb == "WALK":
                matching = sorted((p.split("/"), p) for p in files if self.matches(path, p))
                if not 0 <= q["offset"] < len(matching):
                    return self.refused("RANGE")
                found = matching[q["offset"]][1]
                return {"flags": 4, "rev": files[found][0], "path": found, "value": files[found][1]}
        raise AssertionError("the test needs no %s" % verb)

    @staticmethod
    def matches(glob, path):
        """All globs that are needed here end in ** or are paths."""
        return path.startswith(glob[:-2]) if glob.endswith("**") else path == glob

    def write(self, verb, path, value, condition):
        self.rev += 1
        if verb == "NOP":
            self.note("/", b"", 0)
            return {}
        present = self.files.get(path, (0, b""))[0]
        if condition < present and condition != -1:
            self.files["/ctl/err"] = (self.rev, b"rev mismatch")
            self.note("/ctl/err", b"rev mismatch", 4)
            return self.refused("REV_MISMATCH")
        if verb == "DEL":
            self.files.pop(path, None)
            self.note(path, b"", 8)
            return {}
        self.files[path] = (self.rev, value)
        self.note(path, value, 4)
        return {"rev": self.rev}

    def note(self, path, value, flags):
        self.events[self.rev] = (path, value, flags)
        while len(self.events) > self.history:
            del self.events[self.first]
            self.first += 1
        self.changed.notify_all()

    def tree_at(self, rev):
        """REQUIRES: nothing that was there at `rev` has changed so long ago that it is forgotten."""
        files = {p: f for p, f in self.files.items() if f[0] <= rev}
        for later in range(self.rev, rev, -1):
            path = self.events[later][0]
            before = [r for r in range(self.first, rev + 1) if self.events[r][0] == path]
            if before and self.events[before[-1]][2] == 4:
                files[path] = (before[-1], self.events[before[-1]][1])
        return files

    def wait(self, glob, rev):
        if rev < self.first:
            return self.refused("TOO_LATE")
        while True:
            for at in range(max(rev, self.first), self.rev + 1):
                path, value, flags = self.events[at]
                if self.matches(glob, path):
                    return {"rev": at, "path": path, "value": value, "flags": flags}
            rev = max(rev, self.rev + 1)
            self.changed.wait()
