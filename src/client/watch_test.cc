// A watch delivers every event once and in order, whatever becomes of the servers.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
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

/// A store in which every even revision sets /a; WAITs beyond `newest` are not answered.
std::function<std::optional<Reply>(Question const&)> even_revisions(std::int64_t newest) {
    return [newest](Question const& q) -> std::optional<Reply> {
        if (q.verb != base::Verb::wait) return rev_reply(newest);
        std::int64_t const rev = *q.rev + *q.rev % 2;
        if (rev > newest) return std::nullopt;
        return event(rev, "/a", std::to_string(rev));
    };
}

TEST(Watch, AsksAlwaysForWhatComesBehindTheLastEvent) {
    FakeServer server;
    auto [peer, client] = connect(server);
    Watch watch = *client.watch("/a*", Revision(3));
    peer.answer(peer.expect("WAIT /a* rev=3"), event(7, "/ab", "v"));
    EXPECT_EQ(*watch.next(), (Event{Revision(7), Event::Kind::set, "/ab", "v"}));
    peer.answer(peer.expect("WAIT /a* rev=8"), event(8, "/ab", "", base::flag_del));
    EXPECT_TRUE(watch.next()->is_del());
    peer.expect("WAIT /a* rev=9");
}

TEST(Watch, WithoutARevisionBeginsBehindThePresentOne) {
    FakeServer server;
    auto [peer, client] = connect(server);
    auto watching = std::async(std::launch::async, [&c = client] { return c.watch("/a"); });
    peer.answer(peer.expect("REV"), rev_reply(41));
    auto const watch = watching.get();
    ASSERT_TRUE(watch.ok());
    peer.expect("WAIT /a rev=42");
}

TEST(Watch, GoesOnWhereItWasWhenTheServerIsLost) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Watch watch = *pair.client.watch("/a", Revision(1));
    pair.peer.answer(pair.peer.expect("WAIT /a rev=1"), event(5, "/a", "one"));
    pair.peer.expect("WAIT /a rev=6");
    pair.peer.close();
    Peer peer = second.accept();
    peer.shake_hands();
    peer.answer(peer.expect("WAIT /a rev=6"), event(6, "/a", "two"));
    EXPECT_EQ(watch.next()->value, "one");
    EXPECT_EQ(watch.next()->value, "two");
}

TEST(Watch, DeliversEveryEventOnceWhileServersComeAndGo) {
    constexpr std::int64_t newest = 3000;
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Watch watch = *pair.client.watch("/a", Revision(1));
    auto const servers = std::async(std::launch::async, [&] {
        FakeServer* next = &second;
        auto current = std::make_unique<Peer>(std::move(pair.peer));
        for (;;) {
            // Each server answers some requests, and dies when it has read another.
            Question question = current->next();
            for (int left = 97; left > 0; --left) {
                auto const reply = even_revisions(newest)(question);
                if (!reply) return;
                current->answer(question, *reply);
                question = current->next();
            }
            current->close();
            current = std::make_unique<Peer>(next->accept());
            current->shake_hands();
            next = next == &first ? &second : &first;
        }
    });
    for (std::int64_t rev = 2; rev <= newest; rev += 2) {
        auto const got = watch.next(std::chrono::seconds(10));
        ASSERT_TRUE(got.ok()) << got.error().message();
        ASSERT_EQ(got->rev, Revision(rev));
        ASSERT_EQ(got->value, std::to_string(rev));
    }
    EXPECT_EQ(watch.next(milliseconds(1)).error().code, Errc::timeout);
}

TEST(Watch, EndsBelowTheHistoryWithAnErrorThatNamesTheGap) {
    FakeServer first;
    FakeServer second;
    Pair pair = connect(first, uri_of({&first, &second}));
    Watch watch = *pair.client.watch("/a", Revision(1));
    pair.peer.answer(pair.peer.next(), event(5, "/a", "one"));
    pair.peer.next();
    pair.peer.close();
    Peer peer = second.accept();
    peer.shake_hands();
    peer.answer(peer.expect("WAIT /a rev=6"), refused(base::Errc::too_late));
    EXPECT_TRUE(watch.next().ok());
    for (int i = 0; i < 2; ++i) {
        auto const end = watch.next();
        ASSERT_FALSE(end.ok());
        EXPECT_EQ(end.error().code, Errc::too_late);
        EXPECT_EQ(end.error().message(),
                  "TOO_LATE: events from revision 6 on are missing: the server's history begins "
                  "later");
    }
}

