// WATCH and CANCEL: protocol.md, Streams.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "replica/ancestry.h"
#include "replica/replica.h"

namespace doozer::replica {
namespace {

constexpr SessionId alice{1};
constexpr SessionId bob{2};
constexpr Tag stream{7};

Options options() {
    Options o;
    o.identity = {"ABCDEFGHIJKLMNOP", "local", "127.0.0.1:8046", "host", "1.1"};
    o.pulse = seconds(3600);
    o.lineage = {0x0123456789abcdef, 0x1122334455667788};
    o.store.history_revisions = 1000;
    return o;
}

class WatchTest : public testing::Test {
  protected:
    WatchTest() : replica(options()) {
        step(Started{});
        step(SessionOpened{alice});
        step(SessionOpened{bob});
    }

    void step(Input const& input) { replica.step(now, input, effects); }
    void send(SessionId session, Request const& request) { step(ClientRequest{session, request}); }
    void end_turn() { step(TurnEnded{}); }
    void drain() { step(OutputLeft{alice, 0}); }

    std::vector<Reply> replies(SessionId session = alice) {
        std::vector<Reply> out;
        std::erase_if(effects.replies, [&](Reply& reply) {
            if (reply.session != session) return false;
            out.push_back(reply);
            return true;
        });
        return out;
    }

    void set(std::string const& path, std::string_view value = "") {
        Request r;
        r.verb = Verb::set;
        r.path = path;
        r.value = value;
        r.rev = clobber;
        send(bob, r);
        end_turn();
        replies(bob);
    }

    static Request watch_request(std::string_view glob, std::optional<std::int64_t> rev = {},
                                 std::optional<std::int32_t> what = {}) {
        Request r;
        r.tag = stream;
        r.verb = Verb::watch;
        r.path = glob;
        if (rev) r.rev = Revision(*rev);
        r.options = what;
        return r;
    }
    static Request plain(Verb verb, Tag tag) {
        Request r;
        r.verb = verb;
        r.tag = tag;
        return r;
    }
    static Request cancel_request(Tag of) {
        Request r = plain(Verb::cancel, Tag(99));
        r.other_tag = of;
        return r;
    }

    /// Begins a stream whose first answer is taken.
    void watch(Request const& request) {
        send(alice, request);
        auto const all = replies();
        ASSERT_GE(all.size(), 1U);
        ASSERT_FALSE(all[0].error);
        for (std::size_t i = 1; i < all.size(); ++i) note(all[i]);
    }
    void note(Reply const& reply) {
        for (ReplyEvent const& event : reply.events->events) seen.push_back(event);
    }
    /// The paths of the events that have come for alice; nothing else may have come.
    std::vector<std::string> paths() {
        for (Reply const& reply : replies()) {
            EXPECT_EQ(reply.tag, stream);
            EXPECT_FALSE(reply.error);
            note(reply);
        }
        std::vector<std::string> out;
        for (ReplyEvent const& event : std::exchange(seen, {})) {
            out.emplace_back(event.path.view());
        }
        return out;
    }
    using Paths = std::vector<std::string>;
    std::int64_t revision() { return replica.store().revision().value(); }

    Instant now{1};
    Effects effects;
    Replica replica;
    std::vector<ReplyEvent> seen;
};

TEST_F(WatchTest, TheFirstAnswerComesAtOnceWithTheLineageAndTheRevision) {
    send(alice, watch_request("/a/*"));
    auto const all = replies();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].tag, stream);
    EXPECT_EQ(all[0].applied, Revision(revision()));
    ASSERT_TRUE(all[0].events);
    EXPECT_EQ(all[0].events->lineage,
              "\x01\x23\x45\x67\x89\xab\xcd\xef\x11\x22\x33\x44\x55\x66\x77\x88");
    EXPECT_TRUE(all[0].events->goes_on);
    EXPECT_TRUE(all[0].events->events.empty());
}

