// What a Client asks, and what it makes of the answers.
#include "doozer/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "client/fake_server.h"

namespace doozer::client {
namespace {

using std::chrono::milliseconds;

/// Runs a blocking call on another thread, so that this one can be the server.
template <typename F>
auto in_background(F f) {
    return std::async(std::launch::async, std::move(f));
}

Reply rev_reply(std::int64_t rev) {
    Reply reply;
    reply.rev = rev;
    return reply;
}

Reply value_reply(std::int64_t rev, std::string value) {
    Reply reply = rev_reply(rev);
    reply.value = std::move(value);
    return reply;
}

// --- every call --------------------------------------------------------------------------------

TEST(Client, GetsAFile) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.get("/a"); });
    peer.answer(peer.expect("GET /a"), value_reply(7, std::string("x\0y", 3)));
    EXPECT_EQ(*got.get(), (File{Revision(7), std::string("x\0y", 3)}));
}

TEST(Client, GetsAFileAsOfARevision) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.get("/a", Revision(5)); });
    peer.answer(peer.expect("GET /a rev=5"), value_reply(0, ""));
    auto const file = got.get();
    EXPECT_EQ(*file, (File{missing, ""}));
    EXPECT_FALSE(file->exists());
}

TEST(Client, StatsFilesAndDirectories) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.stat("/d"); });
    Reply reply = rev_reply(-2);
    reply.len = 3;
    peer.answer(peer.expect("STAT /d"), reply);
    auto const stat = got.get();
    EXPECT_TRUE(stat->is_directory());
    EXPECT_EQ(stat->len, 3);
}

TEST(Client, SetsAFile) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto done = in_background([&c = client] { return c.set("/a", "v", missing); });
    peer.answer(peer.expect("SET /a value=v rev=0"), rev_reply(8));
    EXPECT_EQ(*done.get(), Revision(8));
}

TEST(Client, SetsAnEmptyFile) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto done = in_background([&c = client] { return c.set("/a", "", clobber); });
    peer.answer(peer.expect("SET /a value= rev=-1"), rev_reply(8));
    EXPECT_TRUE(done.get().ok());
}

TEST(Client, DeletesAFile) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto done = in_background([&c = client] { return c.del("/a", Revision(4)); });
    peer.answer(peer.expect("DEL /a rev=4"), {});
    EXPECT_TRUE(done.get().ok());
}

TEST(Client, DoesNothing) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto done = in_background([&c = client] { return c.nop(); });
    peer.answer(peer.expect("NOP"), {});
    EXPECT_TRUE(done.get().ok());
}

TEST(Client, AsksForTheRevisionAndTheServersId) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto rev = in_background([&c = client] { return c.rev(); });
    peer.answer(peer.expect("REV"), rev_reply(9));
    EXPECT_EQ(*rev.get(), Revision(9));
    auto self = in_background([&c = client] { return c.self(); });
    Reply reply;
    reply.value = "ABCDEFGHIJKLMNOP";
    peer.answer(peer.expect("SELF"), reply);
    EXPECT_EQ(*self.get(), "ABCDEFGHIJKLMNOP");
}

TEST(Client, WaitsForAChange) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.wait("/a*", Revision(3)); });
    peer.answer(peer.expect("WAIT /a* rev=3"), event(5, "/ab", "", base::flag_del));
    EXPECT_EQ(*got.get(), (Event{Revision(5), Event::Kind::del, "/ab", ""}));
}

TEST(Client, TellsANopFromAChange) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.wait("/**", Revision(3)); });
    peer.answer(peer.expect("WAIT /** rev=3"), event(3, "/", "", 0));
    EXPECT_EQ(got.get()->kind, Event::Kind::nop);
}

TEST(Client, AsksForSingleEntries) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto file = in_background([&c = client] { return c.walk_at("/*", 2, Revision(4)); });
    peer.answer(peer.expect("WALK /* offset=2 rev=4"), event(3, "/c", "v"));
    EXPECT_EQ(*file.get(), (Event{Revision(3), Event::Kind::set, "/c", "v"}));
    auto name = in_background([&c = client] { return c.getdir_at("/", -1); });
    peer.answer(peer.expect("GETDIR / offset=-1"), refused(base::Errc::range));
    EXPECT_EQ(name.get().error().code, Errc::range);
}