TEST(Watch, EndsWithTheServersRefusal) {
    FakeServer server;
    auto [peer, client] = connect(server);
    Watch watch = *client.watch("/[", Revision(1));
    peer.answer(peer.next(), refused(base::Errc::other, "invalid glob pattern: /["));
    EXPECT_EQ(watch.next().error().message(), "OTHER: invalid glob pattern: /[");
}

TEST(Watch, RefusesAnEventFromThePast) {
    FakeServer server;
    auto [peer, client] = connect(server);
    Watch watch = *client.watch("/a", Revision(5));
    peer.answer(peer.next(), event(4, "/a", ""));
    EXPECT_EQ(watch.next().error().code, Errc::bad_response);
}

TEST(Watch, StopsAskingWhileNobodyTakesItsEventsAndGoesOnLater) {
    FakeServer server;
    std::atomic<std::int64_t> asked{0};  // must outlive the peer, whose thread writes it
    auto [peer, client] = connect(server);
    peer.serve([&](Question const& q) -> std::optional<Reply> {
        if (q.verb == base::Verb::get) return rev_reply(0);
        asked = *q.rev;
        return event(*q.rev, "/a", "");
    });
    constexpr auto limit = static_cast<std::int64_t>(watch_events_waiting_max);
    Watch watch = *client.watch("/a", Revision(1));
    while (asked < limit) ASSERT_TRUE(client.get("/b").ok());
    ASSERT_TRUE(client.get("/b").ok());
    ASSERT_TRUE(client.get("/b").ok());
    EXPECT_EQ(asked, limit);
    for (std::int64_t rev = 1; rev <= 2 * limit; ++rev) ASSERT_EQ(watch.next()->rev, Revision(rev));
}

TEST(Watch, CallsBackForEveryEventAndForTheEnd) {
    FakeServer server;
    std::vector<std::string> heard;
    {
        auto [peer, client] = connect(server);
        Watch const watch = client.watch("/a", Revision(1), [&](Result<Event> const& e) {
            heard.push_back(e.ok() ? e->value : std::string(name_of(e.error().code)));
        });
        peer.answer(peer.expect("WAIT /a rev=1"), event(2, "/a", "one"));
        peer.answer(peer.expect("WAIT /a rev=3"), event(3, "/a", "two"));
        peer.expect("WAIT /a rev=4");
        { Client const gone = std::move(client); }
    }
    EXPECT_EQ(heard, (std::vector<std::string>{"one", "two", "CLOSED"}));
}

TEST(Watch, WithACallbackAsksForThePresentByItself) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::promise<Revision> rev;
    Watch const watch = client.watch("/a", {}, [&](Result<Event> const& e) {
        if (e.ok()) rev.set_value(e->rev);
    });
    peer.answer(peer.expect("REV"), rev_reply(9));
    peer.answer(peer.expect("WAIT /a rev=10"), event(12, "/a", ""));
    EXPECT_EQ(rev.get_future().get(), Revision(12));
}

TEST(Watch, MayOutliveItsClient) {
    FakeServer server;
    auto pair = std::make_unique<Pair>(connect(server));
    Watch watch = *pair->client.watch("/a", Revision(1));
    pair->peer.next();
    pair.reset();
    EXPECT_EQ(watch.next().error().code, Errc::closed);
}