TEST_F(WatchTest, TellsWhatHappensFromNowOn) {
    set("/a/1", "before");
    watch(watch_request("/a/*"));
    set("/a/2", "v");
    set("/b");
    auto const all = replies();
    ASSERT_EQ(all.size(), 1U);
    ASSERT_EQ(all[0].events->events.size(), 1U);
    ReplyEvent const& event = all[0].events->events[0];
    EXPECT_EQ(event.path.view(), "/a/2");
    EXPECT_EQ(event.value.view(), "v");
    EXPECT_EQ(event.flags, flag_set);
    EXPECT_EQ(event.rev, Revision(revision() - 1));
    EXPECT_FALSE(event.before_rev);
    set("/a/3");
    set("/a/4");
    EXPECT_EQ(paths(), (Paths{"/a/3", "/a/4"}));
}

TEST_F(WatchTest, TellsThePastAndThenWhatFollows) {
    std::int64_t const from = revision() + 1;
    for (char const* path : {"/a/1", "/b", "/a/2"}) set(path);
    watch(watch_request("/a/*", from));
    set("/a/3");
    EXPECT_EQ(paths(), (Paths{"/a/1", "/a/2", "/a/3"}));
}

TEST_F(WatchTest, ARevisionToComeIsWaitedFor) {
    watch(watch_request("/a", revision() + 3));
    for (int i = 0; i < 4; ++i) set("/a", std::to_string(i));
    auto const all = replies();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].events->events[0].value.view(), "2");
}

TEST_F(WatchTest, EveryKindOfGlobIsServed) {
    int tag = 1;
    for (char const* glob : {"/a/b", "/a/*", "/a/**", "/**b", "/?/b", "/*/*", "/*/b*"}) {
        Request r = watch_request(glob);
        r.tag = Tag(tag++);
        send(alice, r);
    }
    replies();
    for (int round = 0; round < 3; ++round) {
        set("/a/b");
        EXPECT_EQ(replies().size(), 7U);
        set("/c");
        EXPECT_TRUE(replies().empty());
    }
}

TEST_F(WatchTest, TellsTheStateFirstAndThenThatItIsComplete) {
    set("/a/1");
    set("/b");
    set("/a/2");
    send(alice, watch_request("/a/*", {}, watch_state));
    auto const all = replies();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[1].events->events.size(), 2U);
    EXPECT_EQ(all[1].events->complete, Revision(revision()));
    EXPECT_EQ(all[1].applied, Revision(revision()));
    set("/a/3");
    EXPECT_EQ(paths(), Paths{"/a/3"});
    replies();
    Request r = watch_request("/none", {}, watch_state);
    r.tag = Tag(8);
    send(alice, r);
    auto const none = replies();
    ASSERT_EQ(none.size(), 2U);
    EXPECT_TRUE(none[1].events->complete);
}

TEST_F(WatchTest, TellsWhatWasThereBefore) {
    set("/a", "old");
    std::int64_t const old = revision();
    watch(watch_request("/*", {}, watch_before));
    set("/a", "new");
    set("/new");
    Request del = plain(Verb::del, Tag(1));
    del.path = "/a";
    del.rev = clobber;
    send(bob, del);
    end_turn();
    for (Reply const& reply : replies()) note(reply);
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen[0].before_rev, Revision(old));
    EXPECT_EQ(seen[0].before_value.view(), "old");
    EXPECT_EQ(seen[1].before_rev, missing);
    EXPECT_EQ(seen[2].flags, flag_del);
    EXPECT_EQ(seen[2].before_value.view(), "new");
}

// Without the order, who has the answer of a REV could not know that nothing of before is to come.
TEST_F(WatchTest, AnAnswerOvertakesNoEvent) {
    watch(watch_request("/a"));
    Request write = plain(Verb::set, Tag(1));
    write.path = "/a";
    write.rev = clobber;
    send(alice, write);
    end_turn();
    auto all = replies();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].tag, stream);
    EXPECT_EQ(all[1].tag, Tag(1));
}

