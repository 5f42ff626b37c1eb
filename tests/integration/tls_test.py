#!/usr/bin/python3
"""TLS for client connections: commands.md, doozerd, -tlscert and -tlskey."""
import os
import socket
import ssl
import subprocess
import tempfile

import lab
import wire


def make_identity(folder, name):
    """A self-signed certificate for 127.0.0.1 and its key."""
    cert, key = os.path.join(folder, name + ".cert"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class Tls(lab.Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.cert, cls.key = make_identity(cls.folder.name, "one")
        cls.other_cert, cls.other_key = make_identity(cls.folder.name, "other")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def secure(self, *flags):
        return self.server("-tlscert", self.cert, "-tlskey", self.key, *flags)

    def dial(self, server, **versions):
        context = ssl.create_default_context(cafile=self.cert)
        for name, version in versions.items():
            setattr(context, name, version)
        host, port = server.address.rsplit(":", 1)
        raw = socket.create_connection((host, int(port)), timeout=10)
        self.addCleanup(raw.close)
        return context.wrap_socket(raw, server_hostname="127.0.0.1")

    def test_requests_go_through_with_tls_1_2_and_1_3(self):
        server = self.secure()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.dial(server, minimum_version=version, maximum_version=version) as s:
                s.sendall(frame(verb=5, tag=7))
                self.assertEqual(7, receive(s)["tag"])

    def test_large_values_and_many_requests(self):
        with self.dial(self.secure()) as s:
            value = os.urandom(1 << 20)
            s.sendall(frame(verb=2, tag=1, path=b"/big", value=value, rev=-1))
            self.assertEqual({"tag", "rev"}, set(receive(s)))
            for tag in range(200):
                s.sendall(frame(verb=1, tag=tag, path=b"/big"))
            for _ in range(200):
                self.assertEqual(value, receive(s)["value"])

    def test_a_client_without_tls_is_refused_and_the_server_goes_on(self):
        server = self.secure()
        host, port = server.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(frame(verb=5, tag=7))
            lab.poll(lambda: "refused the connection of" in server.stderr(), why="a log line")
        with self.dial(server) as s:
            s.sendall(frame(verb=5, tag=7))
            self.assertEqual(7, receive(s)["tag"])

    def test_files_that_do_not_fit(self):
        for flags, line in ((("-tlscert", self.cert), "need both"), (("-tlskey", self.key), "need both"),
                            (("-tlscert", "/nope", "-tlskey", self.key), "/nope"),
                            (("-tlscert", self.cert, "-tlskey", "/nope"), "/nope"),
                            (("-tlscert", self.key, "-tlskey", self.key), "certificate"),
                            (("-tlscert", self.cert, "-tlskey", self.other_key), "key")):
            got = self.run_doozerd("-l", "127.0.0.1:0", "-w", "false", *flags)
            self.assertEqual(1 if len(flags) == 4 else 2, got.code)
            self.assertOneLine(got.stderr, line)


def frame(verb, **fields):
    return wire.frame(wire.request(verb, **fields))


def receive(s):
    def exactly(size):
        got = b""
        while len(got) < size:
            part = s.recv(size - len(got))
            assert part, "closed by the server"
            got += part
        return got
    return wire.answer(exactly(int.from_bytes(exactly(4), "big")))


if __name__ == "__main__":
    lab.main()