TEST(Watch, ThatIsFullWhenItsClientGoesEndsBehindItsEvents) {
    FakeServer server;
    auto pair = std::make_unique<Pair>(connect(server));
    std::atomic<std::size_t> asked{0};
    pair->peer.serve([&](Question const& q) -> std::optional<Reply> {
        if (q.verb == base::Verb::get) return rev_reply(0);
        ++asked;
        return event(*q.rev, "/a", "");
    });
    Watch watch = *pair->client.watch("/a", Revision(1));
    while (asked < watch_events_waiting_max) ASSERT_TRUE(pair->client.get("/b").ok());
    ASSERT_TRUE(pair->client.get("/b").ok());
    pair.reset();
    for (std::size_t i = 0; i < watch_events_waiting_max; ++i) ASSERT_TRUE(watch.next().ok());
    EXPECT_EQ(watch.next().error().code, Errc::closed);
}

TEST(Watch, CancelledDeliversNothingMore) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::atomic<int> heard{0};
    Watch watch = client.watch("/a", Revision(1), [&](Result<Event> const&) { ++heard; });
    Question const question = peer.next();
    watch.cancel();
    peer.answer(question, event(1, "/a", ""));
    auto got = std::async(std::launch::async, [&c = client] { return c.rev(); });
    peer.answer(peer.expect("REV"), rev_reply(1));
    EXPECT_TRUE(got.get().ok());
    EXPECT_EQ(heard, 0);
}

TEST(Watch, CancelledByACallbackDeliversNothingOfWhatHasArrived) {
    FakeServer server;
    auto [peer, client] = connect(server);
    int heard = 0;
    Watch watch = client.watch("/a", Revision(1), [&](Result<Event> const&) { ++heard; });
    Question const wait = peer.expect("WAIT /a rev=1");
    client.async_nop([&](Result<Done> const&) { watch.cancel(); });
    Question const nop = peer.expect("NOP");
    peer.answer({{nop, {}}, {wait, event(1, "/a", "")}});
    auto got = std::async(std::launch::async, [&c = client] { return c.rev(); });
    peer.answer(peer.expect("REV"), rev_reply(1));
    EXPECT_TRUE(got.get().ok());
    EXPECT_EQ(heard, 0);
}

TEST(Watch, CancelWakesTheThreadThatWaits) {
    FakeServer server;
    auto [peer, client] = connect(server);
    Watch watch = *client.watch("/a", Revision(1));
    auto waiting = std::async(std::launch::async, [&] { return watch.next(); });
    peer.next();
    watch.cancel();
    EXPECT_EQ(waiting.get().error().code, Errc::closed);
}

TEST(Watch, MayBeDestroyedByItsOwnCallback) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::unique_ptr<Watch> watch;
    std::promise<void> destroyed;
    watch = std::make_unique<Watch>(client.watch("/a", Revision(1), [&](Result<Event> const&) {
        watch.reset();
        destroyed.set_value();
    }));
    Question const question = peer.next();
    peer.answer(question, event(1, "/a", ""));
    destroyed.get_future().get();
    auto got = std::async(std::launch::async, [&c = client] { return c.rev(); });
    peer.answer(peer.expect("REV"), rev_reply(1));
    EXPECT_TRUE(got.get().ok());
}

TEST(Watch, CancelWaitsForTheCallbackThatRuns) {
    FakeServer server;
    auto [peer, client] = connect(server);
    std::promise<void> entered;
    std::promise<void> leave;
    std::atomic<bool> left{false};
    Watch watch = client.watch("/a", Revision(1), [&](Result<Event> const&) {
        entered.set_value();
        leave.get_future().get();
        left = true;
    });
    peer.answer(peer.next(), event(1, "/a", ""));
    entered.get_future().get();
    auto cancelled = std::async(std::launch::async, [&] {
        watch.cancel();
        return left.load();
    });
    leave.set_value();
    EXPECT_TRUE(cancelled.get());
}

TEST(Watch, RefusesToBlockACallback) {
    FakeServer server;
    auto [peer, client] = connect(server);
    Watch watch = *client.watch("/a", Revision(1));
    std::promise<Errc> code;
    client.async_nop([&](Result<Done> const&) { code.set_value(watch.next().error().code); });
    peer.next();
    peer.answer(peer.expect("NOP"), {});
    EXPECT_EQ(code.get_future().get(), Errc::would_deadlock);
}

}  // namespace
}  // namespace doozer::client
