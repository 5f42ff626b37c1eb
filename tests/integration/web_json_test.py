"""The JSON interface, /v1: docs/web.md."""

import json

import lab
import web


class Files(web.Case):
    def test_set_get_delete(self):
        written = self.put("/a/b", b"one")
        self.assertEqual(200, written.status)
        rev = written.json["rev"]
        self.assertEqual('"%d"' % rev, written.headers["ETag"])
        read = self.get("/v1/file/a/b")
        self.assertEqual({"path": "/a/b", "rev": rev, "value": "one"}, read.json)
        self.assertEqual('"%d"' % rev, read.headers["ETag"])
        self.assertEqual(304, self.get("/v1/file/a/b", headers={"If-None-Match": '"%d"' % rev}).status)
        self.assertEqual(204, self.delete("/a/b").status)
        self.assertError(self.get("/v1/file/a/b"), 404, "NOENT")

    def test_it_is_the_same_store_that_clients_see(self):
        client = self.connect(self.doozerd)
        rev = self.put("/x", b"from the web").json["rev"]
        self.assertAnswer(client.get("/x"), rev=rev, value=b"from the web")
        rev = client.put("/x", b"from a client")
        self.assertEqual({"path": "/x", "rev": rev, "value": "from a client"}, self.get("/v1/file/x").json)

    def test_binary_values_survive(self):
        for value in (bytes(range(256)), b"\xff", b"", b"\0", "é€😀".encode(), b"\xed\xa0\x80"):
            self.assertEqual(200, self.put("/bin", value).status)
            answer = self.get("/v1/file/bin").json
            got = web.base64.b64decode(answer["base64"]) if "base64" in answer else answer["value"].encode()
            self.assertEqual(value, got)
            raw = self.get("/v1/file/bin?raw")
            self.assertEqual((value, "application/octet-stream"), (raw.body, raw.headers["Content-Type"]))

    def test_conditions(self):
        """protocol.md, Revisions"""
        first = self.put("/c", b"1", headers={"If-None-Match": "*"}).json["rev"]
        self.assertError(self.put("/c", b"2", headers={"If-None-Match": "*"}), 412, "REV_MISMATCH")
        second = self.put("/c", b"2", headers={"If-Match": '"%d"' % first}).json["rev"]
        self.assertError(self.put("/c", b"3", headers={"If-Match": '"%d"' % first}), 412, "REV_MISMATCH")
        self.assertError(self.ask("PUT", "/v1/file/c?rev=%d" % first, b"3"), 412, "REV_MISMATCH")
        self.assertError(self.delete("/c", headers={"If-Match": '"%d"' % first}), 412, "REV_MISMATCH")
        self.assertEqual("2", self.get("/v1/file/c").json["value"])
        self.assertEqual(204, self.ask("DELETE", "/v1/file/c?rev=%d" % second).status)
        for headers in ({"If-Match": "*"}, {"If-Match": "12"}, {"If-Match": '"-1"'}, {"If-None-Match": '"1"'},
                        {"If-Match": '"1"', "If-None-Match": "*"}):
            self.assertError(self.put("/c", b"", headers=headers), 400, "OTHER")

    def test_errors(self):
        self.put("/d/f", b"")
        self.assertError(self.get("/v1/file/d"), 409, "ISDIR")
        self.assertError(self.put("/d", b""), 409, "ISDIR")
        self.assertError(self.put("/d/f/g", b""), 409, "NOTDIR")
        for path in ("a", "//", "/a/", "/a_b", "/é", "/a b", "/%00"):
            self.assertError(self.put(path, b""), 400, "BAD_PATH")
            self.assertError(self.get(web.file_url(path)), 400, "BAD_PATH")
        self.assertError(self.get("/v1/file/d/f?rev=x"), 400, "OTHER")
        self.assertError(self.get("/v1/nothing"), 404, "NOENT")
        self.assertEqual("GET, HEAD, PUT, DELETE", self.ask("POST", "/v1/file/a", b"").headers["Allow"])

    def test_names_that_browsers_take_for_something_else(self):
        """protocol.md, Globs and paths: "/." and "/.." are ordinary names"""
        for path in ("/.", "/..", "/a/../b", "/-", "/a/.../.b"):
            rev = self.put(path, path.encode()).json["rev"]
            self.assertEqual({"path": path, "rev": rev, "value": path}, self.get(web.file_url(path)).json)
            self.assertEqual(rev, self.get(web.file_url(path, "history")).json["changes"][0]["rev"])

    def test_as_of_a_revision(self):
        first = self.put("/r", b"old").json["rev"]
        self.put("/r", b"new")
        self.assertEqual("old", self.get("/v1/file/r?rev=%d" % first).json["value"])

    def test_a_head_has_no_body(self):
        self.put("/h", b"12345")
        answer = self.ask("HEAD", "/v1/file/h?raw")
        self.assertEqual((200, "5", b""), (answer.status, answer.headers["Content-Length"], answer.body))