TEST(Client, PresentsASecret) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto done = in_background([&c = client] { return c.access("s"); });
    peer.answer(peer.expect("ACCESS value=s"), refused(base::Errc::other, "permission denied"));
    EXPECT_EQ(done.get().error().message(), "OTHER: permission denied");
}

// --- listings ----------------------------------------------------------------------------------

/// A directory of `n` entries, as a server answers for it.
std::function<std::optional<Reply>(Question const&)> directory_of(std::int32_t n) {
    return [n](Question const& q) -> std::optional<Reply> {
        if (q.verb == base::Verb::rev) return rev_reply(70);
        EXPECT_EQ(q.rev, 70) << "every offset is asked for at the same revision";
        if (*q.offset >= n) return refused(base::Errc::range);
        std::string const name = std::to_string(*q.offset);
        if (q.verb == base::Verb::walk) return event(*q.offset + 1, "/d/" + name, "v" + name);
        Reply reply;
        reply.path = name;
        return reply;
    };
}

TEST(Client, AsksNothingBeyondItsDeadline) {
    FakeServer server;
    Options options;
    options.deadline = Clock::now() + std::chrono::milliseconds(50);
    auto [peer, client] = connect(server, uri_of({&server}), options);
    EXPECT_EQ(client.get("/a", Revision(99)).error().code, Errc::timeout);
    EXPECT_EQ(client.wait("/a", Revision(99)).error().code, Errc::timeout);
    EXPECT_EQ(client.walk("/**").error().code, Errc::timeout);
    EXPECT_EQ(client.wait("/a", Revision(1), std::chrono::hours(1)).error().code, Errc::timeout);
}

TEST(Client, ListsADirectoryOfAnySize) {
    for (std::int32_t const n : {0, 1, 7, 8, 9, 64, 65, 1000}) {
        FakeServer server;
        auto [peer, client] = connect(server);
        peer.serve(directory_of(n));
        auto const names = client.getdir("/d");
        ASSERT_TRUE(names.ok());
        std::vector<std::string> expected;
        for (std::int32_t i = 0; i < n; ++i) expected.push_back(std::to_string(i));
        EXPECT_EQ(*names, expected);
    }
}

TEST(Client, WalksAGlobOfAnySize) {
    FakeServer server;
    auto [peer, client] = connect(server);
    peer.serve(directory_of(500));
    auto const files = client.walk("/d/*");
    ASSERT_TRUE(files.ok());
    ASSERT_EQ(files->size(), 500U);
    EXPECT_EQ(files->at(499), (Event{Revision(500), Event::Kind::set, "/d/499", "v499"}));
}

// A server that lies about its size must not take all memory.
TEST(Client, RefusesAListingThatHasNoEnd) {
    std::string const value(64 * base::MiB, 'x');
    FakeServer server;
    auto [peer, client] = connect(server);
    peer.serve([&](Question const& q) -> std::optional<Reply> {
        return event(1, "/" + std::to_string(*q.offset), value);
    });
    auto const files = client.walk("/**", Revision(1));
    ASSERT_FALSE(files.ok());
    EXPECT_EQ(files.error().code, Errc::limit_exceeded);
    EXPECT_EQ(files.error().message(),
              "what matches /** takes more than 536870912 bytes: ask for parts of it");
}

TEST(Client, ListsAsOfTheRevisionGivenAndAsksForManyOffsetsAtOnce) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.walk("/*", Revision(30)); });
    auto questions = peer.next(8);  // before any answer
    for (std::size_t i = 0; i < questions.size(); ++i)
        EXPECT_EQ(questions[i].text(), "WALK /* offset=" + std::to_string(i) + " rev=30");
    // Answers may come in any order.
    std::reverse(questions.begin(), questions.end());
    for (Question const& q : questions)
        peer.answer(q, *q.offset < 2 ? event(*q.offset + 1, "/" + std::to_string(*q.offset), "")
                                     : refused(base::Errc::range));
    auto const files = got.get();
    ASSERT_TRUE(files.ok());
    ASSERT_EQ(files->size(), 2U);
    EXPECT_EQ(files->at(0).path, "/0");
    EXPECT_EQ(files->at(1).path, "/1");
}

