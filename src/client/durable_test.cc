// What a DurableClient waits for, played by hand.
#include "doozer/durable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <type_traits>

#include "client/fake_server.h"

namespace doozer::client {
namespace {

using ::testing::HasSubstr;

template <typename F>
auto in_background(F f) {
    return std::async(std::launch::async, std::move(f));
}

Reply rev_reply(std::int64_t rev) {
    Reply reply;
    reply.rev = rev;
    return reply;
}

Reply stat_reply(std::int64_t rev) {
    Reply reply = rev_reply(rev);
    reply.len = 1;
    return reply;
}

Reply file_reply(std::int64_t rev, std::string value) {
    Reply reply = rev_reply(rev);
    reply.value = std::move(value);
    return reply;
}

constexpr std::int32_t flag_del = 8;

struct DurablePair {
    Peer peer;
    DurableClient client;
};

DurablePair durable(FakeServer& server, std::chrono::milliseconds timeout) {
    DurableOptions options;
    options.instance = 3;
    options.learn_addresses = false;  // its questions would come in between on a busy machine
    options.acknowledgement_timeout = timeout;
    auto client = in_background([&] { return DurableClient::connect(uri_of({&server}), options); });
    Peer peer = server.accept();
    peer.shake_hands();
    return {std::move(peer), std::move(client.get()).value()};
}

DurablePair durable(FakeServer& server) {
    return durable(server, std::chrono::seconds(10));
}

std::string const compact = "/ctl/durable/3";

/// The instance has no compact acknowledgement (yet); returns the WAIT for it.
Question answer_no_compact(Peer& peer, std::int64_t rev) {
    Question waits = peer.expect("WAIT /ctl/durable/3 rev=" + std::to_string(rev));
    peer.answer(peer.expect("GET /ctl/durable/3"), file_reply(0, ""));
    return waits;
}

/// It has, and was at `done` when this write began.
Question answer_compact(Peer& peer, std::int64_t rev, std::string const& done) {
    Question waits = peer.expect("WAIT /ctl/durable/3 rev=" + std::to_string(rev));
    peer.answer(peer.expect("GET /ctl/durable/3"), file_reply(2, done));
    return waits;
}

/// A program that was written for Client.
template <typename AnyClient>
std::string program(AnyClient& client) {
    auto const rev = client.set("/a", "b", missing);
    if (!rev.ok()) return rev.error().message();
    auto const file = client.get("/a");
    return file.ok() ? file->value : file.error().message();
}

TEST(DurableClient, TakesThePlaceOfAClient) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto ran = in_background([&c = client] { return program(c); });
    peer.answer(peer.expect("SET /a value=b rev=0"), rev_reply(5));
    peer.answer(answer_compact(peer, 5, "3"), event(6, compact, "5"));
    peer.answer(peer.expect("GET /a"), file_reply(5, "b"));
    EXPECT_EQ(ran.get(), "b");
}

template <typename AnyClient>
constexpr bool tells_its_cluster = requires(AnyClient client) {
    client.status();
    client.async_status([](Result<std::string> const&) {});
    client.force("cluster", "id", false);
    client.async_force("cluster", "id", false, [](Result<Revision> const&) {});
};

TEST(DurableClient, HasWhatIsForOperatorsToo) {
    EXPECT_TRUE(tells_its_cluster<Client>);
    EXPECT_TRUE(tells_its_cluster<DurableClient>);
}

TEST(DurableClient, CannotBeTakenForAClientThatIsNotDurable) {
    EXPECT_FALSE((std::is_convertible_v<DurableClient&, Client&>));
}

TEST(DurableClient, IsNotSatisfiedByTheAcknowledgementOfAnEarlierSet) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto set = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
    answer_no_compact(peer, 11);
    std::string const mirror = "/ctl/persistence/3/a";
    peer.answer(peer.expect("WAIT /ctl/persistence/3/a rev=11"), event(12, mirror, "10"));
    peer.answer(peer.expect("WAIT /ctl/persistence/3/a rev=13"), event(14, mirror, "11"));
    EXPECT_EQ(*set.get(), Revision(11));
}

