// How a Client gets its first connection, and what it says when it gets none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "client/fake_server.h"

namespace doozer::client {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::MatchesRegex;

Options within(milliseconds timeout) {
    Options options;
    options.connect_timeout = timeout;
    return options;
}

/// An address where nobody listens.
std::string dead_address() {
    FakeServer server;
    return server.address();
}

TEST(Connect, SaysWhichAddressRefusedAndWhy) {
    std::string const address = dead_address();
    auto const client = Client::connect("doozer:?ca=" + address);
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code, Errc::connect_failed);
    EXPECT_EQ(client.error().message(), "connect " + address + ": Connection refused");
}

TEST(Connect, NamesEveryAddressThatFailed) {
    std::string const a = dead_address();
    std::string const b = dead_address();
    auto const client = Client::connect("doozer:?ca=" + a + "&ca=" + b);
    EXPECT_EQ(client.error().message(),
              "connect " + a + ": Connection refused; connect " + b + ": Connection refused");
}

TEST(Connect, TakesTheFirstAddressThatAnswers) {
    FakeServer second;
    auto client = connecting("doozer:?ca=" + dead_address() + "&ca=" + second.address());
    Peer peer = second.accept();
    peer.shake_hands();
    auto const connected = client.get();
    ASSERT_TRUE(connected.ok());
    EXPECT_EQ(connected->address(), second.address());
}

TEST(Connect, GivesUpAServerThatAcceptsAndNeverAnswers) {
    FakeServer silent;
    auto client = connecting("doozer:?ca=" + silent.address(), within(milliseconds(50)));
    Peer const peer = silent.accept();
    EXPECT_EQ(client.get().error().message(), "connect " + silent.address() + ": timed out");
}

TEST(Connect, LeavesTimeForTheAddressesBehindASilentOne) {
    FakeServer silent;
    FakeServer second;
    auto client = connecting(uri_of({&silent, &second}), within(milliseconds(800)));
    Peer const peer = silent.accept();
    Peer good = second.accept();
    good.shake_hands();
    EXPECT_TRUE(client.get().ok());
}

TEST(Connect, SaysWhenAServerClosesWithoutAnAnswer) {
    FakeServer server;
    auto client = connecting(uri_of({&server}));
    {
        Peer peer = server.accept();
        peer.next();
    }
    EXPECT_EQ(client.get().error().message(),
              "connect " + server.address() + ": connection closed by the server");
}

TEST(Connect, SaysWhenWhatAnswersIsNoDoozer) {
    FakeServer server;
    auto client = connecting(uri_of({&server}));
    Peer peer = server.accept();
    peer.next();
    peer.send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_THAT(client.get().error().message(), HasSubstr("is over the limit"));
}

TEST(Connect, SaysWhenANameDoesNotResolve) {
    auto const client =
        Client::connect("doozer:?ca=no-such-host.invalid", within(milliseconds(4000)));
    ASSERT_FALSE(client.ok());
    EXPECT_THAT(client.error().message(),
                MatchesRegex("connect no-such-host\\.invalid:8046: .*(ost|timed out|esolution).*"));
}

TEST(Connect, ResolvesNames) {
    FakeServer server;
    auto client = connecting("doozer:?ca=localhost:" + std::to_string(server.port()));
    Peer peer = server.accept();
    peer.shake_hands();
    EXPECT_TRUE(client.get().ok());
}

TEST(Connect, RefusesWhatIsNoUriBeforeItTriesAnything) {
    EXPECT_EQ(Client::connect("http://x").error().message(), "invalid uri");
    EXPECT_EQ(Client::connect(Uri{}).error().code, Errc::invalid_uri);
    EXPECT_EQ(Client::connect(Uri{{"a:b"}, "", "", ""}).error().code, Errc::invalid_uri);
    EXPECT_EQ(Client::connect("doozer:?cn=local").error().message(),
              "invalid uri: a name (cn) needs a boot uri");
}

// --- secrets -------------------------------------------------------------------------------------

TEST(Connect, PresentsTheSecretFirst) {
    FakeServer server;
    auto client = connecting(uri_of({&server}) + "&sk=sesame");
    Peer peer = server.accept();
    peer.shake_hands({"sesame"});
    EXPECT_TRUE(client.get().ok());
}

TEST(Connect, TakesTheAnswersToItsSecretAndItsRevisionInAnyOrder) {
    FakeServer server;
    auto client = connecting(uri_of({&server}) + "&sk=sesame");
    Peer peer = server.accept();
    Question const access = peer.expect("ACCESS value=sesame");
    Reply rev;
    rev.rev = 5;
    Question const rev_question = peer.expect("REV");
    peer.answer_status();
    peer.answer(rev_question, rev);
    peer.answer(access, {});
    EXPECT_TRUE(client.get().ok());
}

TEST(Connect, FailsWithTheServersWordsWhenTheSecretIsWrong) {
    FakeServer server;
    auto client = connecting(uri_of({&server}) + "&sk=wrong");
    Peer peer = server.accept();
    peer.answer(peer.next(), refused(base::Errc::other, "permission denied"));
    auto const outcome = client.get();
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error(), (Error{Errc::other, "permission denied"}));
}

