"""Doozer's client protocol as these tests speak it: written from protocol.md alone, so that no
misunderstanding is shared with the product. Values only, and one connection class."""

import select
import socket
import struct
import time

VERB = {"GET": 1, "SET": 2, "DEL": 3, "REV": 5, "WAIT": 6, "NOP": 7, "WALK": 9, "GETDIR": 14,
        "STAT": 16, "SELF": 20, "FORCE": 32, "STATUS": 33, "LIST": 37, "ACCESS": 99}
ERR = {"TAG_IN_USE": 1, "UNKNOWN_VERB": 2, "READONLY": 3, "TOO_LATE": 4, "REV_MISMATCH": 5,
       "BAD_PATH": 6, "MISSING_ARG": 7, "RANGE": 8, "NOTDIR": 20, "ISDIR": 21, "NOENT": 22,
       "OTHER": 127}
SET_FLAG, DEL_FLAG, NOP_FLAG = 4, 8, 0
MISSING, CLOBBER, DIRECTORY = 0, -1, -2
FAR = 10 ** 12  # a revision no test reaches

MALFORMED_PATHS = ["a", "", "//", "/a//b", "/a/", "/d/", "/a b", "/a_b", "/\u00e9", "/a*", "/a?", "/a=b",
                   "/a:b", "/a\n", "/a\0", "a/b", " /a", "/[a]", b"/\xff", b"/\xc3"]
MALFORMED_GLOBS = ["/a_b", "a*", "", "/[a]", "/d/", "//", "*", "**", "/a//b", "/**/", "/a b", "/\u00e9"]
READS_NOTHING = {"rev": 0, "value": b""}  # what GET answers for what is missing or malformed

_REQUEST_NUMBER = {"tag": 1, "verb": 2, "path": 4, "value": 5, "other_tag": 6, "offset": 7, "rev": 9,
                   "min_rev": 32, "linear": 33, "after": 39, "limit": 40}
_RESPONSE_NAME = {1: "tag", 2: "flags", 3: "rev", 5: "path", 6: "value", 8: "len",
                  32: "applied", 35: "events", 39: "more", 100: "err_code", 101: "err_detail"}
_EVENT_NAME = {1: "path", 2: "value", 3: "rev", 4: "flags"}
_BYTES_FIELDS = {"path", "value", "err_detail", "events"}


