// What becomes of each kind of request when its connection is lost, at each point.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/fake_server.h"

namespace doozer::client {
namespace {

using std::chrono::milliseconds;

Reply rev_reply(std::int64_t rev) {
    Reply reply;
    reply.rev = rev;
    return reply;
}

/// A client that knows two servers and is connected to the first.
class Failover : public testing::Test {
  protected:
    Failover() : pair_(connect(first_, uri_of({&first_, &second_}))) {}

    Client& client() { return pair_.client; }
    Peer& at_first() { return pair_.peer; }
    Peer accept_at_second(std::initializer_list<std::string> secrets = {}) {
        Peer peer = second_.accept();
        peer.shake_hands(secrets);
        return peer;
    }

    /// The outcome of a call as text, when it is there.
    template <typename T>
    Callback<T> note(std::string const& name) {
        return [this, name](Result<T> const& r) {
            std::lock_guard const lock(mutex_);
            outcomes_[name] += r.ok() ? "ok" : std::string(name_of(r.error().code));
            changed_.notify_all();
        };
    }
    std::string outcome(std::string const& name) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return outcomes_.contains(name); });
        return outcomes_[name];
    }

    FakeServer first_;
    FakeServer second_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::string> outcomes_;
    Pair pair_;
};

TEST_F(Failover, ReadsAreAskedAgainOnTheNextServer) {
    client().async_get("/a", {}, note<File>("get"));
    client().async_stat("/a", Revision(4), note<Stat>("stat"));
    client().async_walk_at("/*", 2, {}, note<Event>("walk"));
    client().async_getdir_at("/", 0, {}, note<std::string>("getdir"));
    client().async_rev(note<Revision>("rev"));
    client().async_self(note<std::string>("self"));
    client().async_wait("/b", Revision(9), {}, note<Event>("wait"));
    client().async_access("s", note<Done>("access"));
    at_first().next(8);
    at_first().close();

    Peer peer = accept_at_second();
    Reply everything = event(1, "/a", "v");
    everything.len = 1;
    for (std::string const text :
         {"GET /a", "STAT /a rev=4", "WALK /* offset=2", "GETDIR / offset=0", "REV", "SELF",
          "WAIT /b rev=9", "ACCESS value=s"})
        peer.answer(peer.expect(text), everything);
    for (std::string const name :
         {"get", "stat", "walk", "getdir", "rev", "self", "wait", "access"})
        EXPECT_EQ(outcome(name), "ok") << name;
}

TEST_F(Failover, ReadsAreAskedAgainInTheOrderInWhichTheyWereStarted) {
    client().async_get("/a", {}, note<File>("a"));
    client().async_get("/b", {}, note<File>("b"));
    at_first().answer(at_first().expect("GET /a"), rev_reply(0));
    at_first().expect("GET /b");
    EXPECT_EQ(outcome("a"), "ok");
    client().async_get("/c", {}, note<File>("c"));  // has the tag that /a had
    at_first().expect("GET /c");
    at_first().close();
    Peer peer = accept_at_second();
    peer.expect("GET /b");
    peer.expect("GET /c");
}

TEST_F(Failover, WritesWithoutAnAnswerHaveAnUnknownOutcomeAndAreNotRepeated) {
    client().async_set("/a", "v", missing, note<Revision>("set"));
    client().async_del("/a", clobber, note<Done>("del"));
    client().async_nop(note<Done>("nop"));
    client().async_get("/a", {}, note<File>("get"));
    at_first().next(4);
    at_first().close();
    for (std::string const name : {"set", "del", "nop"})
        EXPECT_EQ(outcome(name), "UNKNOWN_OUTCOME") << name;
    Peer peer = accept_at_second();
    peer.answer(peer.expect("GET /a"), rev_reply(1));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, AWriteWithAnAnswerIsDoneEvenIfTheConnectionIsLostBehindIt) {
    client().async_set("/a", "v", missing, note<Revision>("set"));
    at_first().answer(at_first().next(), rev_reply(5));
    at_first().close();
    EXPECT_EQ(outcome("set"), "ok");
}

