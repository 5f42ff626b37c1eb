"""HTTP and WebSocket as the tests of the web view need them: exactly what is written is sent."""

import base64
import http.client
import json
import os
import socket
import struct
import urllib.parse

import lab


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%s %r" % (self.status, self.body[:300])


class Case(lab.Case):
    """A server with a web view, and questions to it."""

    flags = ("-webwrite",)
    env = None

    def setUp(self):
        super().setUp()
        self.web = self.port()
        self.doozerd = self.start_web(*self.flags, env=self.env)

    def start_web(self, *flags, port=None, **more):
        server = self.server(*flags, port=port, web=("-w", self.web.address), **more)
        lab.poll(lambda: "the web view is at" in server.stderr(), why="the web view")
        return server

    def http(self, timeout=lab.DEADLINE):
        host, _, port = self.web.address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
        self.addCleanup(connection.close)
        return connection

    def ask(self, method, target, body=None, headers=None, secret=None):
        """One request on a connection of its own."""
        headers = dict(headers or {})
        if secret is not None:
            headers["Authorization"] = basic(secret)
        connection = self.http()
        connection.request(method, target, body, headers)
        return Answer(connection.getresponse())

    def get(self, target, **more):
        return self.ask("GET", target, **more)

    def put(self, path, value, **more):
        return self.ask("PUT", file_url(path), value, **more)

    def delete(self, path, **more):
        return self.ask("DELETE", file_url(path), **more)

    def raw(self, data=b""):
        """A socket on which `data` was sent."""
        host, _, port = self.web.address.rpartition(":")
        s = socket.create_connection((host, int(port)), lab.DEADLINE)
        self.addCleanup(s.close)
        s.sendall(data)
        return s

    def assertError(self, answer, status, name):
        self.assertEqual((status, name), (answer.status, answer.json["error"]), answer)

    def page(self, directory="/", headers=(), query=""):
        socket_ = Page(self, directory, headers, query)
        self.addCleanup(socket_.close)
        return socket_

    def events(self, query="", headers=None):
        connection = self.http()
        connection.request("GET", "/v1/watch" + query, headers=headers or {})
        return Events(connection.getresponse())


def basic(secret):
    return "Basic " + base64.b64encode(b"anybody:" + secret.encode()).decode()


def file_url(path, endpoint="file"):
    return "/v1/%s?path=%s" % (endpoint, urllib.parse.quote(path, safe=""))


class Events:
    """Server-sent events, one by one. Source: HTML standard, 9.2."""

    def __init__(self, response):
        self.response = response
        self.status = response.status

    def next(self):
        """(id, type, data) of the next event."""
        fields = {}
        while True:
            line = self.response.fp.readline().decode().rstrip("\n")
            if line == "" and "data" in fields:
                data = json.loads(fields["data"])
                return int(fields.get("id", 0)), fields.get("event", "message"), data
            if line.startswith(":") or ": " not in line:
                continue
            name, value = line.split(": ", 1)
            fields[name] = value


class Page:
    """What a page does on its WebSocket. Source: web.md; RFC 6455."""

    def __init__(self, case, directory, headers, query):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /$events%s%s HTTP/1.1" % (directory, query), "Host: " + case.web.address,
                 "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + key, *headers]
        self.socket = case.raw("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def frame(self):
        """(opcode, payload) of the next frame; None at the end."""
        head = self.file.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        self.ends = head[0] & 128 != 0
        return head[0] & 15, self.file.read(size)

    def next(self):
        """The next message, which may come in several frames."""
        message = b""
        while True:
            opcode, payload = self.frame()
            if opcode in (0, 1):
                message += payload
            if self.ends and message:
                told, message = json.loads(message), b""
                if "Majority" not in told:  # how the process stands to its cluster
                    return told

    def send(self, opcode, payload=b""):
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload)) + mask + masked)

    def close(self):
        self.file.close()
        self.socket.close()
