#include "server/member_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/member_stranger_testing.h"
#include "server/member_testing.h"

namespace doozer::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Why = RefusedLink::Why;

MemberLinks::Settings with_secret(std::string const& secret) {
    MemberLinks::Settings settings;
    settings.key = key_of(secret);
    return settings;
}

MemberLinks::Settings quick() {
    MemberLinks::Settings settings;
    settings.greeting = settings.dead_after = base::milliseconds(150);
    settings.dial.pause_min = settings.dial.pause_max = base::milliseconds(5);
    settings.dial.pause_hopeless = base::milliseconds(20);
    return settings;
}

// --- coming about --------------------------------------------------------------------------------

TEST_F(MemberLinksTest, TwoEndsFindEachOtherAndTellWhoTheyAre) {
    MemberEnd a(loop, 'A');
    MemberEnd b(loop, 'B');
    link(a, b);
    EXPECT_EQ(a.ups[0].id, b.id);
    EXPECT_EQ(a.ups[0].address, b.address());
    EXPECT_EQ(b.ups[0].id, a.id);
    EXPECT_EQ(b.ups[0].address, a.address());
    EXPECT_EQ(b.ups[0].version, wire::member_versions.newest);
    EXPECT_THAT(a.refused, IsEmpty());
}

// Loopback is no proof: everybody on the machine, and what is forwarded to a port, comes from
// there.
TEST_F(MemberLinksTest, AClosedEndNeitherOpensNorAcceptsLinks) {
    MemberLinks::Settings closed = quick();
    closed.closed = true;
    MemberEnd a(loop, 'A', closed);
    MemberEnd b(loop, 'B', quick());
    b.dial(a);
    run_until([&] { return !b.refused.empty(); });
    EXPECT_EQ(b.refused[0].why, Why::secret);
    EXPECT_THAT(b.refused[0].line, HasSubstr("clients of this process need a secret"));
    ASSERT_EQ(a.refused.size(), 1U);
    EXPECT_EQ(a.refused[0].why, Why::secret);
    b.links.want({});
    b.refused.clear();
    a.dial(b);
    run_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(a.linked(b) || b.linked(a));
    EXPECT_EQ(a.refused.size(), 1U) << "it does not even try";
    EXPECT_THAT(b.refused, IsEmpty());
}

TEST_F(MemberLinksTest, ASecretIsReplacedWhileLinksAreUp) {
    MemberEnd a(loop, 'A', with_secret("the secret before"));
    MemberEnd b(loop, 'B', with_secret("the secret before"));
    link(a, b);
    a.accept_only("the secret that follows");
    b.links.offer(key_of("the secret that follows"));
    run_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(a.linked(b)) << "links that are up stay";
    b.become('C');
    b.dial(a);
    run_until([&] { return a.links.is_linked(id_of('C')); });
}

TEST_F(MemberLinksTest, MessagesArriveInOrderInBothDirections) {
    MemberEnd a(loop, 'A');
    MemberEnd b(loop, 'B');
    link(a, b);
    std::vector<std::string> expected;
    for (int i = 0; i < 1000; ++i) {
        expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i) * 7, 'x'));
        EXPECT_TRUE(a.links.send(b.id, base::Bytes(expected.back())));
        EXPECT_TRUE(b.links.send(a.id, base::Bytes(expected.back())));
    }
    EXPECT_TRUE(a.links.send(b.id, base::Bytes()));
    a.links.flush();
    b.links.flush();
    run_until([&] { return b.messages[a.id].size() == 1001 && a.messages[b.id].size() == 1000; });
    EXPECT_EQ(a.messages[b.id], expected);
    expected.emplace_back();
    EXPECT_EQ(b.messages[a.id], expected);
}

