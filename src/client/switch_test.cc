// A client that leaves a server because another is better: what it asks for, what becomes of its
// writes, and that its reads never go back.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "client/fake_server.h"
#include "client/learner.h"

namespace doozer::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

Reply rev_reply(std::int64_t rev) {
    Reply reply;
    reply.rev = rev;
    return reply;
}

Reply applied_reply(std::int64_t applied) {
    Reply reply;
    reply.applied = applied;
    return reply;
}

Reply const readonly = refused(base::Errc::readonly, "not here");

template <typename T>
struct Outcome {
    std::promise<std::string> promise = {};
    std::future<std::string> future = promise.get_future();
    Callback<T> note() {
        return
            [this](Result<T> const& r) { promise.set_value(r.ok() ? "ok" : r.error().message()); };
    }
    std::string text() {
        if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready) return "none";
        return future.get();
    }
};

Peer accept(FakeServer& server, std::int64_t rev = 1) {
    Peer peer = server.accept();
    peer.shake_hands({}, rev);
    return peer;
}

/// A server in which nothing can be learned.
void answer_nothing_to_learn(Peer& peer) {
    Reply id;
    id.value = "server";
    peer.answer(peer.expect("SELF"), id);
    peer.answer(peer.expect("GET /ctl/name"), rev_reply(0));
}

/// Answers what the library asks to find the members, of which the first has this id; returns the
/// WAIT for changes that follows.
Question answer_members(Peer& peer, std::string const& id,
                        std::vector<std::string> const& addresses, std::int64_t rev) {
    peer.answer(peer.expect("REV"), rev_reply(rev));
    for (;;) {
        Question question = peer.next();
        if (question.verb != base::Verb::walk) {
            EXPECT_EQ(question.text(), "WAIT /ctl/ns/c/* rev=" + std::to_string(rev + 1));
            return question;
        }
        EXPECT_EQ(question.path, "/ctl/ns/c/*");
        EXPECT_EQ(question.rev, rev);
        auto const i = static_cast<std::size_t>(*question.offset);
        std::string const name = i == 0 ? id : std::to_string(i);
        if (i < addresses.size())
            peer.answer(question, event(3, "/ctl/ns/c/" + name, addresses[i]));
        else
            peer.answer(question, refused(base::Errc::range));
    }
}

void answer_name(Peer& peer, std::string const& id) {
    Reply self;
    self.value = id;
    peer.answer(peer.expect("SELF"), self);
    Reply name = rev_reply(2);
    name.value = "c";
    peer.answer(peer.expect("GET /ctl/name"), name);
}

Timing learning() {
    Timing timing = fast();
    timing.learn_after = milliseconds(1);
    return timing;
}

// --- reads that never go back --------------------------------------------------------------------

TEST(NeverBack, AReadNamesTheHighestRevisionThatWasMet) {
    FakeServer server;
    Pair pair = connect(server);
    auto const ask = [&](std::int64_t expected, Reply const& reply) {
        Outcome<File> outcome;
        pair.client.async_get("/a", {}, outcome.note());
        Question const question = pair.peer.expect("GET /a");
        EXPECT_EQ(question.min_rev, expected);
        pair.peer.answer(question, reply);
        EXPECT_EQ(outcome.text(), "ok");
    };
    ask(1, rev_reply(5));
    Reply missing_file = rev_reply(0);
    missing_file.applied = 9;
    ask(5, missing_file);
    Outcome<Done> del;
    pair.client.async_del("/a", clobber, del.note());
    Question const deletion = pair.peer.expect("DEL /a rev=-1");
    EXPECT_EQ(deletion.min_rev, 0);
    pair.peer.answer(deletion, applied_reply(12));
    EXPECT_EQ(del.text(), "ok");
    ask(12, rev_reply(1));
    Outcome<Revision> cas;
    pair.client.async_set("/a", "v", Revision(1), cas.note());
    Reply mismatch = refused(base::Errc::rev_mismatch);
    mismatch.applied = 20;
    pair.peer.answer(pair.peer.expect("SET /a value=v rev=1"), mismatch);
    EXPECT_EQ(cas.text(), "REV_MISMATCH");
    ask(20, rev_reply(1));
}

TEST(NeverBack, WhatNamesARevisionIsAskedAsItIs) {
    FakeServer server;
    Pair pair = connect(server);
    pair.client.async_get("/a", Revision(3), nullptr);
    EXPECT_FALSE(pair.peer.expect("GET /a rev=3").min_rev);
    pair.client.async_wait("/a", Revision(3), {}, nullptr);
    EXPECT_FALSE(pair.peer.expect("WAIT /a rev=3").min_rev);
}