def varint(number):
    number %= 1 << 64
    out = bytearray()
    while number >= 0x80:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """One field: an int as a varint, bytes or str as length-delimited."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    if isinstance(content, str):
        content = content.encode()
    return varint(number << 3 | 2) + varint(len(content)) + content


def request(verb=None, **fields):
    """The body of a request. `verb` is a name or a number; a field that is None is not sent."""
    body = b"" if fields.get("tag") is None else field(1, fields["tag"])
    if verb is not None:
        body += field(2, VERB[verb] if isinstance(verb, str) else verb)
    for name, content in fields.items():
        if name != "tag" and content is not None:
            body += field(_REQUEST_NUMBER[name], content)
    return body


def frame(body):
    return struct.pack(">I", len(body)) + body


def _take_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def answer(body, names=_RESPONSE_NAME):
    """A response as a dict of exactly the fields that were sent, with its events as a list of such
    dicts. A field this protocol does not know, a field sent twice or a wrong wire type is a fault of
    the server and raises."""
    fields, at = {}, 0
    while at < len(body):
        key, at = _take_varint(body, at)
        name, wire_type = names[key >> 3], key & 7
        if name in fields and name != "events":
            raise ValueError("%s sent twice" % name)
        if wire_type != (2 if name in _BYTES_FIELDS else 0):
            raise ValueError("%s has wire type %d" % (name, wire_type))
        content, at = _take_varint(body, at)
        if wire_type == 2:
            end = at + content
            if end > len(body):
                raise ValueError("%s runs over the end of its message" % name)
            content, at = body[at:end], end
            if name == "events":
                fields.setdefault(name, []).append(answer(content, _EVENT_NAME))
                continue
            if name != "value":
                content = content.decode("utf-8", "surrogateescape")
        elif content >> 63:
            content -= 1 << 64
        fields[name] = content
    return fields


class Closed(Exception):
    """The server closed the connection."""


class Connection:
    """One TCP connection. `call` is one request and its answer; `send` and `take` keep several
    outstanding; `raw` writes bytes as they are. Whatever waits, waits until a deadline. `tls` is an
    ssl.SSLContext."""

    def __init__(self, address, seconds=15.0, tls=None):
        host, _, port = address.rpartition(":")
        self.seconds = seconds
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        self.next_tag = 1
        self.unread = bytearray()
        self.arrived = {}  # by tag: answers to other requests than the one waited for

    def close(self):
        self.socket.close()

    def raw(self, data):
        self.socket.settimeout(self.seconds)
        self.socket.sendall(data)

    def tag(self):
        self.next_tag += 1
        return self.next_tag - 1

    def send(self, verb, **fields):
        """Sends a request and returns its tag."""
        fields.setdefault("tag", self.tag())
        self.raw(frame(request(verb, **fields)))
        return fields["tag"]

    def next(self, seconds=None):
        """The next answer in the order of arrival. Raises TimeoutError, or Closed."""
        end = time.monotonic() + (self.seconds if seconds is None else seconds)
        while True:
            if len(self.unread) >= 4:
                size = int.from_bytes(self.unread[:4], "big")
                if len(self.unread) >= 4 + size:
                    body = bytes(self.unread[4:4 + size])
                    del self.unread[:4 + size]
                    return answer(body)
            self._fill(end)

    def _fill(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time; arrived for others: %r" % list(self.arrived)[:9])
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 18)
        except socket.timeout:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed("the server closed the connection")
        self.unread += data

    def take(self, tag, seconds=None):
        """The answer to the request with this tag, its tag removed."""
        end = time.monotonic() + (self.seconds if seconds is None else seconds)
        while tag not in self.arrived:
            got = self.next(max(0.0, end - time.monotonic()))
            if got.get("tag") in self.arrived:
                raise ValueError("tag %r answered twice" % got.get("tag"))
            self.arrived[got.get("tag")] = got
        got = self.arrived.pop(tag)
        got.pop("tag", None)
        return got

    def call(self, verb, seconds=None, **fields):
        return self.take(self.send(verb, **fields), seconds)

    def end(self, seconds=None):
        """Everything the server still sends until it closes, as answers."""
        got = []
        try:
            while True:
                got.append(self.next(seconds))
        except Closed:
            return got

    def exchange(self, bodies, seconds=60.0):
        """Sends all these requests without waiting for answers, reading answers meanwhile, until
        as many answers came as there were requests. Returns them in the order of arrival."""
        out = memoryview(b"".join(map(frame, bodies)))
        end = time.monotonic() + seconds
        answers = []
        self.socket.setblocking(False)
        while len(answers) < len(bodies):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("%d of %d answers" % (len(answers), len(bodies)))
            readable, writable, _ = select.select([self.socket], [self.socket] if out else [], [], left)
            if writable:
                out = out[self.socket.send(out[:1 << 18]):]
            if readable:
                data = self.socket.recv(1 << 20)
                if not data:
                    raise Closed("after %d of %d answers" % (len(answers), len(bodies)))
                self.unread += data
                self._split(answers)
        return answers

    def _split(self, answers):
        at, data = 0, self.unread
        while len(data) - at >= 4:
            size = int.from_bytes(data[at:at + 4], "big")
            if len(data) - at < 4 + size:
                break
            answers.append(answer(bytes(data[at + 4:at + 4 + size])))
            at += 4 + size
        del data[:at]

    # The verbs as a client would call them; each returns the whole answer.
    def get(self, path, rev=None):
        return self.call("GET", path=path, rev=rev)

    def set(self, path, value=b"", rev=CLOBBER):
        return self.call("SET", path=path, value=value, rev=rev)

    def delete(self, path, rev=CLOBBER):
        return self.call("DEL", path=path, rev=rev)

    def stat(self, path, rev=None):
        return self.call("STAT", path=path, rev=rev)

    def getdir(self, path, offset=0, rev=None):
        return self.call("GETDIR", path=path, offset=offset, rev=rev)

    def walk(self, glob, offset=0, rev=None):
        return self.call("WALK", path=glob, offset=offset, rev=rev)

    def wait(self, glob, rev):
        return self.call("WAIT", path=glob, rev=rev)

    def list(self, glob, **fields):
        return self.call("LIST", path=glob, **fields)

    def nop(self):
        return self.call("NOP")

    def rev(self):
        return self.call("REV")["rev"]

    def put(self, path, value=b""):
        """SETs whatever was there, and returns the new revision."""
        return self.set(path, value)["rev"]

    def names(self, directory, rev=None):
        """All entries of a directory, asked for one offset after the other at one revision."""
        return self._list("GETDIR", directory, rev, "path")

    def files(self, glob, rev=None):
        """All (path, rev, value) that match, at one revision."""
        return self._list("WALK", glob, rev, "path", "rev", "value")

    def pages(self, glob, rev=None, limit=None):
        """All (path, rev, value) that match, at one revision, by LIST: page by page."""
        pages, after = [], None
        while True:
            got = self.list(glob, rev=rev, after=after, limit=limit)
            if "err_code" in got:
                raise AssertionError("LIST %s: %r" % (glob, got))
            rev = got["rev"]
            pages.append([(e["path"], e["rev"], e["value"]) for e in got.get("events", [])])
            if not got.get("more"):
                return pages
            after = pages[-1][-1][0]

    def _list(self, verb, path, rev, *names):
        rev = self.rev() if rev is None else rev
        found = []
        while True:
            got = self.call(verb, path=path, offset=len(found), rev=rev)
            if got == {"err_code": ERR["RANGE"]}:
                return found
            if "err_code" in got:
                raise AssertionError("%s %s: %r" % (verb, path, got))
            found.append(got[names[0]] if len(names) == 1 else tuple(got[n] for n in names))