TEST_F(MemberLinksTest, ThreeEndsThatAllDialSettleOnOneLinkForEachPair) {
    std::vector<std::unique_ptr<MemberEnd>> ends;
    for (char const letter : {'A', 'B', 'C'}) {
        ends.push_back(std::make_unique<MemberEnd>(loop, letter, with_secret("a secret of them")));
    }
    for (auto& end : ends) {
        end->links.want({{ends[0]->address(), ends[0]->id},
                         {ends[1]->address(), ends[1]->id},
                         {ends[2]->address(), ends[2]->id}});
    }
    auto const all_linked = [&] {
        return std::all_of(ends.begin(), ends.end(),
                           [](auto const& end) { return end->links.peers().size() == 2; });
    };
    run_until(all_linked);
    run_for(std::chrono::milliseconds(300));  // what loses is gone
    ASSERT_TRUE(all_linked());
    for (auto& from : ends) {
        for (auto& to : ends) {
            EXPECT_EQ(from->tell(*to, from->id), from != to);
        }
    }
    run_until([&] {
        return std::all_of(ends.begin(), ends.end(),
                           [](auto const& end) { return end->messages.size() == 2; });
    });
    auto const stories = ends[0]->story + ends[1]->story + ends[2]->story;
    run_for(std::chrono::milliseconds(300));
    EXPECT_EQ(stories, ends[0]->story + ends[1]->story + ends[2]->story) << "it does not settle";
    for (auto& end : ends) EXPECT_THAT(end->refused, IsEmpty());
}

TEST_F(MemberLinksTest, ALinkIsDialledAgainWhenItIsLost) {
    MemberEnd a(loop, 'A', quick());
    auto b = std::make_unique<MemberEnd>(loop, 'B', quick());
    link(a, *b);
    std::string const address = b->address();
    b = nullptr;
    run_until([&] { return a.story == "+B-B"; });
    run_until([&] { return !a.refused.empty(); });
    EXPECT_EQ(a.refused[0].why, Why::unreachable);
    EXPECT_EQ(a.refused[0].address, address);
    EXPECT_EQ(a.refused[0].line, "no link to " + address + ": Connection refused");
    run_for(std::chrono::milliseconds(100));
    EXPECT_EQ(a.refused.size(), 1U) << "the same reason is told once";
    EXPECT_FALSE(a.links.send(id_of('B'), base::Bytes("x")));

    b = std::make_unique<MemberEnd>(loop, 'C', quick());
    a.dial(*b);
    run_until([&] { return a.linked(*b); });
}

TEST_F(MemberLinksTest, WhatIsNoAddressBlocksNobody) {
    MemberEnd a(loop, 'A', quick());
    MemberEnd b(loop, 'B');
    a.links.want({{"no address", id_of('X')},
                  {"host.invalid:80", id_of('Y')},
                  {"", id_of('Z')},
                  {":80", {}},
                  {"127.0.0.1:0", {}},
                  {b.address(), {}}});
    run_until([&] { return a.linked(b); });
    run_until([&] { return a.refused.size() >= 5; });
    run_for(std::chrono::milliseconds(100));
    EXPECT_EQ(a.refused.size(), 5U);
    EXPECT_EQ(std::count_if(a.refused.begin(), a.refused.end(),
                            [](auto const& r) { return r.why == Why::bad_address; }),
              4);
}

TEST_F(MemberLinksTest, WhoIsNotWantedAnyMoreStaysLinkedUntilTheLinkIsLost) {
    MemberEnd a(loop, 'A', quick());
    auto b = std::make_unique<MemberEnd>(loop, 'B', quick());
    link(a, *b);
    a.links.want({});
    EXPECT_TRUE(a.linked(*b));
    b = nullptr;
    run_until([&] { return a.story == "+B-B"; });
    run_for(std::chrono::milliseconds(50));
    EXPECT_THAT(a.refused, IsEmpty());
}

TEST_F(MemberLinksTest, AnotherProcessAtTheAddressIsToldAndNotLinked) {
    MemberEnd a(loop, 'A', quick());
    MemberEnd b(loop, 'B');
    a.links.want({{b.address(), id_of('X')}});
    run_until([&] { return !a.refused.empty(); });
    EXPECT_EQ(a.refused[0].why, Why::other_id);
    EXPECT_EQ(a.refused[0].found, b.id);
    EXPECT_THAT(a.refused[0].line, HasSubstr("process here is " + b.id + ", not " + id_of('X')));
    EXPECT_THAT(a.ups, IsEmpty());
    EXPECT_THAT(b.ups, IsEmpty());
}