class Listings(web.Case):
    def test_walk_goes_on_where_it_stopped(self):
        paths = sorted("/w/%d/%03d" % (i % 3, i) for i in range(300))
        for path in paths:
            self.put(path, path[-3:].encode())
        got, offset, rev, rounds = [], 0, None, 0
        while offset is not None:
            answer = self.get("/v1/walk?glob=/w/**&limit=130&offset=%d%s"
                              % (offset, "&rev=%d" % rev if rev else "")).json
            got += [f["path"] for f in answer["files"]]
            offset, rev, rounds = answer.get("next"), answer["rev"], rounds + 1
            self.put("/w/0/new%d" % rounds, b"")
        self.assertEqual(paths, got)
        self.assertEqual(3, rounds)

    def test_walk_is_bounded_by_bytes(self):
        for i in range(12):
            self.put("/big/%02d" % i, b"x" * (1 << 20))
        answer = self.get("/v1/walk?glob=/big/*").json
        self.assertLess(len(answer["files"]), 12)
        self.assertEqual(len(answer["files"]), answer["next"])

    def test_list_and_stat(self):
        rev = self.put("/l/file", b"four").json["rev"]
        self.put("/l/dir/a", b"")
        self.put("/l/dir/b", b"")
        self.assertEqual([{"name": "dir", "kind": "directory", "entries": 2},
                          {"name": "file", "kind": "file", "rev": rev, "len": 4}],
                         self.get("/v1/list/l").json["entries"])
        self.assertEqual({"path": "/l/file", "kind": "file", "rev": rev, "len": 4},
                         self.get("/v1/stat/l/file").json)
        self.assertEqual({"path": "/l", "kind": "directory", "entries": 2}, self.get("/v1/stat/l").json)
        self.assertIn("ctl", [e["name"] for e in self.get("/v1/list").json["entries"]])
        self.assertError(self.get("/v1/list/nothing"), 404, "NOENT")
        self.assertError(self.get("/v1/list/l/file"), 409, "NOTDIR")
        self.assertError(self.get("/v1/stat/nothing"), 404, "NOENT")

    def test_many_names(self):
        for i in range(200):
            self.put("/n/%03d" % i, b"")
        names = [e["name"] for e in self.get("/v1/list/n").json["entries"]]
        self.assertEqual(["%03d" % i for i in range(200)], names)
        page = self.get("/v1/list/n?limit=70&offset=100").json
        self.assertEqual((170, "100", 70), (page["next"], page["entries"][0]["name"], len(page["entries"])))

    def test_history_of_a_file(self):
        first = self.put("/hist", b"1").json["rev"]
        second = self.put("/hist", b"\xff").json["rev"]
        self.delete("/hist")
        changes = self.get("/v1/history/hist").json["changes"]
        self.assertEqual(["del", "set", "set"], [c["kind"] for c in changes])
        self.assertEqual({"rev": second, "kind": "set", "base64": "/w=="}, changes[1])
        self.assertEqual({"rev": first, "kind": "set", "value": "1"}, changes[2])
        self.assertEqual(1, len(self.get("/v1/history/hist?limit=1").json["changes"]))
        self.assertEqual([], self.get("/v1/history/never").json["changes"])

    def test_what_is_asked_for_is_judged(self):
        for query in ("limit=0", "limit=10001", "limit=x", "offset=x", "glob=a", "glob=/a_b"):
            self.assertError(self.get("/v1/walk?" + query), 400, "OTHER")
        for offset in (-1, 2**31 - 1, 2**31):
            self.assertError(self.get("/v1/walk?offset=%d" % offset), 400, "RANGE")
            self.assertError(self.get("/v1/list/?offset=%d" % offset), 400, "RANGE")
        self.assertEqual([], self.get("/v1/walk?limit=10000&offset=%d" % (2**31 - 2)).json["files"])