TEST(Client, AListingEndsWithTheServersRefusal) {
    FakeServer server;
    auto [peer, client] = connect(server);
    peer.serve([](Question const& q) -> std::optional<Reply> {
        if (q.verb == base::Verb::rev) return rev_reply(70);
        return refused(base::Errc::noent);
    });
    EXPECT_EQ(client.getdir("/none").error().code, Errc::noent);
}

// --- errors ------------------------------------------------------------------------------------

TEST(Client, PassesOnTheServersCodeAndDetail) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.set("/a", "v", missing); });
    peer.answer(peer.next(), refused(base::Errc::rev_mismatch));
    EXPECT_EQ(got.get().error(), (Error{Errc::rev_mismatch, ""}));
    got = in_background([&c = client] { return c.set("/a", "v", missing); });
    peer.answer(peer.next(), refused(base::Errc::other, "store full"));
    EXPECT_EQ(got.get().error(), (Error{Errc::other, "store full"}));
}

TEST(Client, PassesOnACodeItDoesNotKnow) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.nop(); });
    peer.answer(peer.next(), refused(static_cast<base::Errc>(55), "new"));
    EXPECT_EQ(got.get().error().message(), "ERROR 55: new");
}

TEST(Client, RefusesAnAnswerThatLacksAField) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto got = in_background([&c = client] { return c.get("/a"); });
    peer.answer(peer.next(), {});
    EXPECT_EQ(got.get().error().code, Errc::bad_response);
}

TEST(Error, HasAMessageInOneLine) {
    EXPECT_EQ((Error{Errc::rev_mismatch, ""}).message(), "REV_MISMATCH");
    EXPECT_EQ((Error{Errc::other, "permission denied"}).message(), "OTHER: permission denied");
    EXPECT_EQ((Error{Errc::timeout, "no event in time"}).message(), "no event in time");
    EXPECT_EQ((Error{Errc::timeout, ""}).message(), "TIMEOUT");
}

TEST(ErrorDeathTest, AskingAResultForWhatIsNotThereStopsTheProcess) {
    Result<int> const refused = Error{Errc::noent, ""};
    EXPECT_DEATH((void)refused.value(), "asked for what is not there");
}

TEST(Client, RefusesWhatIsOverItsLimits) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::string const path(request_path_bytes_max + 1, 'a');
    EXPECT_EQ(client.get(path).error().code, Errc::limit_exceeded);
    EXPECT_EQ(client.walk(path).error().code, Errc::limit_exceeded);
    auto const untouched = std::make_unique_for_overwrite<char[]>(request_value_bytes_max + 1);
    std::string_view const value(untouched.get(), request_value_bytes_max + 1);
    EXPECT_EQ(client.set("/a", value, clobber).error().code, Errc::limit_exceeded);
}

TEST(Client, RefusesMoreThanTheLimitOfUnansweredRequestsAndGoesOnBelowIt) {
    FakeServer server;
    std::atomic<std::size_t> refused_count{0};  // outlives the client that counts here
    std::atomic<std::size_t> answered{0};
    auto [peer, client] = connect(server);
    for (std::size_t i = 0; i < requests_outstanding_max + 10; ++i)
        client.async_get("/a", {}, [&](Result<File> const& file) {
            if (file.ok())
                ++answered;
            else if (file.error().code == Errc::limit_exceeded)
                ++refused_count;
        });
    auto const questions = peer.next(requests_outstanding_max);
    for (Question const& q : questions) peer.answer(q, value_reply(1, ""));
    auto got = in_background([&c = client] { return c.get("/b"); });
    peer.answer(peer.expect("GET /b"), value_reply(1, ""));
    EXPECT_TRUE(got.get().ok());
    EXPECT_EQ(refused_count, 10U);
    EXPECT_EQ(answered, requests_outstanding_max);
}