TEST_F(MemberLinksTest, AProcessDoesNotLinkToItself) {
    MemberEnd a(loop, 'A', quick());
    a.dial(a);
    run_until([&] { return !a.refused.empty(); });
    EXPECT_EQ(a.refused.back().why, Why::same_id);
    EXPECT_THAT(a.ups, IsEmpty());
}

TEST_F(MemberLinksTest, UnderANewIdAllLinksBeginAnew) {
    MemberEnd a(loop, 'A', quick());
    MemberEnd b(loop, 'B', quick());
    link(a, b);
    b.become('C');
    EXPECT_THAT(b.links.peers(), IsEmpty());
    EXPECT_EQ(b.story, "+A") << "told by the loop, not from within set_self()";
    run_until([&] { return a.links.is_linked(id_of('C')) && b.linked(a); });
    EXPECT_EQ(a.story, "+B-B+C");
    EXPECT_EQ(b.story, "+A-A+A");
}

TEST_F(MemberLinksTest, ACallbackMayCallEverything) {
    MemberEnd a(loop, 'A', quick());
    MemberEnd b(loop, 'B', quick());
    int heard = 0;
    b.on_message = [&](base::ProcessId const& from, std::string_view) {
        (void)b.links.send(from, base::Bytes("answer"));
        b.links.flush();
        if (++heard == 2) b.become('C');
    };
    link(a, b);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(a.links.send(b.id, base::Bytes("question")));
    a.links.flush();
    run_until([&] { return a.links.is_linked(id_of('C')); });
    EXPECT_EQ(heard, 2) << "what follows came to another process";
}

// --- who is let in -------------------------------------------------------------------------------

TEST_F(MemberLinksTest, TheSecretMustBeTheSame) {
    MemberEnd a(loop, 'A', with_secret("the one, sixteen"));
    MemberEnd b(loop, 'B', with_secret("another, sixteen"));
    a.dial(b);
    run_until([&] { return !a.refused.empty() && !b.client_ends.empty(); });
    EXPECT_EQ(a.refused[0].why, Why::secret);
    EXPECT_THAT(a.refused[0].line, HasSubstr("the secrets differ"));
    EXPECT_THAT(a.refused[0].line, HasSubstr("DOOZER_CLUSTER_SECRET"));
    EXPECT_THAT(b.client_ends[0], HasSubstr("the secrets differ"));
    EXPECT_THAT(b.ups, IsEmpty());
}

TEST_F(MemberLinksTest, WithASecretNobodyComesInWithoutOne) {
    MemberEnd a(loop, 'A');
    MemberEnd b(loop, 'B', with_secret("the one, sixteen"));
    a.dial(b);
    run_until([&] { return !a.refused.empty(); });
    EXPECT_EQ(a.refused[0].why, Why::secret);
    EXPECT_THAT(a.refused[0].line, HasSubstr("set DOOZER_CLUSTER_SECRET"));
    EXPECT_THAT(b.refused[0].line, HasSubstr("set DOOZER_CLUSTER_SECRET"));
    EXPECT_THAT(b.ups, IsEmpty());
}

TEST_F(MemberLinksTest, WhoHasASecretTalksToNobodyWithoutOne) {
    MemberEnd a(loop, 'A', with_secret("the one, sixteen"));
    MemberEnd b(loop, 'B');
    a.dial(b);
    run_until([&] { return !a.refused.empty(); });
    EXPECT_EQ(a.refused[0].why, Why::other) << "it could be one that has just ended";
    EXPECT_THAT(a.refused[0].line, HasSubstr("is DOOZER_CLUSTER_SECRET the same"));
    EXPECT_THAT(a.ups, IsEmpty());
    EXPECT_THAT(b.ups, IsEmpty());
}