class Waiting(web.Case):
    def test_a_wait_ends_with_the_change(self):
        rev = self.get("/v1/rev").json["rev"]
        connection = self.http()
        connection.request("GET", "/v1/wait?glob=/q/*&rev=%d" % (rev + 1))
        self.put("/other", b"")
        self.put("/q/a", b"here")
        answer = web.Answer(connection.getresponse()).json
        self.assertEqual(("/q/a", "set", "here"), (answer["path"], answer["kind"], answer["value"]))
        # On the same connection, and for what has been.
        connection.request("GET", "/v1/wait?glob=/q/*&rev=%d" % (rev + 1))
        self.assertEqual(answer, web.Answer(connection.getresponse()).json)

    def test_it_does_not_last_for_ever(self):
        self.assertEqual(204, self.get("/v1/wait?glob=/never&timeout=0.05").status)
        self.assertError(self.get("/v1/wait?timeout=301"), 400, "OTHER")
        self.assertError(self.get("/v1/wait?glob=nonsense"), 400, "OTHER")

    def test_a_history_that_is_gone(self):
        self.web = self.port()
        self.start_web("-hist", "5", "-webwrite")
        for _ in range(10):
            self.put("/x", b"")
        self.assertError(self.get("/v1/wait?rev=1"), 410, "TOO_LATE")
        self.assertError(self.get("/v1/watch?rev=1"), 410, "TOO_LATE")

    def test_who_has_gone_waits_no_longer(self):
        connection = self.http()
        connection.request("GET", "/v1/wait?glob=/never")
        lab.poll(lambda: self.metric("doozer_requests_waiting") == 1)
        connection.close()
        lab.poll(lambda: self.metric("doozer_requests_waiting") == 0)

    def test_who_has_gone_waits_for_no_revision(self):
        connection = self.http()
        connection.request("GET", "/v1/file/x?rev=1000000")
        lab.poll(lambda: self.metric("doozer_requests_waiting") == 1)
        connection.close()
        lab.poll(lambda: self.metric("doozer_requests_waiting") == 0)

    def test_who_sends_nothing_more_is_answered(self):
        s = self.raw(b"GET /v1/rev HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        s.shutdown(web.socket.SHUT_WR)
        answer = b""
        while chunk := s.recv(4096):
            answer += chunk
        self.assertIn(b'{"rev":', answer)

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(name)


class Process(web.Case):
    def test_who_answers(self):
        client = self.connect(self.doozerd)
        answer = self.get("/v1/self").json
        self.assertEqual(client.call("SELF")["value"].decode(), answer["id"])
        self.assertIs(True, answer["webwrite"])
        self.assertEqual(client.rev(), self.get("/v1/rev").json["rev"])

    def test_health(self):
        self.assertEqual((200, b"alive\n"), (self.get("/healthz").status, self.get("/healthz").body))
        self.assertEqual((200, b"ready\n"), (self.get("/readyz").status, self.get("/readyz").body))

    def test_the_interfaces_document_names_what_there_is(self):
        document = self.get("/v1/openapi.json").json
        self.assertTrue(document["openapi"].startswith("3."))
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                answer = self.ask(method.upper(), path + ("?timeout=0&path=/x" if path != "/v1/watch" else ""),
                                  b"" if method == "put" else None) if path != "/v1/watch" else None
                if answer is not None:
                    self.assertIn(str(answer.status), operation["responses"], (path, method))
                if operation.get("security") != []:
                    self.assertLessEqual({"401", "421", "503"}, set(operation["responses"]), (path, method))
        self.assertIn("/v1/watch", document["paths"])
        text = json.dumps(document)
        for reference in set(web.json.loads(text)["components"]["schemas"]):
            self.assertIn("#/components/schemas/" + reference, text)

    def test_metrics_count_what_clients_do(self):
        # The process answers before its own first changes are applied. A write comes after them.
        self.connect(self.doozerd).put("/first", b"")
        before = self.counters()
        client = self.connect(self.doozerd)
        for _ in range(5):
            client.put("/m", b"x")
        client.call("SET", path="/m", value=b"", rev=0)
        client.get("/m")
        after = self.counters()
        grown = {name: after[name] - before.get(name, 0) for name in after}
        self.assertEqual(5, grown['doozer_requests_total{verb="SET",result="ok"}'])
        self.assertEqual(1, grown['doozer_requests_total{verb="SET",result="REV_MISMATCH"}'])
        self.assertEqual(1, grown['doozer_requests_total{verb="GET",result="ok"}'])
        self.assertEqual(6, grown['doozer_request_duration_seconds_count{verb="SET"}'])
        self.assertEqual(6, grown["doozer_batch_changes_sum"])
        self.assertEqual(1, grown["doozer_connections_accepted_total"])
        self.assertGreater(grown['doozer_bytes_total{direction="read"}'], 50)
        self.assertGreater(grown['doozer_bytes_total{direction="written"}'], 50)
        self.assertGreater(after["process_resident_memory_bytes"], 1 << 20)

    def counters(self):
        lines = self.get("/metrics").body.decode().splitlines()
        return {l.rpartition(" ")[0]: float(l.rpartition(" ")[2]) for l in lines if not l.startswith("#")}

    def test_requests_follow_each_other_on_one_connection(self):
        connection = self.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        text = b""
        while text.count(b"alive\n") < 3:
            text += connection.recv(65536)
        self.assertEqual(3, text.count(b"HTTP/1.1 200 OK"))

    def test_a_page_is_a_directory(self):
        """web.md: a path without a final slash is 404"""
        for path in ("/", "/ctl/", "/not/there/yet/"):
            answer = self.get(path)
            self.assertEqual((200, "text/html; charset=utf-8"), (answer.status, answer.headers["Content-Type"]))
        for path in ("/ctl", "/a_b/", "//", "/$assets/nothing.js", "/$assets/../page.html"):
            self.assertEqual(404, self.get(path).status, path)

    def test_assets_are_not_sent_twice(self):
        tag = self.get("/$assets/page.js").headers["ETag"]
        self.assertEqual(304, self.get("/$assets/page.js", headers={"If-None-Match": tag}).status)


class Starting(lab.Case):
    def test_a_taken_port_is_no_reason_not_to_start(self):
        """doozerd(8): if -w was not given and port 8000 is taken, doozerd goes on without a web view"""
        first = self.keep(lab.Server(self.port(), web=()))
        second = self.keep(lab.Server(self.port(), web=()))
        for server in (first, second):
            lab.poll(server.listens)
            self.connect(server).rev()
        self.assertRegex(first.stderr() + second.stderr(), r"no web view: listen 127.0.0.1:8000: ")

    def test_a_taken_port_that_was_asked_for_is_one(self):
        server = self.server()
        got = self.run_doozerd("-l", self.port().address, "-w", server.address)
        self.assertNotEqual(0, got.code)
        self.assertOneLine(got.stderr, "listen %s: Address already in use" % server.address)

    def test_no_web_view(self):
        server = self.server("-w", "false")
        self.assertNotIn("web view", server.stderr())


if __name__ == "__main__":
    lab.main()