// --- many at once ------------------------------------------------------------------------------

TEST(Client, HasThousandsOfRequestsOutstandingEachWithItsOwnTag) {
    constexpr std::size_t n = 20'000;
    FakeServer server;
    auto [peer, client] = connect(server);
    std::vector<std::promise<std::string>> values(n);
    for (std::size_t i = 0; i < n; ++i)
        client.async_get("/" + std::to_string(i), {},
                         [&value = values[i]](Result<File> const& file) {
                             value.set_value(file.ok() ? file->value : file.error().message());
                         });
    auto questions = peer.next(n);
    std::set<std::int32_t> tags;
    for (Question const& q : questions) tags.insert(q.tag);
    EXPECT_EQ(tags.size(), n);
    std::reverse(questions.begin(), questions.end());
    for (Question const& q : questions) peer.answer(q, value_reply(1, *q.path));
    for (std::size_t i = 0; i < n; ++i)
        ASSERT_EQ(values[i].get_future().get(), "/" + std::to_string(i));
}

TEST(Client, MayBeUsedByManyThreadsAtOnce) {
    FakeServer server;
    auto [peer, client] = connect(server);
    peer.serve([](Question const& q) { return value_reply(1, *q.path); });
    std::vector<std::future<int>> workers;
    for (int t = 0; t < 4; ++t)
        workers.push_back(in_background([&c = client, t] {
            int right = 0;
            for (int i = 0; i < 200; ++i) {
                std::string const path = "/" + std::to_string(t) + "/" + std::to_string(i);
                auto const file = c.get(path);
                right += file.ok() && file->value == path ? 1 : 0;
            }
            return right;
        }));
    for (auto& worker : workers) EXPECT_EQ(worker.get(), 200);
}

TEST(Client, MovesAndKeepsItsConnection) {
    FakeServer server;
    auto [peer, client] = connect(server);
    Client moved = std::move(client);
    auto got = in_background([&] { return moved.rev(); });
    peer.answer(peer.expect("REV"), rev_reply(9));
    EXPECT_TRUE(got.get().ok());
    EXPECT_EQ(moved.address(), server.address());
}

TEST(Client, CarriesALargeValueBothWays) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::string const value(5'000'000, 'v');
    auto done = in_background([&, &c = client] { return c.set("/a", value, clobber); });
    Question const q = peer.next();
    EXPECT_TRUE(q.value == value);
    peer.answer(q, rev_reply(2));
    EXPECT_TRUE(done.get().ok());
    auto got = in_background([&c = client] { return c.get("/a"); });
    peer.answer(peer.next(), value_reply(2, value));
    EXPECT_TRUE(got.get()->value == value);
}

// --- callbacks and threads ---------------------------------------------------------------------

TEST(Client, RefusesBlockingCallsFromACallback) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::promise<Errc> code;
    client.async_nop(
        [&, &c = client](Result<Done> const&) { code.set_value(c.get("/a").error().code); });
    peer.answer(peer.expect("NOP"), {});
    EXPECT_EQ(code.get_future().get(), Errc::would_deadlock);
}

TEST(Client, StartsAsynchronousCallsFromACallback) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::promise<Revision> rev;
    client.async_nop([&, &c = client](Result<Done> const&) {
        c.async_rev([&](Result<Revision> const& r) { rev.set_value(*r); });
    });
    peer.answer(peer.expect("NOP"), {});
    peer.answer(peer.expect("REV"), rev_reply(5));
    EXPECT_EQ(rev.get_future().get(), Revision(5));
}

TEST(Client, CompletesEverythingBeforeItIsGone) {
    FakeServer server;
    std::vector<std::string> outcomes;
    {
        auto [peer, client] = connect(server);
        auto const note = [&](auto const& result) {
            outcomes.emplace_back(name_of(result.error().code));
        };
        client.async_get("/a", {}, note);
        client.async_set("/a", "", clobber, note);
        client.async_wait("/a", Revision(1), {}, note);
        client.async_walk("/a", {}, note);
        peer.next(4);
    }
    EXPECT_THAT(outcomes,
                testing::UnorderedElementsAre("CLOSED", "UNKNOWN_OUTCOME", "CLOSED", "CLOSED"));
}