TEST(NeverBack, NeitherOnTheNextServer) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Outcome<Revision> set;
    pair.client.async_set("/a", "v", clobber, set.note());
    pair.peer.answer(pair.peer.expect("SET /a value=v rev=-1"), rev_reply(40));
    EXPECT_EQ(set.text(), "ok");
    pair.peer.close();
    Peer peer = accept(second, 30);
    pair.client.async_stat("/a", {}, nullptr);
    EXPECT_EQ(peer.expect("STAT /a").min_rev, 40);
    pair.client.async_getdir("/", {}, [](auto const&) {});
    peer.answer(peer.expect("REV"), rev_reply(35));
    peer.expect("GETDIR / offset=0 rev=40");
}

TEST(NeverBack, AServerThatDoesNotCatchUpIsAnError) {
    FakeServer first;
    Timing timing = fast();
    timing.catch_up = milliseconds(5);
    Pair pair = connect(first, uri_of({&first}), {}, timing);
    Outcome<Revision> set;
    pair.client.async_set("/a", "v", clobber, set.note());
    pair.peer.answer(pair.peer.expect("SET /a value=v rev=-1"), rev_reply(1'000'000));
    EXPECT_EQ(set.text(), "ok");
    pair.peer.close();

    Outcome<File> get;
    pair.client.async_get("/a", {}, get.note());
    Peer peer = accept(first, 12);
    Question const waits = peer.expect("GET /a");
    peer.answer(peer.expect("REV"), rev_reply(13));
    answer_nothing_to_learn(peer);
    EXPECT_EQ(get.text(), first.address() +
                              " is at revision 13, but this client has met revision 1000000: it "
                              "lags, or what was there before is lost");
    Outcome<File> again;
    pair.client.async_get("/b", {}, again.note());  // not even sent
    EXPECT_NE(again.text(), "ok");

    peer.answer(peer.expect("REV"), rev_reply(1'000'000));
    peer.answer(waits, rev_reply(5));  // which nobody waits for
    for (std::string now = "none"; now != "ok";) {
        Outcome<File> later;
        pair.client.async_get("/c", {}, later.note());
        if (later.future.wait_for(milliseconds(20)) != std::future_status::ready)
            peer.answer(peer.expect("GET /c"), rev_reply(6));
        now = later.text();
    }
}

// --- linearizable reads --------------------------------------------------------------------------

TEST(LinearRead, AsksForTheNewest) {
    FakeServer server;
    Pair pair = connect(server);
    pair.client.async_get("/a", linear, nullptr);
    pair.client.async_stat("/a", linear, nullptr);
    pair.client.async_rev(linear, nullptr);
    pair.client.async_walk_at("/*", 3, linear, nullptr);
    pair.client.async_walk("/*", linear, [](auto const&) {});
    for (std::string const text :
         {"GET /a linear", "STAT /a linear", "REV linear", "WALK /* offset=3 linear"})
        pair.peer.expect(text);
    pair.peer.answer(pair.peer.expect("REV linear"), rev_reply(7));
    pair.peer.expect("WALK /* offset=0 rev=7");
}

TEST(LinearRead, GoesToAServerThatIsAMember) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Outcome<File> get;
    pair.client.async_get("/a", linear, get.note());
    pair.peer.answer(pair.peer.expect("GET /a linear"), readonly);
    answer_nothing_to_learn(pair.peer);
    Peer peer = accept(second);
    peer.answer(peer.expect("GET /a linear"), rev_reply(1));
    EXPECT_EQ(get.text(), "ok");
}

// --- servers that take no writes -----------------------------------------------------------------

TEST(Readonly, IsAnErrorIfThereIsNoOtherServer) {
    FakeServer server;
    Pair pair = connect(server);
    for (int i = 0; i < 2; ++i) {
        Outcome<Revision> set;
        pair.client.async_set("/a", "v", clobber, set.note());
        pair.peer.answer(pair.peer.expect("SET /a value=v rev=-1"), readonly);
        if (i == 0) answer_nothing_to_learn(pair.peer);
        EXPECT_EQ(set.text(), "READONLY: not here");
    }
}