TEST_F(MemberLinksTest, LinksWithASecretCarryMessages) {
    MemberEnd a(loop, 'A', with_secret("the one, sixteen"));
    MemberEnd b(loop, 'B', with_secret("the one, sixteen"));
    link(a, b);
    std::string const large(3'000'000, 'l');
    EXPECT_TRUE(a.tell(b, "small"));
    EXPECT_TRUE(b.tell(a, large));
    run_until([&] { return !b.messages[a.id].empty() && !a.messages[b.id].empty(); });
    EXPECT_THAT(b.messages[a.id], ElementsAre("small"));
    EXPECT_THAT(a.messages[b.id], ElementsAre(large));
}

TEST_F(MemberLinksTest, AClusterOfAnotherNameIsRefused) {
    MemberEnd a(loop, 'A', {}, "ours");
    MemberEnd b(loop, 'B', {}, "theirs");
    a.dial(b);
    run_until([&] { return !a.refused.empty(); });
    EXPECT_EQ(a.refused[0].why, Why::cluster_name);
    EXPECT_THAT(a.refused[0].line, HasSubstr("cluster is named theirs, not ours"));
    EXPECT_THAT(b.refused[0].line, HasSubstr("cluster is named theirs, not ours"));
}

TEST_F(MemberLinksTest, NeighbouringVersionsTalkAndOthersDoNot) {
    auto const of = [](std::uint16_t oldest, std::uint16_t newest) {
        MemberLinks::Settings settings;
        settings.versions = {oldest, newest};
        return settings;
    };
    MemberEnd old(loop, 'A', of(1, 2));
    MemberEnd newer(loop, 'B', of(2, 3));
    MemberEnd newest(loop, 'C', of(3, 4));
    link(old, newer);
    EXPECT_EQ(old.ups[0].version, 2);
    EXPECT_EQ(newer.ups[0].version, 2);
    newest.dial(old);
    run_until([&] { return !newest.refused.empty(); });
    EXPECT_EQ(newest.refused[0].why, Why::version);
    EXPECT_THAT(newest.refused[0].line, HasSubstr("member protocol is version 1 to 2, not 3 to 4"));
    EXPECT_THAT(newest.ups, IsEmpty());
}

TEST_F(MemberLinksTest, GarbageIsDropped) {
    auto settings = quick();
    settings.dead_after = base::seconds(60);
    MemberEnd a(loop, 'A', settings);
    MemberEnd b(loop, 'B', settings);
    link(a, b);
    std::string greeting;
    wire::append_greeting(greeting, Stranger::greeting('X'));
    std::string const magic(wire::member_magic);
    for (std::string const& bytes :
         {std::string("D"), std::string("Delicious"), magic + std::string(100, '\0'),
          magic + std::string("\x01\xff\xff\xff"), magic + greeting.substr(0, 20),
          magic + std::string("\x01\x00\x00\x02xy", 6), magic + std::string("\x03\x00\x00\x00", 4),
          magic + greeting + greeting, magic + greeting + std::string("\x03\xff\xff\xff")}) {
        Stranger stranger(loop, a);
        stranger.say(bytes);
        run_until([&] { return !stranger.listen(); });
    }
    wire::Greeting nameless = Stranger::greeting('X');
    nameless.id = "../../ctl";
    wire::Greeting nowhere = Stranger::greeting('X');
    nowhere.address = "a b";
    for (wire::Greeting const& bad : {nameless, nowhere}) {
        Stranger stranger(loop, a);
        stranger.greet(bad);
        run_until([&] { return !stranger.listen(); });
        ASSERT_TRUE(stranger.refusal().has_value());
        EXPECT_EQ(stranger.refusal()->reason, wire::RefusalReason::malformed);
    }
    EXPECT_TRUE(a.tell(b, "still there"));
    run_until([&] { return b.messages[a.id].size() == 1; });
}

TEST_F(MemberLinksTest, RecordsOfALaterVersionAreIgnored) {
    MemberEnd a(loop, 'A');
    Stranger stranger(loop, a);
    stranger.greet(Stranger::greeting('X'));
    stranger.say(std::string("\x63\x00\x00\x01?\x03\x00\x00\x02hi", 11));
    run_until([&] { return !a.messages[id_of('X')].empty(); });
    EXPECT_THAT(a.messages[id_of('X')], ElementsAre("hi"));
}