TEST(Client, WhatACallbackStartsWhileItsClientGoesIsCompletedToo) {
    FakeServer server;
    std::vector<Errc> codes;
    {
        auto [peer, client] = connect(server);
        client.async_get("/a", {}, [&, &c = client](Result<File> const& file) {
            codes.push_back(file.error().code);
            c.async_walk("/a", {}, [&](auto const& r) { codes.push_back(r.error().code); });
            c.async_nop([&](auto const& r) { codes.push_back(r.error().code); });
        });
        peer.next();
    }
    EXPECT_EQ(codes, (std::vector{Errc::closed, Errc::closed, Errc::closed}));
}

TEST(Client, MayBeDestroyedByACallback) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto owned = std::make_unique<Client>(std::move(client));
    Client& reference = *owned;
    std::promise<void> destroyed;
    reference.async_nop([&](Result<Done> const&) {
        owned.reset();
        destroyed.set_value();
    });
    peer.answer(peer.expect("NOP"), {});
    peer.expect_closed();
    destroyed.get_future().get();
}

// --- time --------------------------------------------------------------------------------------

TEST(Client, AReadEndsWithTimeoutAndItsTagStaysTaken) {
    FakeServer server;
    Options options;
    options.request_timeout = milliseconds(20);
    auto [peer, client] = connect(server, uri_of({&server}), options);
    EXPECT_EQ(client.get("/a").error().code, Errc::timeout);
    Question const late = peer.expect("GET /a");
    auto again = in_background([&c = client] { return c.wait("/b", Revision(1)); });
    Question const now = peer.expect("WAIT /b rev=1");
    EXPECT_NE(late.tag, now.tag);
    peer.answer(late, value_reply(1, "late"));
    peer.answer(now, event(1, "/b", "now"));
    EXPECT_EQ(again.get()->value, "now");
}

TEST(Client, AWriteThatWasSentEndsWithUnknownOutcomeWhenItTakesTooLong) {
    FakeServer server;
    Options options;
    options.request_timeout = milliseconds(20);
    auto [peer, client] = connect(server, uri_of({&server}), options);
    EXPECT_EQ(client.set("/a", "", clobber).error().code, Errc::unknown_outcome);
    EXPECT_EQ(client.walk("/a").error().code, Errc::timeout);
}

TEST(Client, AWaitHasATimeoutOfItsOwn) {
    FakeServer server;
    Options options;
    options.request_timeout = milliseconds(1);
    auto [peer, client] = connect(server, uri_of({&server}), options);
    std::promise<Event> event_promise;
    client.async_wait("/a", Revision(1), {},
                      [&](Result<Event> const& e) { event_promise.set_value(*e); });
    EXPECT_EQ(client.wait("/a", Revision(1), milliseconds(20)).error().code, Errc::timeout);
    peer.answer(peer.next(), event(3, "/a", ""));
    EXPECT_EQ(event_promise.get_future().get().rev, Revision(3));
}

TEST(Client, TimeoutsAreThoseOfEachRequest) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::vector<int> order;
    std::promise<void> last;
    client.async_wait("/a", Revision(1), milliseconds(60), [&](auto const&) {
        order.push_back(60);
        last.set_value();
    });
    client.async_wait("/a", Revision(1), milliseconds(10),
                      [&](auto const&) { order.push_back(10); });
    client.async_wait("/a", Revision(1), milliseconds(30),
                      [&](auto const&) { order.push_back(30); });
    last.get_future().get();
    EXPECT_EQ(order, (std::vector{10, 30, 60}));
}

TEST(Version, OfHeadersAndLibraryAgree) {
    EXPECT_STREQ(version(), DOOZER_VERSION);
    EXPECT_STREQ(version(), DOOZER_PROJECT_VERSION);
}

}  // namespace
}  // namespace doozer::client
