// Whom a member asks for what it lacks, and for how long; and how it measures its peers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The core of member "a", one of three, whose peers are played by the test.
class FetchingTest : public ::testing::Test {
  protected:
    static Tuning tuning() {
        Tuning t;
        t.park_ahead = 0;
        t.choose_owners = false;
        t.self_doubt_max = Duration(0);
        return t;
    }
    void step(Input const& input) {
        out = core.step(now, input, notebook);
        for (Send const& s : out.sends) {
            if (std::holds_alternative<Fetch>(s.message)) asked.push_back(s.to.str());
        }
    }
    void receive(char from, Message const& m) { step(Receive{Bench::id(from), m}); }
    void greet(char peer, Epoch epoch) {
        step(LinkUp{Bench::id(peer)});
        receive(peer, Hello{at(epoch, 0), start.lineage});
    }
    void ping(char peer, Epoch epoch) { receive(peer, Ping{at(epoch, 0), now, {}, 0, 0}); }
    /// Time passes in which nobody says anything.
    void pass(Duration d) {
        now = now + d;
        step(Tick{});
    }
    static Vector at(Epoch epoch, std::uint64_t delivered) {
        return {epoch, Slot(delivered), Slot(delivered), false, Frontier(3)};
    }
    static Item item(std::uint64_t slot, char origin, std::uint64_t oseq, std::string const& text) {
        return {Slot(slot), Batch(Bench::id(origin), Oseq(oseq), Bytes(text))};
    }
    std::vector<std::string> asked_since() { return std::exchange(asked, {}); }