TEST_F(MemberLinksTest, WhoDoesNotGreetIsClosedAndTheyAreNotMany) {
    MemberLinks::Settings settings;
    settings.greeting = base::milliseconds(400);
    MemberEnd a(loop, 'A', settings);
    std::vector<std::unique_ptr<Stranger>> crowd;
    for (std::size_t i = 0; i < base::member_greetings_max + 5; ++i) {
        crowd.push_back(std::make_unique<Stranger>(loop, a));
        crowd.back()->say("DZM");
        run_for(std::chrono::milliseconds(1));
    }
    auto const closed = [&] {
        return std::count_if(crowd.begin(), crowd.end(), [](auto& s) { return !s->listen(); });
    };
    run_until([&] { return closed() >= 5; });
    EXPECT_FALSE(crowd[0]->listen()) << "the oldest makes room";
    run_until([&] { return closed() == std::ssize(crowd); });
}

TEST_F(MemberLinksTest, ClientsAreNotTakenForMembers) {
    MemberEnd a(loop, 'A', with_secret("the one, sixteen"));
    Stranger client(loop, a);
    client.say(std::string(4, '\xff'));
    run_until([&] { return !a.client_ends.empty(); });
    EXPECT_THAT(a.client_ends[0], HasSubstr("over the limit"));
    EXPECT_THAT(a.refused, IsEmpty());
}

// --- what happens on links -----------------------------------------------------------------------

TEST_F(MemberLinksTest, LargeMessagesDoNotDelaySmallOnes) {
    for (auto const& settings : {MemberLinks::Settings{}, with_secret("the one, sixteen")}) {
        MemberEnd a(loop, 'A', settings);
        MemberEnd b(loop, 'B', settings);
        link(a, b);
        std::string large;
        for (int i = 0; large.size() < 50'000'000; ++i) large += std::to_string(i);
        // Both sides, of which one has dialled and the other must ask for the second connection.
        int round_trips = 0;
        int arrived = 0;
        b.on_message = [&](auto const&, std::string_view body) {
            body.size() < 100 ? void(b.tell(a, body)) : void(arrived += body == large);
        };
        a.on_message = [&](auto const&, std::string_view body) {
            body.size() < 100 ? void(a.tell(b, std::to_string(++round_trips)))
                              : void(arrived += body == large);
        };
        EXPECT_TRUE(a.tell(b, large));
        EXPECT_TRUE(b.tell(a, large));
        EXPECT_TRUE(a.tell(b, "0"));
        run_until([&] { return arrived == 2; });
        EXPECT_GT(round_trips, 20);
        EXPECT_EQ(a.story, "+B");
        EXPECT_EQ(b.story, "+A");
    }
}

TEST_F(MemberLinksTest, LargeMessagesStayInOrderWithSmallOnesIfToldTo) {
    MemberEnd a(loop, 'A');
    MemberEnd b(loop, 'B');
    link(a, b);
    std::string const large(9'000'000, 'l');
    EXPECT_TRUE(a.links.send(b.id, base::Bytes("1")));
    EXPECT_TRUE(a.links.send(b.id, base::Bytes(large), MemberLinks::Route::with_frames));
    EXPECT_TRUE(a.links.send(b.id, base::Bytes("3")));
    a.links.flush();
    run_until([&] { return b.messages[a.id].size() == 3; });
    EXPECT_THAT(b.messages[a.id], ElementsAre("1", large, "3"));
}

TEST_F(MemberLinksTest, ADeadLinkIsNoticed) {
    MemberEnd a(loop, 'A', quick());
    Stranger stranger(loop, a);
    stranger.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X"; });
    auto const up = monotonic_now();
    run_until([&] { return a.story == "+X-X"; });
    EXPECT_GE((monotonic_now() - up).value(), base::milliseconds(140).value());
    EXPECT_THAT(a.downs, ElementsAre("nothing heard from it"));
}

