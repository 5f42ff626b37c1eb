"""Server-sent events and the page's WebSocket: docs/web.md, web.md."""

import socket
import struct

import lab
import web


class Watching(web.Case):
    def test_every_change_in_order(self):
        events = self.events("?glob=/w/**")
        revs = [self.put("/w/%d" % i, b"%d" % i).json["rev"] for i in range(5)]
        self.put("/other", b"")
        self.delete("/w/1")
        for i, rev in enumerate(revs):
            self.assertEqual((rev, "message", {"path": "/w/%d" % i, "rev": rev, "kind": "set", "value": str(i)}),
                             events.next())
        id_, _, data = events.next()
        self.assertEqual({"path": "/w/1", "rev": id_, "kind": "del"}, data)

    def test_it_goes_on_behind_the_last_event(self):
        revs = [self.put("/w/%d" % i, b"").json["rev"] for i in range(5)]
        events = self.events("?glob=/w/**&rev=1", {"Last-Event-ID": str(revs[2])})
        self.assertEqual(revs[3:], [events.next()[0], events.next()[0]])
        self.assertEqual(revs[0], self.events("?glob=/w/**&rev=1").next()[0])
        for none in ("x", "", str(2**62), str(2**63 - 1), str(2**63)):
            self.assertEqual(400, self.events("", {"Last-Event-ID": none}).status, none)
        self.assertEqual(400, self.events("?glob=nonsense").status)

    def test_a_revision_that_is_not_there_yet_is_waited_for(self):
        """As a browser asks that was told of it by a member that is ahead of this one."""
        last = self.put("/w/a", b"").json["rev"]
        streams = [self.events("?glob=/w/*", {"Last-Event-ID": str(last + 2)}),
                   self.events("?glob=/w/*&rev=%d" % (last + 3))]
        client = self.connect(self.doozerd)
        revs = [client.put("/w/b", b"%d" % i) for i in range(4)]
        self.assertEqual(last + 4, revs[3])
        for stream in streams:
            self.assertEqual(revs[2:], [stream.next()[0], stream.next()[0]])
        self.assertEqual(200, self.events("?rev=%d" % (2**63 - 1)).status)
        self.assertEqual(200, self.get("/v1/rev").status)

    def test_a_history_longer_than_one_turn(self):
        client = self.connect(self.doozerd)
        last = 0
        for i in range(3000):
            last = client.put("/many/%d" % (i % 7), b"%d" % i)
        events = self.events("?glob=/many/*&rev=1")
        got = []
        while not got or got[-1] < last:
            got.append(events.next()[0])
        self.assertEqual(list(range(last - 2999, last + 1)), got)

    def test_many_streams_are_told_while_writes_go_on(self):
        """A thousand would do as well, and take longer to open."""
        streams = [self.events("?glob=/s/*") for _ in range(100)]
        client = self.connect(self.doozerd)
        revs = [client.put("/s/%d" % i, b"x" * 100) for i in range(200)]
        for stream in streams:
            self.assertEqual(revs, [stream.next()[0] for _ in revs])

    def test_who_reads_nothing_costs_nobody_anything(self):
        lazy = self.raw(b"GET /v1/watch?glob=/big HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.assertTrue(lazy.recv(1))
        client = self.connect(self.doozerd)
        value = b"v" * (1 << 20)
        for _ in range(100):
            client.put("/big", value)
        # What it has not read is in the history, which there is anyway, and not also in a buffer.
        self.assertLess(self.web_buffers(), 4 << 20)

    def web_buffers(self):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith("doozer_web_buffer_bytes "):
                return float(line.split()[1])
        raise AssertionError("no figure")

    def test_who_is_too_slow_is_told_so(self):
        self.web = self.port()
        self.start_web("-hist", "50", "-webwrite")
        connection = self.http()
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.request("GET", "/v1/watch?glob=/big")
        events = web.Events(connection.getresponse())
        for _ in range(150):
            self.put("/big", b"v" * 100_000)
        kinds = []
        while not kinds or kinds[-1] != "error":
            kinds.append(events.next()[1])
        self.assertLess(len(kinds), 151)
        self.assertEqual(b"", events.response.fp.read())


class Pages(web.Case):
    def test_first_what_there_is_then_what_changes(self):
        one = self.put("/d/one", b"1").json["rev"]
        two = self.put("/d/sub/two", b"\xff").json["rev"]
        page = self.page("/d/")
        self.assertEqual(101, page.status)
        self.assertEqual({"Path": "/one", "Body": "1", "Rev": one, "Seqn": two}, page.next())
        self.assertEqual({"Path": "/sub/two", "Body64": "/w==", "Rev": two, "Seqn": two}, page.next())
        rev = self.put("/d/one", b"2").json["rev"]
        self.assertEqual({"Path": "/one", "Body": "2", "Rev": rev, "Seqn": rev}, page.next())
        self.delete("/d/sub/two")
        self.assertEqual({"Path": "/sub/two", "Body": "", "Rev": 0, "Seqn": rev + 1}, page.next())

    def test_the_root(self):
        page = self.page("/")
        seen = {}
        while "/ctl/name" not in seen:
            message = page.next()
            seen[message["Path"]] = message["Body"]
        self.assertEqual("local", seen["/ctl/name"])

    def test_a_page_may_ask_for_less_and_for_a_mark(self):
        self.put("/d/long", b"0123456789")
        page = self.page("/d/", query="?mark&body=4")
        message = page.next()
        self.assertEqual(("0123", 10), (message["Body"], message["Len"]))
        self.assertEqual(1, page.next()["Loaded"])

    def test_thousands_of_files(self):
        client = self.connect(self.doozerd)
        for i in range(3000):
            client.put("/n/%04d" % i, b"x" * 200)
        page = self.page("/n/", query="?mark")
        got = [page.next() for _ in range(3001)]
        self.assertEqual(["/%04d" % i for i in range(3000)], [m["Path"] for m in got[:3000]])
        self.assertEqual(3000, got[3000]["Loaded"])

    def test_a_slow_page_is_told_the_newest(self):
        page = self.page("/d/", query="?mark")
        page.next()
        client = self.connect(self.doozerd)
        writes = 400
        for i in range(writes):
            client.put("/d/f", b"%06d" % i + b"x" * 50_000)
        told = [page.next()]
        while told[-1]["Body"][:6] != "%06d" % (writes - 1):
            told.append(page.next())
        self.assertLess(len(told), writes, "20 MB do not fit into what is buffered on the way")
        self.assertEqual(sorted(m["Seqn"] for m in told), [m["Seqn"] for m in told])

    def test_pings_are_answered_and_so_is_a_close(self):
        page = self.page("/")
        page.send(9, b"still there?")
        while (frame := page.frame())[0] != 10:
            pass
        self.assertEqual(b"still there?", frame[1])
        page.send(1, b"what a page has to say is not listened to")
        page.send(8, struct.pack("!H", 1000))
        while (frame := page.frame()) is not None:
            last = frame[0]
        self.assertEqual(8, last)

    def test_nonsense_ends_it(self):
        page = self.page("/not/there/")
        page.socket.sendall(b"\x81\x05hello")  # without a mask
        self.assertEqual((8, struct.pack("!H", 1002)), page.frame())
        self.assertIsNone(page.frame())

    def test_what_is_no_websocket(self):
        self.assertEqual(426, self.get("/$events/").status)
        self.assertEqual(404, self.page("/ctl").status)
        self.assertEqual(404, self.page("/a_b/").status)
        self.assertEqual(404, self.page("//").status)

    def test_it_ends_with_the_server(self):
        page = self.page("/not/there/")
        self.assertEqual(0, self.doozerd.stop())
        self.assertIsNone(page.frame())


if __name__ == "__main__":
    lab.main()
