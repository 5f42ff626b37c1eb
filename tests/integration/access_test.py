"""Secrets: who may do what, in every state a connection can be in. protocol.md, Access."""

import lab
from wire import ERR, FAR, SET_FLAG, frame, request

DENIED = {"err_code": ERR["OTHER"], "err_detail": "permission denied"}
NEITHER, READS, WRITES = "", "r", "rw"

READING = [("GET", {"path": "/ctl/name"}), ("GET", {}), ("GET", {"path": "a"}), ("GET", {"path": "/x", "rev": FAR}),
           ("STAT", {"path": "/ctl/name"}), ("STAT", {}), ("GETDIR", {"path": "/", "offset": 0}), ("GETDIR", {}),
           ("WALK", {"path": "/**", "offset": 0}), ("WALK", {"path": "/_", "offset": 0}), ("WALK", {}),
           ("WAIT", {"path": "/ctl/name", "rev": 1}), ("WAIT", {"path": "/_", "rev": 1}), ("WAIT", {}),
           ("WAIT", {"path": "/x", "rev": FAR})]
WRITING = [("SET", {"path": "/s", "value": b"x", "rev": -1}), ("SET", {}), ("SET", {"path": "/a_b", "rev": -1}),
           ("DEL", {"path": "/s", "rev": -1}), ("DEL", {}), ("DEL", {"path": "a", "rev": -1}), ("NOP", {})]
FREE = [("REV", {}, "rev"), ("SELF", {}, "value")]