TEST_F(MemberLinksTest, ALinkOverWhichSomethingComesLives) {
    MemberEnd a(loop, 'A', quick());
    MemberEnd b(loop, 'B', quick());
    link(a, b);
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(a.tell(b, "ping"));
        EXPECT_TRUE(b.tell(a, "ping"));
        run_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(a.story + b.story, "+B+A");
}

TEST_F(MemberLinksTest, AProcessThatStoodStillItselfKeepsItsLinks) {
    MemberEnd a(loop, 'A', quick());
    Stranger stranger(loop, a);
    stranger.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X"; });
    stranger.say(std::string("\x03\x00\x00\x02hi", 6));
    auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    while (std::chrono::steady_clock::now() < until) continue;  // the loop does not run
    run_until([&] { return !a.messages[id_of('X')].empty(); });
    EXPECT_EQ(a.story, "+X");
}

TEST_F(MemberLinksTest, APeerThatDoesNotReadIsCutOffAndLinkedAgain) {
    MemberEnd a(loop, 'A');
    Stranger stranger(loop, a);
    stranger.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X"; });
    base::Bytes const message(std::string(100'000, 'm'));
    bool taken = true;
    for (int i = 0; i < 1000 && taken; ++i) {
        taken = a.links.send(id_of('X'), message);
        a.links.flush();
    }
    EXPECT_FALSE(taken);
    EXPECT_LT(a.links.buffered_bytes(),
              base::member_queue_bytes(base::value_bytes_default) + base::MiB);
    EXPECT_EQ(a.story, "+X") << "told by the loop";
    run_until([&] { return a.story == "+X-X"; });
    EXPECT_THAT(a.downs, ElementsAre("it takes messages too slowly"));
    Stranger again(loop, a);
    again.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X-X+X"; });
}

TEST_F(MemberLinksTest, APeerThatReadsNothingOfALittleIsCutOffInTime) {
    MemberLinks::Settings settings;
    settings.stuck_after = base::milliseconds(1500);
    settings.dead_after = base::milliseconds(500);  // so often it is looked at
    MemberEnd a(loop, 'A', settings);
    Stranger stranger(loop, a);
    stranger.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X"; });
    base::Bytes const message(std::string(5 * base::MiB, 'm'));
    run_until([&] {  // more than the kernels of both sides take, and far from the bound
        if (a.links.buffered_bytes() < 4 * base::MiB) {
            (void)a.links.send(id_of('X'), message, MemberLinks::Route::with_frames);
            a.links.flush();
        }
        if (a.story == "+X") stranger.say(std::string("\x03\x00\x00\x01.", 5));
        return a.story != "+X";
    });
    // The kernel, which does the same after three seconds, may be first on a busy machine.
    EXPECT_THAT(a.downs, ElementsAre(testing::AnyOf("it takes no messages",
                                                    "the other side has closed the connection")));
}

TEST_F(MemberLinksTest, TheSameProcessMayDialAgain) {
    MemberEnd a(loop, 'A');
    Stranger first(loop, a);
    first.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X"; });
    Stranger second(loop, a);
    second.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X-X+X"; });
    run_until([&] { return !first.listen(); });
    EXPECT_TRUE(second.listen());
}

TEST_F(MemberLinksTest, ASecondConnectionBelongsToItsLinkOnly) {
    MemberEnd a(loop, 'A');
    Stranger frames(loop, a);
    frames.greet(Stranger::greeting('X'));
    run_until([&] { return a.story == "+X"; });
    wire::Greeting bulk = Stranger::greeting('X');
    bulk.kind = wire::Greeting::Kind::bulk;
    bulk.link = 8;
    Stranger other(loop, a);
    other.greet(bulk);
    run_until([&] {
        (void)other.listen();
        return other.refusal().has_value();
    });
    bulk.link = 7;
    Stranger right(loop, a);
    right.greet(bulk);
    right.say(std::string("\x04\x00\x00\x02to\x03\x00\x00\x06gether", 16));
    run_until([&] { return !a.messages[id_of('X')].empty(); });
    EXPECT_THAT(a.messages[id_of('X')], ElementsAre("together"));
    right.socket.close();
    run_until([&] { return a.story == "+X-X"; });
}

}  // namespace
}  // namespace doozer::server