TEST(DurableClient, IsSatisfiedByTheAcknowledgementOfALaterSet) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto set = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
    answer_no_compact(peer, 11);
    peer.answer(peer.expect("WAIT /ctl/persistence/3/a rev=11"),
                event(14, "/ctl/persistence/3/a", "13"));
    EXPECT_EQ(*set.get(), Revision(11));
}

TEST(DurableClient, WaitsUntilTheInstanceHasComeUpToTheSet) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto set = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
    peer.answer(answer_compact(peer, 11, "8"), event(12, compact, "10"));
    peer.answer(peer.expect("WAIT /ctl/durable/3 rev=13"), event(15, compact, "13"));
    EXPECT_EQ(*set.get(), Revision(11));
    // From now on it is known that there is one.
    auto again = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(17));
    peer.answer(peer.expect("WAIT /ctl/durable/3 rev=17"), event(18, compact, "17"));
    EXPECT_EQ(*again.get(), Revision(17));
}

TEST(DurableClient, LooksWhereTheInstanceIsWhenTheHistoryNoLongerTells) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto set = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
    peer.answer(answer_compact(peer, 11, "8"), refused(base::Errc::too_late));
    peer.answer(peer.expect("GET /ctl/durable/3"), file_reply(900, "10"));
    peer.answer(peer.expect("WAIT /ctl/durable/3 rev=901"), event(1000, compact, "999"));
    EXPECT_EQ(*set.get(), Revision(11));
}

TEST(DurableClient, TakesWhicheverAcknowledgementComesFirst) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto set = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
    Question const waits = answer_no_compact(peer, 11);
    Question const mirror = peer.expect("WAIT /ctl/persistence/3/a rev=11");
    peer.answer(waits, event(14, compact, "12"));  // the instance was started just now
    EXPECT_EQ(*set.get(), Revision(11));
    peer.answer(mirror, event(15, "/ctl/persistence/3/a", "11"));  // nobody waits for it any more
    auto rev = in_background([&c = client] { return c.rev(); });
    peer.answer(peer.expect("REV"), rev_reply(15));
    EXPECT_TRUE(rev.get().ok());
}

TEST(DurableClient, DeletesWhenTheInstanceIsBeyondTheDelete) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto del = in_background([&c = client] { return c.del("/a", clobber); });
    peer.answer(peer.expect("REV"), rev_reply(20));
    peer.answer(peer.expect("STAT /a rev=20"), stat_reply(12));
    peer.answer(peer.expect("DEL /a rev=12"), Reply());
    peer.answer(peer.expect("WAIT /a rev=21"), event(23, "/a", "", flag_del));
    peer.answer(answer_compact(peer, 23, "19"), event(24, compact, "23"));
    EXPECT_TRUE(del.get().ok());
}

TEST(DurableClient, DeletesWithTheOriginalDoozerpAsWell) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto del = in_background([&c = client] { return c.del("/a", Revision(15)); });
    peer.answer(peer.expect("REV"), rev_reply(20));
    peer.answer(peer.expect("STAT /a rev=20"), stat_reply(12));
    peer.answer(peer.expect("DEL /a rev=12"), Reply());
    peer.answer(peer.expect("WAIT /a rev=21"), event(23, "/a", "", flag_del));
    answer_no_compact(peer, 23);
    peer.answer(peer.expect("WAIT /ctl/persistence/3/a rev=23"),
                event(24, "/ctl/persistence/3/a", "", flag_del));
    EXPECT_TRUE(del.get().ok());
}

