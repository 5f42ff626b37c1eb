// A client whose servers come back with another store: it tells, and does not wait in vain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <utility>

#include "client/fake_server.h"

namespace doozer::client {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string const lineage_a(32, 'a');
std::string const lineage_b(32, 'b');

std::string store_of(std::string const& lineage, std::string const& more = {}) {
    return R"({"cluster":"c","lineage":")" + lineage + "\"" + more + "}";
}

Reply rev_reply(std::int64_t rev) {
    Reply reply;
    reply.rev = rev;
    return reply;
}

template <typename T>
struct Outcome {
    std::promise<Result<T>> promise = {};
    std::future<Result<T>> future = promise.get_future();
    Callback<T> note() {
        return [this](Result<T> const& r) { promise.set_value(r); };
    }
    Result<T> get() {
        if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
            return Error{Errc::other, "none"};
        return future.get();
    }
};

/// A client that has met revision 40 of the store with lineage_a, and whose connection is lost.
class OtherStore : public testing::Test {
  protected:
    void connect(Options const& options = {}, std::string const& store = store_of(lineage_a),
                 std::string const& uri = {}) {
        Timing timing = fast();
        timing.catch_up = milliseconds(5);
        auto connecting_one = connecting(uri.empty() ? uri_of({&server}) : uri, options, timing);
        peer.emplace(server.accept());
        peer->shake_hands({}, 40, store);
        client.emplace(connecting_one.get().value());
    }
    Peer accept(std::int64_t rev, std::string const& store) {
        Peer next = server.accept();
        next.shake_hands({}, rev, store);
        return next;
    }

    FakeServer server;
    std::optional<Peer> peer;
    std::optional<Client> client;
};

TEST_F(OtherStore, EndsAWatchWithAClearError) {
    connect();
    auto watch = client->watch("/**", Revision(41));
    peer->expect("WAIT /** rev=41");
    peer->close();
    Peer const next = accept(3, store_of(lineage_b));
    auto const event = watch->next(std::chrono::seconds(10));
    ASSERT_FALSE(event.ok());
    EXPECT_EQ(event.error().code, Errc::other_store);
    EXPECT_EQ(event.error().message(),
              server.address() +
                  " has another store than the one that this client has used: it was founded "
                  "anew, or is another cluster (lineage " +
                  lineage_b + " instead of " + lineage_a + ")");
}

TEST_F(OtherStore, EndsAlsoWhenItIsFurtherThanTheOldOne) {
    connect();
    Outcome<Event> wait;
    Outcome<File> get_at;
    Outcome<File> get;
    Outcome<Revision> set;
    client->async_wait("/a", Revision(50), {}, wait.note());
    client->async_get("/a", Revision(50), get_at.note());
    peer->expect("WAIT /a rev=50");
    peer->expect("GET /a rev=50");
    peer->close();
    Peer next = accept(1000, store_of(lineage_b));
    EXPECT_EQ(wait.get().error().code, Errc::other_store);
    EXPECT_EQ(get_at.get().error().code, Errc::other_store);
    client->async_get("/a", {}, get.note());
    EXPECT_EQ(get.get().error().code, Errc::other_store);
    client->async_set("/a", "v", Revision(40), set.note());  // who compares has seen the old store
    EXPECT_EQ(set.get().error().code, Errc::other_store);
}

TEST_F(OtherStore, TakesWritesThatCompareWithNothing) {
    connect();
    peer->close();
    Peer next = accept(1, store_of(lineage_b));
    for (Revision const condition : {clobber, missing}) {
        Outcome<Revision> set;
        client->async_set("/a", "v", condition, set.note());
        next.answer(next.expect("SET /a value=v rev=" + std::to_string(condition.value())),
                    rev_reply(2));
        EXPECT_TRUE(set.get().ok());
    }
}

TEST_F(OtherStore, IsLeftForAServerThatHasTheOldOne) {
    FakeServer second;
    connect({}, store_of(lineage_a), uri_of({&server, &second}));
    Outcome<Event> wait;
    client->async_wait("/a", Revision(41), {}, wait.note());
    peer->expect("WAIT /a rev=41");
    peer->close();
    Peer stranger = second.accept();
    stranger.shake_hands({}, 500, store_of(lineage_b));
    Peer again = accept(41, store_of(lineage_a));
    again.answer(again.expect("WAIT /a rev=41"), event(41, "/a", "1"));
    EXPECT_TRUE(wait.get().ok());
    stranger.expect_closed();
}

TEST_F(OtherStore, IsNotTakenWhenAnotherServerIsLookedFor) {
    FakeServer second;
    connect({}, store_of(lineage_a), uri_of({&server, &second}));
    Outcome<Revision> set;
    client->async_set("/a", "v", clobber, set.note());
    peer->answer(peer->expect("SET /a value=v rev=-1"), refused(base::Errc::readonly, "not here"));
    Reply const nothing = refused(base::Errc::other);
    Question const self = peer->expect("SELF");
    Question const name = peer->expect("GET /ctl/name");
    peer->answer({{self, nothing}, {name, nothing}});
    Peer stranger = second.accept();
    stranger.shake_hands({}, 500, store_of(lineage_b));
    stranger.expect_closed();
    EXPECT_EQ(set.get().error().message(), "READONLY: not here");
}

