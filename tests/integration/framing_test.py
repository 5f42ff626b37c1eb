"""Frames, tags and malformed input, as protocol.md has them."""

import random
import socket

import lab
from wire import ERR, SET_FLAG, field, frame, request, varint


class Framing(lab.Case):
    """protocol.md, Framing"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.c = self.connect(self.server_)

    def test_split_in_any_number_of_segments(self):
        """a request may arrive split in any number of segments"""
        whole = frame(request("SET", tag=2, path="/split", value=b"0123456789", rev=-1))
        for cut in range(1, len(whole)):
            # The answer to the first request proves that the server has read the part behind it.
            self.c.raw(frame(request("REV", tag=1)) + whole[:cut])
            self.c.take(1)
            self.c.raw(whole[cut:])
            self.assertEqual({"rev"}, set(self.c.take(2)), "cut at %d" % cut)
        self.assertEqual(b"0123456789", self.c.get("/split")["value"])

    def test_byte_by_byte(self):
        """a request may arrive split in any number of segments"""
        whole = frame(request("GET", tag=3, path="/ctl/name"))
        for byte in whole:
            self.c.raw(bytes([byte]))
        self.assertEqual(b"local", self.c.take(3)["value"])

    def test_many_in_one_segment(self):
        """and many may arrive in one"""
        self.c.raw(b"".join(frame(request("SET", tag=n, path="/m%d" % n, rev=0)) for n in range(1000)))
        revs = [self.c.take(n)["rev"] for n in range(1000)]
        self.assertEqual(list(range(revs[0], revs[0] + 1000)), revs, "applied in the order sent")

    def test_the_end_of_one_and_the_beginning_of_the_next(self):
        """segments and messages have nothing to do with each other"""
        stream = b"".join(frame(request("SET", tag=n, path="/s", value=bytes(n), rev=-1)) for n in range(300))
        for at in range(0, len(stream), 97):
            self.c.raw(stream[at:at + 97])
        self.assertEqual(300, len({self.c.take(n)["rev"] for n in range(300)}))

    def test_answers_are_paired_by_tag(self):
        """requests on one connection may be answered in any order"""
        tag = self.c.send("WAIT", path="/later", rev=self.c.rev() + 1)
        self.assertAnswer(self.c.get("/ctl/name"), rev=self.c.get("/ctl/name")["rev"], value=b"local")
        self.c.put("/later", b"now")
        self.assertEqual(b"now", self.c.take(tag)["value"])

    def test_any_tag(self):
        """tag is an int32, and comes back as it was, zero too"""
        for tag in (0, 1, -1, 127, 128, 2 ** 31 - 1, -2 ** 31):
            rev = self.c.rev()
            self.c.raw(frame(request("REV", tag=tag)))
            self.assertEqual({"tag": tag, "rev": rev}, self.c.next())

    def test_a_failed_answer_carries_the_tag(self):
        """tag pairs them, errors too"""
        self.c.raw(frame(request("GET", tag=77, path="/")))
        self.assertEqual({"tag": 77, "err_code": ERR["ISDIR"]}, self.c.next())


class Encoding(lab.Case):
    """protocol.md, Framing: proto2 semantics, presence counts"""

    def setUp(self):
        super().setUp()
        self.c = self.client()

    def test_fields_in_any_order(self):
        """protobuf: fields may come in any order"""
        body = field(9, 0) + field(5, b"v") + field(4, "/order") + field(2, 2) + field(1, 5)
        rev = self.c.rev()
        self.c.raw(frame(body))
        self.assertEqual({"tag": 5, "rev": rev + 1}, self.c.next())
        self.assertEqual(b"v", self.c.get("/order")["value"])

    def test_the_last_of_a_repeated_field_counts(self):
        """proto2: a field that is there twice has its last value"""
        self.c.put("/last", b"last")
        self.c.raw(frame(field(1, 4) + field(2, 2) + field(2, 1) + field(4, "/first") + field(4, "/last")
                         + field(1, 5)))
        got = self.c.next()
        self.assertEqual((5, b"last"), (got["tag"], got["value"]))

    def test_unknown_fields(self):
        """Malformed input: unknown fields are ignored"""
        self.c.put("/u", b"v")
        unknown = (field(99, 1) + field(1000, b"whatever") + varint(50 << 3 | 1) + bytes(8)
                   + varint(51 << 3 | 5) + bytes(4) + field(3, 7) + field(7777, b""))
        self.c.raw(frame(unknown + request("GET", tag=1, path="/u") + unknown))
        self.assertEqual(b"v", self.c.take(1)["value"])

    def test_other_tag_is_ignored(self):
        """Framing: other_tag is a field of old"""
        self.assertEqual({"rev"}, set(self.c.call("REV", other_tag=3)))

    def test_a_verb_of_the_wrong_wire_type(self):
        """Malformed input: verb sent with a wrong wire type: UNKNOWN_VERB"""
        self.c.raw(frame(request(tag=1) + field(2, b"\x05")))
        self.assertEqual({"tag": 1, "err_code": ERR["UNKNOWN_VERB"]}, self.c.next())

    def test_numbers_longer_than_they_need_be(self):
        """protobuf: a varint may be padded"""
        rev = self.c.rev()
        self.c.raw(frame(b"\x08\x81\x80\x00" + b"\x10\x85\x00"))
        self.assertEqual({"tag": 1, "rev": rev}, self.c.next())


class Tags(lab.Case):
    """protocol.md, Malformed input: tags"""

    def setUp(self):
        super().setUp()
        self.c = self.client()

    def test_no_tag(self):
        """no tag: response without tag"""
        self.c.raw(frame(request("REV")))
        self.assertEqual({"rev"}, set(self.c.next()))
        self.c.raw(frame(request("GET", path="/nope")))
        self.assertEqual({"rev": 0, "value": b""}, self.c.next())

    def test_empty_message(self):
        """empty message: UNKNOWN_VERB without tag"""
        self.c.raw(frame(b""))
        self.assertEqual({"err_code": ERR["UNKNOWN_VERB"]}, self.c.next())

    def test_a_tag_that_is_used_again(self):
        """two outstanding requests with one tag: both are answered, and both are carried out"""
        rev = self.c.rev() + 1
        self.c.send("WAIT", tag=5, path="/dup", rev=rev)
        self.c.send("GET", tag=5, path="/dup", rev=rev + 1)
        for verb, fields, answer in (("REV", {}, {"tag": 5, "rev": rev - 1}),
                                     ("SELF", {}, None),
                                     (42, {}, {"tag": 5, "err_code": ERR["UNKNOWN_VERB"]})):
            self.c.raw(frame(request(verb, tag=5, **fields)))
            got = self.c.next()
            self.assertEqual(5, got["tag"])
            if answer is not None:
                self.assertEqual(answer, got)
        self.c.raw(frame(request("SET", tag=5, path="/dup", value=b"v", rev=-1)))
        got = [self.c.next(), self.c.next()]
        self.assertIn({"tag": 5, "rev": rev}, got)
        self.assertIn({"tag": 5, "flags": SET_FLAG, "rev": rev, "path": "/dup", "value": b"v"}, got)
        self.c.raw(frame(request("NOP", tag=5)))
        got = [self.c.next(), self.c.next()]
        self.assertIn({"tag": 5}, got)
        self.assertIn({"tag": 5, "rev": rev, "value": b"v"}, got)

    def test_requests_without_a_tag(self):
        """no tag: response without tag"""
        rev = self.c.rev() + 1
        for _ in range(3):
            self.c.raw(frame(request("WAIT", path="/dup", rev=rev)))
        self.c.raw(frame(request("SET", tag=1, path="/dup", rev=-1)))
        got = [self.c.next() for _ in range(4)]
        self.assertEqual(3, got.count({"flags": SET_FLAG, "rev": rev, "path": "/dup", "value": b""}), got)

    def test_a_tag_is_the_connections_own(self):
        """two outstanding requests with one tag: of one connection"""
        other = self.other(self.c)
        self.c.send("WAIT", tag=5, path="/w", rev=self.c.rev() + 1)
        self.assertEqual({"rev"}, set(other.call("REV", tag=5)))


class Malformed(lab.Case):
    """protocol.md, Malformed input: what ends a connection, and what does not"""

    def setUp(self):
        super().setUp()
        self.server_ = self.server()
        self.witness = self.connect(self.server_)
        self.witness.put("/w", b"alive")

    def tearDown(self):
        self.assertEqual(b"alive", self.witness.get("/w")["value"])
        self.assertTrue(self.server_.alive())

    def closes(self, data, answers=0):
        """These bytes end their connection, and one line of the log tells of it."""
        lines = len(self.server_.log_lines())
        bad = self.connect(self.server_)
        bad.raw(data)
        self.assertEqual(answers, len(bad.end()))
        lab.poll(lambda: len(self.server_.log_lines()) > lines, why="a line in the log")
        self.witness.call("REV")
        self.assertEqual(lines + 1, len(self.server_.log_lines()), self.server_.log_lines()[lines:])

    def test_no_protobuf(self):
        """bytes that are no protobuf: connection closed, and logged once"""
        for body in (b"\xff\xff\xff", b"\x08", b"\x08\x80", b"\x22\x05/a", b"\x08" + b"\xff" * 11,
                     b"\x00\x00", b"\x0e\x00", b"\x0f\x00", b"GET / HTTP/1.1"):
            self.closes(frame(body))

    def test_what_came_before_is_answered(self):
        """bytes that are no protobuf: the requests before them are requests"""
        self.closes(frame(request("REV", tag=1)) + frame(b"\xff\xff\xff") + frame(request("REV", tag=2)),
                    answers=1)

    def test_length_over_the_limit(self):
        """length prefix over the limit (also 0x80000000 and up): connection closed, logged"""
        for size in (0x80000000, 0xFFFFFFFF, 0x7FFFFFFF, 100 << 20, (16 << 20) + 1):
            self.closes(size.to_bytes(4, "big") + b"x" * 10)

    def test_another_protocol(self):
        """length prefix over the limit: what a browser or a TLS client sends first"""
        self.closes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.closes(bytes.fromhex("16030102000100") + bytes(64))
        lab.poll(lambda: "TLS: there is no certificate and no cluster secret here" in self.server_.stderr())

    def test_nothing_is_allocated_ahead_of_the_bytes(self):
        """nothing is allocated ahead of the bytes that arrive"""
        self.needs_figures_of_memory()
        before = self.server_.memory()
        promised = [self.connect(self.server_) for _ in range(100)]
        for c in promised:
            c.raw(frame(request("REV", tag=1)) + (16 << 20).to_bytes(4, "big") + b"12345")
            c.take(1)  # so the beginning of the large message has been read
        self.assertLess(self.server_.memory() - before, 32 << 20)

    def test_valid_requests_with_bits_turned_over(self):
        """whatever arrives, the server answers or closes; it lives, and others do not notice"""
        rng = random.Random(lab.OPTIONS.seed)
        valid = [request("SET", tag=1, path="/fuzz/a", value=b"value", rev=-1), request("GET", tag=2, path="/fuzz/a", rev=9),
                 request("WALK", tag=3, path="/**", offset=1, rev=1), request("WAIT", tag=4, path="/fuzz/*", rev=20),
                 request("DEL", tag=5, path="/fuzz/a", rev=0), request("ACCESS", tag=6, value=b"x"),
                 request("GETDIR", tag=7, path="/", offset=0), request("NOP", tag=8), request("REV", tag=9)]
        for _ in range(150):
            stream = bytearray(b"".join(frame(rng.choice(valid)) for _ in range(10)))
            for _ in range(rng.randint(1, 6)):
                stream[rng.randrange(len(stream))] ^= 1 << rng.randrange(8)
            c = self.connect(self.server_)
            c.raw(bytes(stream))
            c.socket.shutdown(socket.SHUT_WR)
            self.witness.put("/witness")
            c.close()
        self.assertTrue(self.server_.alive(), "--seed %d" % lab.OPTIONS.seed)

    def test_the_connection_closed_in_the_middle(self):
        """half a length prefix, or half a message, and then the end"""
        for part in (b"\x00\x00", b"\x00\x00\x00\x09\x08\x01", frame(request("REV"))[:-1], b""):
            c = self.connect(self.server_)
            c.raw(part)
            c.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([], c.end())

    def test_no_more_to_send(self):
        """a client that has shut down its side still gets the answers to what it sent"""
        c = self.connect(self.server_)
        c.raw(b"".join(frame(request("SET", tag=n, path="/h%d" % n, rev=0)) for n in range(100))
              + frame(request("GET", tag=100, path="/w")))
        c.socket.shutdown(socket.SHUT_WR)
        got = c.end()
        self.assertEqual(101, len(got))
        self.assertEqual(set(range(101)), {g["tag"] for g in got})

    def test_no_more_to_send_while_a_wait_is_outstanding(self):
        """a half-closed connection with a WAIT is answered or closed, and not kept for ever"""
        c = self.connect(self.server_)
        rev = self.witness.rev() + 1
        c.send("WAIT", tag=1, path="/half", rev=rev)
        c.call("REV", tag=2)
        c.socket.shutdown(socket.SHUT_WR)
        self.witness.put("/half")
        for got in c.end():
            self.assertEqual(rev, got["rev"])

    def test_reset_with_answers_on_their_way(self):
        """a connection that is reset harms nobody"""
        self.witness.put("/big", bytes(1 << 20))
        for _ in range(20):
            c = self.connect(self.server_)
            c.raw(b"".join(frame(request("GET", tag=n, path="/big")) for n in range(20)))
            c.next()
            c.close()  # with answers unread: the kernel sends a reset
        self.witness.call("REV")


if __name__ == "__main__":
    lab.main()