TEST(Readonly, AWriteGoesOnToTheNextServer) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Outcome<Revision> refused_one;
    Outcome<Done> waits;
    Outcome<Event> watch;
    pair.client.async_set("/a", "v", clobber, refused_one.note());
    pair.client.async_wait("/w", Revision(9), {}, watch.note());
    pair.peer.answer(pair.peer.expect("SET /a value=v rev=-1"), readonly);
    pair.peer.expect("WAIT /w rev=9");
    Question const id = pair.peer.expect("SELF");
    Question const name = pair.peer.expect("GET /ctl/name");
    pair.client.async_del("/b", clobber, waits.note());  // held back
    Outcome<Revision> rev;
    pair.client.async_rev(rev.note());
    pair.peer.answer(pair.peer.expect("REV"), rev_reply(5));
    EXPECT_EQ(rev.text(), "ok");
    pair.peer.answer({{id, refused(base::Errc::other)}, {name, refused(base::Errc::other)}});
    Peer peer = accept(second);
    pair.peer.expect_closed();
    peer.answer(peer.expect("SET /a value=v rev=-1"), rev_reply(5));
    peer.answer(peer.expect("WAIT /w rev=9"), event(9, "/w", ""));
    peer.answer(peer.expect("DEL /b rev=-1"), {});
    EXPECT_EQ(refused_one.text(), "ok");
    EXPECT_EQ(waits.text(), "ok");
    EXPECT_EQ(watch.text(), "ok");
    EXPECT_EQ(pair.client.address(), second.address());
}

TEST(Readonly, WhatWasSentIsAnsweredBeforeTheServerIsLeft) {
    FakeServer first;
    FakeServer second;
    Timing timing = fast();
    timing.drain = minutes(10);
    Pair pair = connect(first, uri_of({&first, &second}), {}, timing);
    Outcome<Revision> in_flight;
    Outcome<Revision> refused_one;
    pair.client.async_set("/a", "v", clobber, in_flight.note());
    pair.client.async_set("/b", "v", clobber, refused_one.note());
    Question const a = pair.peer.expect("SET /a value=v rev=-1");
    pair.peer.answer(pair.peer.expect("SET /b value=v rev=-1"), readonly);
    answer_nothing_to_learn(pair.peer);
    Peer peer = accept(second);
    pair.peer.answer(a, rev_reply(5));
    EXPECT_EQ(in_flight.text(), "ok");
    pair.peer.expect_closed();
    peer.answer(peer.expect("SET /b value=v rev=-1"), rev_reply(6));
    EXPECT_EQ(refused_one.text(), "ok");
}

TEST(Readonly, WhatIsNotAnsweredInTimeIsUnknownAndOnlyThat) {
    FakeServer first;
    FakeServer second;
    Timing timing = fast();
    timing.drain = milliseconds(10);
    Pair pair = connect(first, uri_of({&first, &second}), {}, timing);
    Outcome<Revision> hangs;
    Outcome<Revision> refused_one;
    pair.client.async_set("/a", "v", clobber, hangs.note());
    pair.client.async_set("/b", "v", clobber, refused_one.note());
    pair.peer.expect("SET /a value=v rev=-1");
    pair.peer.answer(pair.peer.expect("SET /b value=v rev=-1"), readonly);
    answer_nothing_to_learn(pair.peer);
    Peer peer = accept(second);
    EXPECT_EQ(hangs.text(),
              "it is not known whether the write was done: the server that it was sent to takes "
              "no more writes");
    peer.answer(peer.expect("SET /b value=v rev=-1"), rev_reply(6));
    EXPECT_EQ(refused_one.text(), "ok");
}

TEST(Readonly, AWriteIsNeverRepeatedBehindALaterOne) {
    FakeServer first;
    FakeServer second;
    Timing timing = fast();
    timing.drain = minutes(10);
    Pair pair = connect(first, uri_of({&first, &second}), {}, timing);
    Outcome<Revision> older;
    Outcome<Revision> newer;
    pair.client.async_set("/a", "old", clobber, older.note());
    pair.client.async_set("/a", "new", clobber, newer.note());
    Question const a = pair.peer.expect("SET /a value=old rev=-1");
    Question const b = pair.peer.expect("SET /a value=new rev=-1");
    pair.peer.answer({{a, readonly}, {b, rev_reply(5)}});
    EXPECT_EQ(newer.text(), "ok");
    answer_nothing_to_learn(pair.peer);
    Peer peer = accept(second);
    EXPECT_EQ(older.text(), "READONLY: not here");
}

TEST(Readonly, IsAnErrorWhenEveryServerHasSaidSo) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Outcome<Revision> set;
    pair.client.async_set("/a", "v", clobber, set.note());
    Question const asked = pair.peer.expect("SET /a value=v rev=-1");
    pair.peer.answer(asked, readonly);
    answer_nothing_to_learn(pair.peer);
    Peer two = accept(second);
    two.answer(two.expect("SET /a value=v rev=-1"), readonly);
    answer_nothing_to_learn(two);
    Peer one = accept(first);
    one.answer(one.expect("SET /a value=v rev=-1"), refused(base::Errc::readonly, "nor now"));
    EXPECT_EQ(set.text(), "READONLY: nor now");
}