TEST_F(OtherStore, IsNoneIfTheClusterWasForcedOnOrRestored) {
    connect();
    peer->close();
    Peer forced = accept(1LL << 40, store_of(lineage_b, R"(,"ancestors":[")" + lineage_a + "\"]"));
    Outcome<File> get;
    client->async_get("/a", {}, get.note());
    forced.answer(forced.expect("GET /a"), rev_reply(5));
    EXPECT_TRUE(get.get().ok());
    forced.close();
    Peer restored = accept(2LL << 40, store_of(std::string(32, 'c'),
                                               R"(,"ancestors":[],"restored_at":2199023255552)"));
    Outcome<File> later;
    client->async_get("/a", {}, later.note());
    restored.answer(restored.expect("GET /a"), rev_reply(5));
    EXPECT_TRUE(later.get().ok());
}

// --- the original, which does not tell -----------------------------------------------------------

TEST_F(OtherStore, OfAnOriginalIsNoticedByItsRevision) {
    connect({}, "");
    auto watch = client->watch("/**", Revision(41));
    peer->expect("WAIT /** rev=41");
    peer->close();
    Peer next = accept(3, "");
    Question const waits = next.expect("WAIT /** rev=41");
    next.answer(next.expect("REV"), rev_reply(7));
    next.answer(next.expect("SELF"), refused(base::Errc::other));
    next.answer(next.expect("GET /ctl/name"), refused(base::Errc::other));
    auto const event = watch->next(std::chrono::seconds(10));
    ASSERT_FALSE(event.ok());
    EXPECT_EQ(event.error().code, Errc::behind);
    EXPECT_THAT(event.error().message(), HasSubstr("is at revision 7, but this client has met "
                                                   "revision 40"));
}

TEST_F(OtherStore, AMemberOfTheSameStoreMayTakeLongToCatchUp) {
    connect();
    Outcome<Event> wait;
    client->async_wait("/a", Revision(41), {}, wait.note());
    peer->expect("WAIT /a rev=41");
    peer->close();
    Peer next = accept(3, store_of(lineage_a));
    Question const waits = next.expect("WAIT /a rev=41");
    for (int i = 0; i < 3; ++i) next.answer(next.expect("REV"), rev_reply(7));
    next.answer(waits, event(41, "/a", "1"));
    EXPECT_TRUE(wait.get().ok());
}

TEST_F(OtherStore, IsAskedForWhenASecretGivesTheRight) {
    connect({}, "");
    Outcome<Done> access;
    client->async_access("sesame", access.note());
    peer->answer(peer->expect("ACCESS value=sesame"), {});
    EXPECT_TRUE(access.get().ok());
    peer->answer_status(store_of(lineage_a));
    Outcome<Event> wait;
    client->async_wait("/a", Revision(41), {}, wait.note());
    peer->expect("WAIT /a rev=41");
    peer->close();
    Peer next = server.accept();
    next.shake_hands({"sesame"}, 100, store_of(lineage_b));
    EXPECT_EQ(wait.get().error().code, Errc::other_store);
}

// --- beginning anew
// --------------------------------------------------------------------------------

Options anew() {
    Options options;
    options.begin_anew = true;
    return options;
}

TEST_F(OtherStore, BeginsAnewIfThatIsAskedFor) {
    connect(anew());
    auto watch = client->watch("/**", Revision(41));
    peer->expect("WAIT /** rev=41");
    peer->close();
    Peer next = accept(3, store_of(lineage_b));
    next.answer(next.expect("STAT / rev=1"), [] {
        Reply reply = rev_reply(-2);
        reply.len = 1;
        return reply;
    }());
    next.answer(next.expect("WAIT /** rev=1"), event(1, "/a", "new"));
    auto const notice = watch->next(std::chrono::seconds(10));
    EXPECT_EQ(notice.error().code, Errc::other_store);
    auto const first = watch->next(std::chrono::seconds(10));
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->value, "new");
    next.expect("WAIT /** rev=2");
    Outcome<File> get;
    client->async_get("/a", {}, get.note());
    Question const question = next.expect("GET /a");
    EXPECT_EQ(question.min_rev, 3);
    next.answer(question, rev_reply(1));
    EXPECT_TRUE(get.get().ok());
}

TEST_F(OtherStore, BeginsAnewAtThePresentIfTheBeginningIsNoLongerTold) {
    connect(anew());
    Outcome<Event> told;
    auto const watch =
        client->watch("/**", Revision(41), [&, n = 0](Result<Event> const& e) mutable {
            if (++n == 2) told.promise.set_value(e);
        });
    peer->expect("WAIT /** rev=41");
    peer->close();
    Peer next = accept(3000, store_of(lineage_b));
    next.answer(next.expect("STAT / rev=1"), refused(base::Errc::too_late));
    next.answer(next.expect("WAIT /** rev=3001"), event(3001, "/a", "new"));
    auto const second = told.get();
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(second->value, "new");
}

TEST_F(OtherStore, BeginsAnewWithAnEmptyOneAndEndsWhatWasAskedOfTheOld) {
    connect(anew());
    Outcome<File> get;
    client->async_get("/a", Revision(41), get.note());
    peer->expect("GET /a rev=41");
    auto watch = client->watch("/**", Revision(41));
    peer->expect("WAIT /** rev=41");
    peer->close();
    Peer next = accept(0, store_of(lineage_b));
    EXPECT_EQ(get.get().error().code, Errc::other_store);
    next.answer(next.expect("WAIT /** rev=1"), event(1, "/a", "new"));
    EXPECT_EQ(watch->next(std::chrono::seconds(10)).error().code, Errc::other_store);
    EXPECT_TRUE(watch->next(std::chrono::seconds(10)).ok());
}

}  // namespace
}  // namespace doozer::client