TEST(Connect, IsNotDoneBeforeItsSecretIsAccepted) {
    FakeServer server;
    auto client = connecting(uri_of({&server}) + "&sk=wrong");
    Peer peer = server.accept();
    Question const access = peer.expect("ACCESS value=wrong");
    Reply rev;
    rev.rev = 5;
    peer.answer(peer.expect("REV"), rev);
    peer.answer(access, refused(base::Errc::other, "permission denied"));
    EXPECT_EQ(client.get().error().message(), "OTHER: permission denied");
}

// --- names ---------------------------------------------------------------------------------------

Options booted_by(std::string const& uri) {
    Options options;
    options.boot_uri = uri;
    return options;
}

/// Answers the lookup of a cluster "c" with these addresses.
void answer_lookup(Peer& dzns, std::vector<std::string> const& addresses) {
    dzns.shake_hands({}, 40);
    std::int32_t offset = 0;
    for (std::string const& address : addresses) {
        std::string const n = std::to_string(offset);
        dzns.answer(dzns.expect("WALK /ctl/ns/c/* offset=" + n + " rev=40"),
                    event(3 + offset, "/ctl/ns/c/" + n, address));
        ++offset;
    }
    dzns.answer(dzns.expect("WALK /ctl/ns/c/* offset=" + std::to_string(offset) + " rev=40"),
                refused(base::Errc::range));
}

TEST(Lookup, FindsTheAddressesOfAClusterByItsName) {
    FakeServer dzns;
    FakeServer server;
    auto client = connecting("doozer:?cn=c", booted_by(uri_of({&dzns})));
    Peer lookup = dzns.accept();
    answer_lookup(lookup, {"garbage:", dead_address(), server.address()});
    Peer peer = server.accept();
    peer.shake_hands();
    EXPECT_TRUE(client.get().ok());
    lookup.expect_closed();
}

TEST(Lookup, PresentsEachClusterItsOwnSecret) {
    FakeServer dzns;
    FakeServer server;
    auto client = connecting("doozer:?cn=c&sk=one", booted_by(uri_of({&dzns}) + "&sk=two"));
    Peer lookup = dzns.accept();
    lookup.answer(lookup.expect("ACCESS value=two"), {});
    answer_lookup(lookup, {server.address()});
    Peer peer = server.accept();
    peer.shake_hands({"one"});
    EXPECT_TRUE(client.get().ok());
}

TEST(Lookup, GoesToTheNextAddressOfTheDzns) {
    FakeServer dzns;
    FakeServer server;
    auto client = connecting("doozer:?cn=c",
                             booted_by("doozer:?ca=" + dead_address() + "&ca=" + dzns.address()));
    Peer lookup = dzns.accept();
    answer_lookup(lookup, {server.address()});
    Peer peer = server.accept();
    peer.shake_hands();
    EXPECT_TRUE(client.get().ok());
}

TEST(Lookup, SaysWhenTheDznsDoesNotAnswer) {
    std::string const address = dead_address();
    auto const client = Client::connect("doozer:?cn=c", booted_by("doozer:?ca=" + address));
    EXPECT_EQ(client.error().message(), "look up c: connect " + address + ": Connection refused");
}

TEST(Lookup, SaysWhenTheClusterIsNotRegistered) {
    FakeServer dzns;
    auto client = connecting("doozer:?cn=c", booted_by(uri_of({&dzns})));
    Peer lookup = dzns.accept();
    answer_lookup(lookup, {});
    EXPECT_EQ(client.get().error().message(), "look up c: it is not registered there");
}

TEST(Lookup, SaysWhenTheDznsRefuses) {
    FakeServer dzns;
    auto client = connecting("doozer:?cn=c", booted_by(uri_of({&dzns})));
    Peer lookup = dzns.accept();
    lookup.shake_hands();
    lookup.answer(lookup.next(), refused(base::Errc::other, "permission denied"));
    EXPECT_EQ(client.get().error().message(), "look up c: OTHER: permission denied");
}

TEST(Lookup, IsRepeatedBeforeAnyOtherAddressWhenTheConnectionIsLost) {
    FakeServer dzns;
    FakeServer first;
    FakeServer stale;
    FakeServer second;
    Timing timing = fast();
    timing.attempt = std::chrono::minutes(10);  // a try at the stale one would not end
    auto client = connecting("doozer:?cn=c", booted_by(uri_of({&dzns})), timing);
    Peer lookup = dzns.accept();
    answer_lookup(lookup, {first.address(), stale.address()});
    Peer one = first.accept();
    one.shake_hands();
    auto const connected = client.get();
    ASSERT_TRUE(connected.ok());

    one.close();
    Peer again = dzns.accept();
    answer_lookup(again, {second.address()});
    Peer two = second.accept();
    two.shake_hands();
}

TEST(Lookup, KeepsTheAddressesItKnowsWhileTheDznsIsAway) {
    FakeServer dzns;
    FakeServer server;
    auto client = connecting("doozer:?cn=c", booted_by(uri_of({&dzns})));
    Peer lookup = dzns.accept();
    answer_lookup(lookup, {server.address()});
    Peer one = server.accept();
    one.shake_hands();
    auto const connected = client.get();
    ASSERT_TRUE(connected.ok());

    dzns.refuse();
    one.close();
    Peer two = server.accept();
    two.shake_hands();
}

}  // namespace
}  // namespace doozer::client