TEST(Readonly, IsAnErrorIfTheOtherServerDoesNotAnswer) {
    FakeServer first;
    FakeServer second;
    Timing timing = fast();
    timing.attempt = milliseconds(40);  // a quarter of it for a search
    Pair pair = connect(first, uri_of({&first, &second}), {}, timing);
    Outcome<Revision> set;
    pair.client.async_set("/a", "v", clobber, set.note());
    pair.peer.answer(pair.peer.expect("SET /a value=v rev=-1"), readonly);
    Reply self;
    self.value = "x";
    EXPECT_EQ(set.text(), "READONLY: not here");
    EXPECT_EQ(pair.client.address(), first.address());
}

// --- what the cluster tells of itself ------------------------------------------------------------

TEST(Learning, FindsTheOtherMembersAndGoesToThem) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first}), {}, learning());
    answer_name(pair.peer, "0");
    answer_members(pair.peer, "0", {"garbage:", second.address(), "0.0.0.0:8046"}, 30);
    first.refuse();
    pair.peer.close();
    Peer peer = accept(second, 30);
    answer_name(peer, "1");
    EXPECT_EQ(pair.client.address(), second.address());
}

TEST(Learning, TakesALoopbackAddressForTheServersOwn) {
    std::vector<net::Address> const told = {
        {"127.0.0.1", 1}, {"::1", 2}, {"localhost", 3}, {"10.0.0.1", 4}, {"db1", 5}};
    for (std::string const here : {"127.0.0.1", "127.0.0.9", "::1", "localhost"})
        EXPECT_EQ(meant_for_us(told, {here, 8046}), told) << here;
    std::vector<net::Address> const elsewhere = {{"10.0.0.1", 4}, {"db1", 5}};
    for (std::string const there : {"10.0.0.2", "db1", "fe80::1"})
        EXPECT_EQ(meant_for_us(told, {there, 8046}), elsewhere) << there;
}

TEST(Learning, KeepsWhatItHasIfItMayNotRead) {
    FakeServer first;
    Pair pair = connect(first, uri_of({&first}), {}, learning());
    Reply self;
    self.value = "x";
    pair.peer.answer(pair.peer.expect("SELF"), self);
    pair.peer.answer(pair.peer.expect("GET /ctl/name"),
                     refused(base::Errc::other, "permission denied"));
    pair.client.async_access("secret", nullptr);
    pair.peer.answer(pair.peer.expect("ACCESS value=secret"), {});
    answer_name(pair.peer, "x");  // now it may
}

TEST(Learning, TakesWhatChanges) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first}), {}, learning());
    answer_name(pair.peer, "0");
    Question const wait = answer_members(pair.peer, "0", {first.address()}, 30);
    pair.peer.answer(wait, event(35, "/ctl/ns/c/1", second.address()));
    answer_members(pair.peer, "0", {first.address(), second.address()}, 35);
    first.refuse();
    pair.peer.close();
    Peer peer = accept(second, 35);
}

TEST(Learning, LeavesAServerThatIsNoMemberAnyLonger) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first}), {}, learning());
    answer_name(pair.peer, "0");
    Question const wait = answer_members(pair.peer, "0", {first.address(), second.address()}, 30);
    Outcome<Revision> set;
    pair.client.async_set("/a", "v", clobber, set.note());
    Question const write = pair.peer.expect("SET /a value=v rev=-1");
    pair.peer.answer(wait, event(35, "/ctl/ns/c/0", "", 8));
    answer_members(pair.peer, "gone", {second.address()}, 35);
    Peer peer = accept(second, 35);
    pair.peer.answer(write, rev_reply(34));
    EXPECT_EQ(set.text(), "ok");
    pair.peer.expect_closed();
    pair.client.async_rev(nullptr);
    peer.expect("REV");
    EXPECT_EQ(pair.client.address(), second.address());
}

// --- what is known of a write --------------------------------------------------------------------

TEST(WriteOutcome, IsToldByTheError) {
    auto const of = [](Errc code) { return Error{code, {}}.write_outcome(); };
    for (Errc const code : {Errc::readonly, Errc::rev_mismatch, Errc::timeout, Errc::closed,
                            Errc::limit_exceeded, Errc::other, Errc::isdir})
        EXPECT_EQ(of(code), WriteOutcome::not_done) << name_of(code);
    EXPECT_EQ(of(Errc::unknown_outcome), WriteOutcome::unknown);
    EXPECT_EQ(of(Errc::not_durable), WriteOutcome::done);
    EXPECT_EQ(of(Errc::bad_response), WriteOutcome::done);
}

}  // namespace
}  // namespace doozer::client