TEST_F(WatchTest, AConnectionWithoutRoomIsToldNothingAndItsAnswersWait) {
    watch(watch_request("/a"));
    std::string const value(100'000, 'x');
    for (int i = 0; i < 10; ++i) set("/a", value);
    std::size_t const told = replies().size();
    EXPECT_LT(told, 8U);
    send(alice, plain(Verb::rev, Tag(1)));
    end_turn();
    EXPECT_TRUE(replies().empty());
    EXPECT_GT(replica.kept_bytes(alice), 0U);
    set("/b");
    drain();
    auto all = replies();
    ASSERT_EQ(all.size(), 10 - told + 1);
    EXPECT_EQ(all.back().tag, Tag(1));
    EXPECT_LT(all.back().rev, Revision(revision())) << "it is what it was when it was asked";
    EXPECT_EQ(replica.kept_bytes(alice), 0U);
}

TEST_F(WatchTest, ACancelGoesOutAlthoughThereIsNoRoomAndWithItWhatWaited) {
    watch(watch_request("/a"));
    std::string const value(100'000, 'x');
    for (int i = 0; i < 10; ++i) set("/a", value);
    replies();
    send(alice, plain(Verb::rev, Tag(1)));
    EXPECT_TRUE(replies().empty());
    send(alice, cancel_request(stream));
    auto const all = replies();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_TRUE(all[0].tag == stream && all[0].events->end && !all[0].error);
    EXPECT_EQ(all[1].tag, Tag(99));
    EXPECT_EQ(all[2].tag, Tag(1));
    EXPECT_EQ(replica.streams(), 0U);
    EXPECT_EQ(replica.kept_bytes(), 0U);
}

TEST_F(WatchTest, AReaderThatIsTooSlowIsTooLateAndTheRestGoesOn) {
    watch(watch_request("/a"));
    std::string const value(100'000, 'x');
    for (int i = 0; i < 10; ++i) set("/a", value);
    replies();
    send(alice, plain(Verb::rev, Tag(1)));
    for (int i = 0; i < 1100; ++i) set("/b");
    auto const all = replies();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].error->code, Errc::too_late);
    EXPECT_TRUE(all[0].events->end);
    EXPECT_EQ(all[1].tag, Tag(1));
}

TEST_F(WatchTest, AnIdleStreamIsNeverTooLate) {
    watch(watch_request("/a"));
    for (int i = 0; i < 1100; ++i) set("/b");
    set("/a");
    EXPECT_EQ(paths(), Paths{"/a"});
}

TEST_F(WatchTest, CancelEndsAWaitAndCancellingNothingSucceeds) {
    Request wait = plain(Verb::wait, Tag(5));
    wait.path = "/a";
    wait.rev = Revision(revision() + 1);
    send(alice, wait);
    send(alice, cancel_request(Tag(5)));
    auto const all = replies();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_TRUE(all[0].tag == Tag(5) && all[0].events->end);
    EXPECT_FALSE(all[1].error);
    EXPECT_EQ(replica.waiting(), 0U);
    send(alice, wait);  // now that WAITs are entered by their tags
    wait.tag = Tag(6);
    send(alice, wait);
    send(alice, cancel_request(Tag(6)));
    EXPECT_EQ(replies().size(), 2U);
    send(alice, cancel_request(Tag(6)));
    EXPECT_EQ(replies().size(), 1U);
    set("/a");
    EXPECT_EQ(replies().size(), 1U);
    send(bob, cancel_request(Tag(5)));
    EXPECT_EQ(replies(bob).size(), 1U);
}

TEST_F(WatchTest, AWaitIsCancelledWhileItSearches) {
    Request wait = plain(Verb::wait, Tag(5));
    std::string glob = "/";
    while (glob.size() < 3000) glob += "*a";
    glob += "*c*";
    wait.path = glob;
    wait.rev = Revision(1);
    for (int i = 0; i < 40; ++i) set("/" + std::string(3900, 'a'));
    for (int round = 0; round < 3; ++round) {
        send(alice, wait);
        EXPECT_TRUE(replica.is_searching(alice));
        send(alice, cancel_request(Tag(5)));
        EXPECT_EQ(replies().size(), 2U);
        send(alice, wait);
    }
    for (int turn = 0; turn < 100; ++turn) end_turn();
    EXPECT_TRUE(replies().empty());
    EXPECT_EQ(replica.waiting(), 3U);
}

TEST_F(WatchTest, IsRefusedWithAnEnd) {
    auto const refusal = [&](Request const& request) {
        send(alice, request);
        auto const all = replies();
        EXPECT_EQ(all.size(), 1U);
        EXPECT_TRUE(!all[0].events || all[0].events->end);
        return all[0].error.value();
    };
    Request r = watch_request("/a");
    r.tag.reset();
    EXPECT_EQ(refusal(r).code, Errc::missing_arg);
    r = watch_request("/a");
    r.path.reset();
    EXPECT_EQ(refusal(r).code, Errc::missing_arg);
    EXPECT_EQ(refusal(plain(Verb::cancel, Tag(1))).code, Errc::missing_arg);
    EXPECT_EQ(refusal(watch_request("/[")).detail, "invalid glob pattern: /[");
    EXPECT_EQ(refusal(watch_request("/a", {}, 4)).detail, "unknown options");
    for (int i = 0; i < 1100; ++i) set("/b");
    EXPECT_EQ(refusal(watch_request("/a", 1)).code, Errc::too_late);
    watch(watch_request("/a"));
    EXPECT_EQ(refusal(watch_request("/a")).code, Errc::tag_in_use);

    step(AccessChanged{Access{"read-write", "read-only"}});
    step(SessionOpened{SessionId(3)});
    send(SessionId(3), watch_request("/a"));
    EXPECT_EQ(replies(SessionId(3)).at(0).error->detail, "permission denied");
}

TEST_F(WatchTest, TheStreamsOfAConnectionAreBounded) {
    for (std::size_t i = 0; i <= streams_per_session_max; ++i) {
        Request r = watch_request("/a");
        r.tag = Tag(static_cast<std::int32_t>(i));
        send(alice, r);
    }
    auto const all = replies();
    EXPECT_FALSE(all[all.size() - 2].error);
    EXPECT_TRUE(all.back().error && all.back().events->end);
    EXPECT_EQ(replica.streams(alice), streams_per_session_max);
    EXPECT_EQ(replica.kept_bytes(alice), 0U) << "streams do not stop it from being read";
    EXPECT_GT(replica.all_bytes(alice), streams_per_session_max * 1024);
    EXPECT_EQ(replica.kept_bytes(), replica.all_bytes(alice));
    step(SessionClosed{alice});
    EXPECT_EQ(replica.kept_bytes(), 0U);
    set("/a");
    EXPECT_TRUE(replies().empty());
}

TEST_F(WatchTest, AnotherLineageIsAnotherCluster) {
    Request r = watch_request("/a");
    r.lineage =
        std::string_view("\x01\x23\x45\x67\x89\xab\xcd\xef\x11\x22\x33\x44\x55\x66\x77\x88", 16);
    watch(r);
    r.tag = Tag(8);
    r.lineage = "0123456789abcdef";
    send(alice, r);
    auto const all = replies();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].error->detail, "another cluster");
    EXPECT_TRUE(all[0].events->end);
}

TEST_F(WatchTest, ManyStreamsHaveTheirTurns) {
    for (int i = 0; i < 500; ++i) set("/a/" + std::to_string(i));
    for (int i = 0; i < 200; ++i) {
        Request r = watch_request("/a/*", revision() - 499);
        r.tag = Tag(i);
        send(alice, r);
    }
    std::size_t events = 0;
    auto const count = [&] {
        for (Reply const& reply : replies()) events += reply.events->events.size();
    };
    int turns = 0;
    for (; events < 200U * 500U && turns < 1000; ++turns) {
        count();
        end_turn();
        count();
        drain();
    }
    EXPECT_GT(turns, 5) << "a turn is bounded";
    EXPECT_LT(turns, 1000);
}

}  // namespace
}  // namespace doozer::replica
