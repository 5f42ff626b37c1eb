#include "server/status.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace doozer::server {
namespace {

using base::microseconds;
using base::milliseconds;
using base::Revision;

replica::Status example() {
    replica::Status s;
    s.cluster = "local";
    s.lineage = {0x0123456789abcdef, 0xfedcba9876543210};
    s.id = "AAAAAAAAAAAAAAAA";
    s.address = "127.0.0.1:8046";
    s.version = "1.0";
    s.role = replica::Status::Role::member;
    s.rules = 4;
    s.revision = Revision(100);
    s.epoch = 3;
    s.quorum = true;
    s.voters = 2;
    s.majority = 2;
    s.free_slots = {"2"};
    replica::MemberStatus me;
    me.id = s.id;
    me.address = s.address;
    me.self = me.owner = me.up = true;
    me.slot = "0";
    me.applied = s.revision;
    me.lag = 0;
    me.silent = milliseconds(0);
    me.rtts = {{"BBBBBBBBBBBBBBBB", microseconds(120)}};
    replica::MemberStatus other;
    other.id = "BBBBBBBBBBBBBBBB";
    other.address = "\xff";
    other.rtt = microseconds(120);
    s.members = {me, other};
    s.lanes = {{s.id, 7, 9, 1}};
    return s;
}

boost::json::object parsed(std::string const& text) {
    return boost::json::parse(text).as_object();
}

TEST(Status, IsTheDocumentThatIsPromised) {
    Chronicle chronicle;
    chronicle.note(123, {consensus::Happened::sealed, consensus::Epoch(2)});
    ProcessFigures const figures{{1, 2}, 5, 6, 7, 1.5, LatencyWindow::Quantiles{40, 90, 200}};
    std::string const expected = R"({
        "cluster": "local", "lineage": "0123456789abcdeffedcba9876543210",
        "ancestors": ["00000000000000010000000000000002"], "restored_at": null,
        "id": "AAAAAAAAAAAAAAAA", "address": "127.0.0.1:8046", "role": "member", "version": "1.0",
        "protocol": {"speaks": [1, 2], "rules": 4},
        "revision": 100, "epoch": 3, "quorum": true, "voters": 2, "majority": 2,
        "members": [
          {"id": "AAAAAAAAAAAAAAAA", "address": "127.0.0.1:8046", "hostname": "", "version": "",
           "slot": "0", "self": true, "owner": true, "up": true, "silent_ms": 0, "applied": 100,
           "lag": 0, "rtt_us": null, "rtts_us": {"BBBBBBBBBBBBBBBB": 120}},
          {"id": "BBBBBBBBBBBBBBBB", "address": "?", "hostname": "", "version": "",
           "slot": null, "self": false, "owner": false, "up": false, "silent_ms": null,
           "applied": null, "lag": null, "rtt_us": 120, "rtts_us": {}}],
        "followers": [], "free_slots": ["2"],
        "lanes": [{"owner": "AAAAAAAAAAAAAAAA", "applied": 7, "chosen": 9, "pending": 1}],
        "connections": 5, "waiters": 6,
        "writes": {"total": 7, "per_second": 1.5},
        "commit_us": {"p50": 40, "p99": 90, "max": 200},
        "events": [{"seq": 1, "at_ms": 123, "kind": "seal", "text": "epoch 2 was sealed"}]})";
    auto const document = parsed(status_text(
        example(), {{"00000000000000010000000000000002"}, base::missing}, figures, chronicle));
    EXPECT_EQ(document, parsed(expected));
}

TEST(Status, HasAPartThatTellsTheStoreFromOthers) {
    EXPECT_EQ(store_text({"local", {1, 2}, {{}, Revision(1 << 20)}}),
              R"({"cluster":"local","lineage":"00000000000000010000000000000002",)"
              R"("ancestors":[],"restored_at":1048576})");
}

TEST(Status, HasNoLatencyWithoutWrites) {
    auto const document = parsed(status_text(example(), {}, {}, {}));
    EXPECT_TRUE(document.at("commit_us").is_null());
    EXPECT_TRUE(document.at("events").as_array().empty());
}

}  // namespace
}  // namespace doozer::server