class Secrets(lab.Case):
    def with_secrets(self, rw=None, ro=None):
        env = {}
        if rw is not None:
            env["DOOZER_RWSECRET"] = rw
        if ro is not None:
            env["DOOZER_ROSECRET"] = ro
        self.server_ = self.server(env=env)
        return self.connect(self.server_)

    def assertMay(self, c, what):
        """What this connection may do, of all there is to do, is exactly `what`."""
        for verb, fields, name in FREE:
            self.assertEqual({name}, set(c.call(verb, **fields)), verb)
        for verb in (0, 4, 42, None):
            self.assertAnswer(c.call(verb), err="UNKNOWN_VERB")
        for letter, requests in (("r", READING), ("w", WRITING)):
            for verb, fields in requests:
                if letter in what:
                    if fields.get("rev") != FAR:
                        self.assertNotEqual(DENIED, c.call(verb, **fields), (verb, fields))
                else:
                    self.assertEqual(DENIED, c.call(verb, **fields), (verb, fields))

    def assertGrants(self, c, secret):
        self.assertAnswer(c.call("ACCESS", value=secret))

    def assertRefuses(self, c, secret):
        self.assertEqual(DENIED, c.call("ACCESS", value=secret))

    # ----- what a connection may do at its start, by the secrets that are set
    def test_no_secrets(self):
        """with no secrets set everybody may do everything"""
        c = self.with_secrets()
        self.assertMay(c, WRITES)
        self.assertGrants(c, b"")
        self.assertGrants(c, None)
        for wrong in (b"zz", b"\0"):
            self.assertRefuses(c, wrong)
        self.assertMay(c, WRITES)

    def test_read_write_secret_only(self):
        """with only RWSECRET set everybody may read"""
        c = self.with_secrets(rw="rw")
        self.assertMay(c, READS)
        self.assertGrants(c, b"")
        self.assertMay(c, READS)
        self.assertRefuses(c, b"ro")
        self.assertGrants(c, b"rw")
        self.assertMay(c, WRITES)

    def test_read_only_secret_only(self):
        """a connection starts as if it had sent ACCESS with an empty value: blank read-write secret"""
        c = self.with_secrets(ro="ro")
        self.assertMay(c, WRITES)
        self.assertGrants(c, b"ro")
        self.assertMay(c, WRITES)
        self.assertRefuses(c, b"wrong")

    def test_both_secrets(self):
        """with both set nobody may do anything"""
        c = self.with_secrets(rw="rw", ro="ro")
        self.assertMay(c, NEITHER)
        self.assertRefuses(c, b"")
        self.assertRefuses(c, None)
        self.assertMay(c, NEITHER)

    def test_an_empty_secret_is_none(self):
        """DOOZER_RWSECRET and DOOZER_ROSECRET: empty is not set"""
        self.assertMay(self.with_secrets(rw="", ro=""), WRITES)
        self.assertMay(self.with_secrets(rw="rw", ro=""), READS)

    # ----- what a secret grants
    def test_the_read_write_secret_grants_both(self):
        """the read-write secret grants both"""
        c = self.with_secrets(rw="rw", ro="ro")
        self.assertGrants(c, b"rw")
        self.assertMay(c, WRITES)

    def test_the_read_only_secret_grants_reading(self):
        """the read-only one reading"""
        c = self.with_secrets(rw="rw", ro="ro")
        self.assertGrants(c, b"ro")
        self.assertMay(c, READS)

    def test_a_wrong_secret_takes_nothing_away(self):
        """a wrong secret is refused and takes nothing away"""
        for secret, may in ((b"ro", READS), (b"rw", WRITES)):
            c = self.with_secrets(rw="rw", ro="ro")
            self.assertGrants(c, secret)
            for wrong in (b"bad", b"", None):
                self.assertRefuses(c, wrong)
            self.assertMay(c, may)

    def test_a_later_read_only_secret_does_not_downgrade(self):
        """a later read-only ACCESS does not downgrade"""
        c = self.with_secrets(rw="rw", ro="ro")
        self.assertGrants(c, b"rw")
        self.assertGrants(c, b"ro")
        self.assertMay(c, WRITES)

    def test_a_later_read_write_secret_upgrades(self):
        """the read-write secret grants both"""
        c = self.with_secrets(rw="rw", ro="ro")
        self.assertGrants(c, b"ro")
        self.assertGrants(c, b"rw")
        self.assertMay(c, WRITES)

    def test_one_secret_for_both(self):
        """the read-write secret grants both, also when it is the read-only one too"""
        c = self.with_secrets(rw="same", ro="same")
        self.assertMay(c, NEITHER)
        self.assertGrants(c, b"same")
        self.assertMay(c, WRITES)

    def test_nearly_the_secret(self):
        """ACCESS value: compares with the secrets, all of them and every byte"""
        c = self.with_secrets(rw="Secret-1", ro="other")
        for near in (b"Secret-", b"Secret-11", b"secret-1", b"Secret-1\0", b"\0Secret-1", b"Secret-2", b" Secret-1",
                     b"othe", b"other ", b"x" * 100000):
            self.assertRefuses(c, near)
        self.assertMay(c, NEITHER)
        self.assertGrants(c, b"Secret-1")

    def test_bytes_beyond_ascii(self):
        """a secret is bytes"""
        c = self.with_secrets(rw="gr\u00fcn&=?+ %", ro="ro")
        self.assertGrants(c, "gr\u00fcn&=?+ %".encode())
        self.assertMay(c, WRITES)

    # ----- whose it is, and where it goes
    def test_access_is_a_connections_own(self):
        """a connection starts as if it had sent ACCESS with an empty value"""
        c = self.with_secrets(rw="rw", ro="ro")
        self.assertGrants(c, b"rw")
        self.assertMay(self.other(c), NEITHER)

    def test_requests_behind_access_in_one_segment(self):
        """ACCESS holds for what comes after it on its connection"""
        c = self.with_secrets(rw="rw", ro="ro")
        c.raw(b"".join(map(frame, [request("GET", tag=1, path="/ctl/name"), request("ACCESS", tag=2, value=b"rw"),
                                   request("SET", tag=3, path="/s", value=b"x", rev=-1),
                                   request("GET", tag=4, path="/ctl/name")])))
        self.assertEqual(DENIED, c.take(1))
        self.assertAnswer(c.take(2))
        self.assertEqual({"rev"}, set(c.take(3)))
        self.assertEqual(b"local", c.take(4)["value"])

    def test_access_comes_before_everything(self):
        """Order of the checks: access first: no revision is used, nothing waits"""
        c = self.with_secrets(rw="rw", ro="ro")
        before = c.rev()
        self.assertMay(c, NEITHER)
        self.assertEqual(before, c.rev())

    def test_a_reader_waits_for_a_writers_change(self):
        """the read-only one reading: WAIT is reading"""
        reader = self.with_secrets(rw="rw", ro="ro")
        self.assertGrants(reader, b"ro")
        tag = reader.send("WAIT", path="/w", rev=reader.rev() + 1)
        writer = self.other(reader)
        self.assertGrants(writer, b"rw")
        rev = writer.put("/w", b"v")
        self.assertAnswer(reader.take(tag), flags=SET_FLAG, rev=rev, path="/w", value=b"v")

    def test_no_secret_is_ever_logged(self):
        """doozerd(8): secrets by the environment; what is tried in vain may be nearly one"""
        c = self.with_secrets(rw="first-secret", ro="second-secret")
        self.assertRefuses(c, b"third-secret")
        self.assertGrants(c, b"first-secret")
        self.assertEqual(0, self.server_.stop())
        self.assertNotRegex(self.server_.stderr(), "(first|second|third)-secret")


if __name__ == "__main__":
    lab.main()