    MemberIds const abc{Bench::id('a'), Bench::id('b'), Bench::id('c')};
    Configuration start{Lineage{7, 7}, Epoch(1), abc, abc};
    Instant now{1'000'000'000};
    Notebook notebook;
    Core core{Bench::id('a'), start, tuning()};
    Output out;
    std::vector<std::string> asked;  // who was sent a FETCH, in order
};

// b is dead and had delivered more than all others. A member that asks the peer with the most would
// ask b again and again.
TEST_F(FetchingTest, APeerThatNeverAnswersIsNotAskedAgainAndAgain) {
    greet('b', Epoch(3));
    greet('c', Epoch(2));
    ASSERT_THAT(asked_since(), ElementsAre("b"));
    pass(tuning().fetch_patience);
    EXPECT_THAT(asked_since(), ElementsAre("c"));
    pass(tuning().fetch_patience);
    EXPECT_THAT(asked_since(), ElementsAre("b")) << "in turns";
}

// b does not answer, and c says that it could. To wait for b for half a second would stop this
// member for that long, whenever a peer dies with a question.
TEST_F(FetchingTest, AnotherPeerIsAskedAfterTheSuspicionTime) {
    greet('b', Epoch(2));
    greet('c', Epoch(1));
    ASSERT_THAT(asked_since(), ElementsAre("b"));
    now = now + core.suspicion_time();
    ASSERT_LT(core.suspicion_time(), tuning().fetch_patience);
    ping('c', Epoch(2));
    EXPECT_THAT(asked_since(), ElementsAre("c"));
}

// Both answer from where this member stands. If the second answer began the work anew, the two
// would undo each other's work without end, since the member asks each to continue its own.
TEST_F(FetchingTest, PiecesOfAnEndedEpochMayComeFromDifferentMembers) {
    greet('b', Epoch(2));
    greet('c', Epoch(2));
    receive('b', Decided{at(Epoch(2), 0),
                         Epoch(1),
                         Slot(0),
                         {item(1, 'b', 1, "x"), item(4, 'b', 2, "y")},
                         Slot(5),
                         {}});
    receive('c', Decided{at(Epoch(2), 0), Epoch(1), Slot(0), {item(1, 'b', 1, "x")}, Slot(2), {}});
    Configuration end = start;
    end.epoch = Epoch(2);
    receive('c', Decided{at(Epoch(2), 0), Epoch(1), Slot(5), {item(5, 'c', 1, "z")}, Slot(6), end});
    EXPECT_THAT(out.ignored, IsEmpty());
    EXPECT_EQ(core.epoch(), Epoch(2));
    EXPECT_THAT(notebook.lines(), ElementsAre("x", "y", "z"));
}

// To leave a giver means to begin the copy anew. While it is heard it may only be slow.
TEST_F(FetchingTest, TheGiverOfACopyIsLeftOnlyWhenItIsSilent) {
    greet('b', Epoch(2));
    greet('c', Epoch(1));
    Configuration later = start;
    later.epoch = Epoch(2);
    Snapshot s{at(Epoch(2), 5), later, Slot(5), {}, {}, 0, 0, 1, 0, false, Bytes("x\n")};
    for (MemberId const v : abc) s.applied_oseq[v] = Oseq(0);
    receive('b', s);
    ASSERT_THAT(asked_since(), ElementsAre("b", "b", "b")) << "and for two pieces more";
    for (int i = 0; i < 10; ++i) {
        pass(tuning().ping_every);
        ping('b', Epoch(2));
        ping('c', Epoch(2));
        EXPECT_THAT(asked_since(), IsEmpty()) << "the next piece is on its way";
    }
    for (int i = 0; i < 10; ++i) {
        pass(tuning().ping_every);
        ping('c', Epoch(2));
    }
    EXPECT_THAT(asked_since(), ::testing::Contains("c")) << "nothing is heard of b";
}

// TCP sent a packet again: one answer took a second. A suspicion time that followed it would make
// this member wait for a dead owner for seconds.
TEST_F(FetchingTest, OneLateAnswerDoesNotMakeAMemberPatientForSeconds) {
    greet('b', Epoch(1));
    greet('c', Epoch(1));
    auto const answer = [&](char from, Duration after) {
        Instant const sent = now;
        now = now + after;
        receive(from, Pong{at(Epoch(1), 0), sent});
    };
    for (int i = 0; i < 20; ++i) {
        for (char const peer : {'b', 'c'}) answer(peer, milliseconds(1));
    }
    Duration const before = core.suspicion_time();
    for (char const peer : {'b', 'c'}) answer(peer, seconds(1));
    EXPECT_LE(core.suspicion_time(), Duration(3 * before.value()));
}

// b and c are silent, so nobody can say that this copy is right. A process without a vote that
// could stop this voter then could stop the last one that has the data.
TEST_F(FetchingTest, TheFingerprintOfAFollowerStopsNoMember) {
    for (char const peer : {'b', 'c'}) greet(peer, Epoch(1));
    receive('b', Decided{at(Epoch(1), 2), Epoch(1), Slot(0), {item(1, 'b', 1, "x")}, Slot(2), {}});
    ASSERT_EQ(core.applied(), 1U);
    step(LinkUp{Bench::id('f')});
    receive('f', Hello{{}, {}});
    for (int i = 0; i < 20; ++i) {
        receive('f', Ping{at(Epoch(1), 2), now, {}, 1, 12345});
        pass(tuning().ping_every);
        for (TraceEvent const& e : out.trace) EXPECT_NE(e.what, Happened::diverged);
    }
}

// The survivor's numbers go on with a change that the old cluster never made.
TEST_F(FetchingTest, ASurvivorComparesItsCopyOnlyAfterTheForce) {
    greet('b', Epoch(1));
    receive('b', Decided{at(Epoch(1), 2), Epoch(1), Slot(0), {item(1, 'b', 1, "x")}, Slot(2), {}});
    step(LinkDown{Bench::id('b')});
    step(Force{Lineage{9, 9}});
    step(EndOfTurn{});
    ASSERT_EQ(core.configuration().voters.size(), 1U);
    ASSERT_EQ(core.applied(), 2U);
    std::uint64_t const forced = core.fingerprint();
    step(Submit{Bytes("voters:a,f")});
    step(EndOfTurn{});
    ASSERT_EQ(core.configuration().voters.size(), 2U);
    Vector const theirs{core.epoch(), Slot(0), Slot(0), false, Frontier(core.lanes())};
    step(LinkUp{Bench::id('f')});
    receive('f', Hello{theirs, Lineage{9, 9}});
    for (int i = 0; i < 20; ++i) {
        receive('f', Ping{theirs, now, {}, 2, forced});
        pass(tuning().ping_every);
        for (TraceEvent const& e : out.trace) EXPECT_NE(e.what, Happened::diverged);
    }
}

}  // namespace
}  // namespace doozer::consensus