TEST(DurableClient, LooksAgainWhenTheFileChangesBeforeItsDelete) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto del = in_background([&c = client] { return c.del("/a", clobber); });
    peer.answer(peer.expect("REV"), rev_reply(20));
    peer.answer(peer.expect("STAT /a rev=20"), stat_reply(12));
    peer.answer(peer.expect("DEL /a rev=12"), refused(base::Errc::rev_mismatch));
    peer.answer(peer.expect("REV"), rev_reply(22));
    peer.answer(peer.expect("STAT /a rev=22"), stat_reply(21));
    peer.answer(peer.expect("DEL /a rev=21"), Reply());
    peer.answer(peer.expect("WAIT /a rev=23"), event(23, "/a", "", flag_del));
    answer_compact(peer, 23, "23");  // it was faster
    EXPECT_TRUE(del.get().ok());
}

TEST(DurableClient, PassesRefusalsOn) {
    FakeServer server;
    auto [peer, client] = durable(server);
    auto set = in_background([&c = client] { return c.set("/a", "b", missing); });
    peer.answer(peer.expect("SET /a value=b rev=0"), refused(base::Errc::rev_mismatch));
    EXPECT_EQ(set.get().error().code, Errc::rev_mismatch);

    auto del = in_background([&c = client] { return c.del("/a", Revision(11)); });
    peer.answer(peer.expect("REV"), rev_reply(20));
    peer.answer(peer.expect("STAT /a rev=20"), stat_reply(12));
    peer.answer(peer.expect("DEL /a rev=11"), refused(base::Errc::rev_mismatch));
    EXPECT_EQ(del.get().error().code, Errc::rev_mismatch);
}

TEST(DurableClient, SaysWhichInstanceHasNotAcknowledgedWhat) {
    FakeServer server;
    auto [peer, client] = durable(server, std::chrono::milliseconds(30));
    auto set = in_background([&c = client] { return c.set("/a", "b", clobber); });
    peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
    answer_no_compact(peer, 11);
    peer.expect("WAIT /ctl/persistence/3/a rev=11");
    auto const error = set.get().error();
    EXPECT_EQ(error.code, Errc::not_durable);
    EXPECT_EQ(error.message(),
              "revision 11 is made, but doozerp instance 3 has not acknowledged it within 30 ms");
}

TEST(DurableClient, SaysThatTheChangeIsMadeWhenItIsClosed) {
    FakeServer server;
    std::promise<Result<Revision>> outcome;
    {
        auto [peer, client] = durable(server);
        client.async_set("/a", "b", clobber, [&](Result<Revision> r) { outcome.set_value(r); });
        peer.answer(peer.expect("SET /a value=b rev=-1"), rev_reply(11));
        peer.expect("WAIT /ctl/durable/3 rev=11");
        peer.expect("GET /ctl/durable/3");
    }
    auto const error = outcome.get_future().get().error();
    EXPECT_EQ(error.code, Errc::not_durable);
    EXPECT_THAT(error.message(), HasSubstr("revision 11 is made"));
}

TEST(DurableClient, RefusesWhatIsNotJournaled) {
    FakeServer server;
    auto [peer, client] = durable(server);
    EXPECT_EQ(client.set("/ctl/x", "b", clobber).error().code, Errc::other);
    EXPECT_EQ(client.del("/ctl/x", clobber).error().code, Errc::other);
    EXPECT_EQ(client.set("/x", std::string(2UL << 20U, 'v'), clobber).error().code,
              Errc::limit_exceeded);
}

TEST(Client, CountsItsConnections) {
    FakeServer server;
    auto [peer, client] = connect(server);
    EXPECT_EQ(client.connections(), 1U);
    peer.close();
    Peer next = server.accept();
    next.shake_hands();
    auto rev = in_background([&c = client] { return c.rev(); });
    next.answer(next.expect("REV"), rev_reply(1));
    ASSERT_TRUE(rev.get().ok());
    EXPECT_EQ(client.connections(), 2U);
}

}  // namespace
}  // namespace doozer::client