TEST_F(Failover, HalfAnAnswerIsNone) {
    client().async_set("/a", "v", missing, note<Revision>("set"));
    at_first().next();
    at_first().send_bytes(std::string("\0\0\0\4\x08", 5));
    at_first().close();
    EXPECT_EQ(outcome("set"), "UNKNOWN_OUTCOME");
}

TEST_F(Failover, WritesThatWereNotSentGoToTheNextServer) {
    at_first().close();
    first_.refuse();
    Peer second = second_.accept();  // the client is between two servers until this one answers
    client().async_set("/a", "v", missing, note<Revision>("set"));
    client().async_del("/b", clobber, note<Done>("del"));
    second.shake_hands();
    second.answer(second.expect("SET /a value=v rev=0"), rev_reply(5));
    second.answer(second.expect("DEL /b rev=-1"), {});
    EXPECT_EQ(outcome("set"), "ok");
    EXPECT_EQ(outcome("del"), "ok");
}

TEST_F(Failover, OfManyWritesEachIsSentOnceAndHasOneOutcome) {
    constexpr std::size_t n = 100;
    std::string const value(400'000, 'v');  // together far more than the sockets hold
    std::vector<std::promise<std::string>> outcomes(n);
    for (std::size_t i = 0; i < n; ++i) {
        client().async_set("/" + std::to_string(i), value, missing, [&outcomes, i](auto const& r) {
            outcomes[i].set_value(r.ok() ? "ok" : std::string(name_of(r.error().code)));
        });
    }
    std::set<std::string> seen;
    for (int i = 0; i < 3; ++i) seen.insert(*at_first().next().path);
    at_first().close();

    std::vector<std::string> seen_at_second;
    Peer peer = accept_at_second();
    peer.serve([&](Question const& q) {
        seen_at_second.push_back(*q.path);
        return rev_reply(1);
    });
    std::vector<std::string> how(n);
    for (std::size_t i = 0; i < n; ++i) how[i] = outcomes[i].get_future().get();
    peer.stop();
    std::size_t unknown = 0;
    for (std::size_t i = 0; i < n; ++i) {
        std::string const path = "/" + std::to_string(i);
        auto const times = std::count(seen_at_second.begin(), seen_at_second.end(), path);
        if (how[i] == "UNKNOWN_OUTCOME") {
            ++unknown;
            EXPECT_EQ(times, 0) << path;
        } else {
            EXPECT_EQ(how[i], "ok");
            EXPECT_EQ(times, 1) << path;
            EXPECT_FALSE(seen.contains(path)) << path;
        }
    }
    EXPECT_GE(unknown, 3U);
    EXPECT_GT(seen_at_second.size(), 0U);
}

TEST_F(Failover, GoesAroundTheAddresses) {
    auto const ask = [&](Peer& peer) {
        auto rev = std::async(std::launch::async, [&] { return client().rev(); });
        peer.answer(peer.expect("REV"), rev_reply(3));
        EXPECT_TRUE(rev.get().ok());
        return client().address();
    };
    EXPECT_EQ(ask(at_first()), first_.address());
    at_first().close();
    Peer second = accept_at_second();
    EXPECT_EQ(ask(second), second_.address());
    second.close();
    Peer first = first_.accept();
    first.shake_hands();
    EXPECT_EQ(ask(first), first_.address());
}

TEST_F(Failover, ServersThatAreLostRightBehindTheHandshakeArePassedOver) {
    client().async_get("/a", {}, note<File>("get"));
    at_first().close();
    for (int i = 0; i < 20; ++i) {
        accept_at_second().close();
        Peer first = first_.accept();
        first.shake_hands();
    }
    Peer peer = accept_at_second();
    peer.answer(peer.expect("GET /a"), rev_reply(0));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, TriesUntilAServerIsBack) {
    first_.refuse();
    second_.refuse();
    at_first().close();
    client().async_get("/a", {}, note<File>("get"));
    second_.listen();
    Peer peer = accept_at_second();
    peer.answer(peer.expect("GET /a"), rev_reply(0));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, LosingTheConnectionTwiceLosesNoRead) {
    client().async_get("/a", {}, note<File>("get"));
    at_first().next();
    at_first().close();
    Peer second = accept_at_second();
    second.expect("GET /a");
    second.close();
    Peer first = first_.accept();
    first.shake_hands();
    first.answer(first.expect("GET /a"), rev_reply(0));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, AServerThatIsLostBeforeItAnswersIsPassedOver) {
    client().async_get("/a", {}, note<File>("get"));
    at_first().next();
    at_first().close();
    {
        Peer dying = second_.accept();
        dying.next();
    }
    Peer first = first_.accept();
    first.shake_hands();
    first.answer(first.expect("GET /a"), rev_reply(0));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, AListingGoesOnAtItsRevision) {
    client().async_walk("/*", {}, note<std::vector<Event>>("walk"));
    at_first().answer(at_first().expect("REV"), rev_reply(40));
    at_first().answer(at_first().expect("WALK /* offset=0 rev=40"), event(1, "/0", ""));
    at_first().expect("WALK /* offset=1 rev=40");
    at_first().close();
    Peer peer = accept_at_second();
    peer.serve([&](Question const& q) {
        EXPECT_EQ(q.rev, 40);
        return q.offset < 5 ? event(1, "/" + std::to_string(*q.offset), "")
                            : refused(base::Errc::range);
    });
    EXPECT_EQ(outcome("walk"), "ok");
}

TEST_F(Failover, WhatTimesOutWithoutAConnectionIsNotSentLater) {
    first_.refuse();
    at_first().close();
    Peer second = second_.accept();
    client().async_wait("/a", Revision(1), milliseconds(5), note<Event>("wait"));
    EXPECT_EQ(outcome("wait"), "TIMEOUT");
    client().async_get("/b", {}, note<File>("get"));
    second.shake_hands();
    second.answer(second.expect("GET /b"), rev_reply(0));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, TheTagOfATimeoutIsFreeOnTheNextConnection) {
    client().async_wait("/a", Revision(1), milliseconds(5), note<Event>("wait"));
    auto const late = at_first().expect("WAIT /a rev=1");
    EXPECT_EQ(outcome("wait"), "TIMEOUT");
    at_first().close();
    Peer peer = accept_at_second();
    client().async_get("/b", {}, note<File>("get"));
    auto const question = peer.expect("GET /b");
    EXPECT_EQ(question.tag, late.tag);
    peer.answer(question, rev_reply(0));
    EXPECT_EQ(outcome("get"), "ok");
}

TEST_F(Failover, SecretsThatWereAcceptedArePresentedAgain) {
    client().async_access("right", note<Done>("right"));
    client().async_access("wrong", note<Done>("wrong"));
    at_first().answer(at_first().expect("ACCESS value=right"), {});
    at_first().answer(at_first().expect("ACCESS value=wrong"),
                      refused(base::Errc::other, "permission denied"));
    EXPECT_EQ(outcome("right"), "ok");
    EXPECT_EQ(outcome("wrong"), "OTHER");
    at_first().close();
    Peer peer = accept_at_second({"right"});
}

TEST_F(Failover, AServerThatSendsNonsenseIsLeft) {
    for (std::string const& nonsense :
         {std::string("\x80\0\0\0", 4), std::string("\0\0\0\1\x08", 5),
          std::string("\0\0\0\2\x08\x63", 6), std::string("\0\0\0\0", 4)}) {
        FakeServer first;
        FakeServer second;
        Pair pair = connect(first, uri_of({&first, &second}));
        pair.peer.send_bytes(nonsense);
        Peer peer = second.accept();
        peer.shake_hands();
        pair.peer.expect_closed();
    }
}

TEST(Heartbeat, AServerThatSaysNothingIsAskedAndThenLeft) {
    FakeServer first;
    FakeServer second;
    Timing timing = fast();
    timing.heartbeat_after = milliseconds(20);
    timing.silence_max = milliseconds(520);
    Pair pair = connect(first, uri_of({&first, &second}), {}, timing);
    std::promise<Errc> code;
    pair.client.async_set("/a", "", clobber,
                          [&](Result<Revision> const& r) { code.set_value(r.error().code); });
    pair.peer.expect("SET /a value= rev=-1");
    pair.peer.answer(pair.peer.expect("REV"), rev_reply(1));  // alive, if slow
    pair.peer.expect("REV");
    Peer peer = second.accept();
    peer.shake_hands();
    EXPECT_EQ(code.get_future().get(), Errc::unknown_outcome);
}

}  // namespace
}  // namespace doozer::client
