#include "consensus/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

/// Slots are not parked, so that tests can say which batch waits for whom.
Tuning no_parking() {
    Tuning t;
    t.park_ahead = 0;
    t.choose_owners = false;
    return t;
}

/// Idle owners are far ahead after the first write, so that two of three are enough for the next.
Tuning parking() {
    Tuning t = no_parking();
    t.park_ahead = 1000;
    return t;
}

class CoreTest : public ::testing::Test {
  protected:
    void TearDown() override {
        if (bench) {
            EXPECT_THAT(bench->violations, IsEmpty());
        }
    }
    Bench& make(std::string const& voters, std::string const& owners = "",
                Tuning const& tuning = no_parking()) {
        bench.emplace(voters, owners, tuning);
        return *bench;
    }
    std::optional<Bench> bench;
};

TEST_F(CoreTest, AloneItDeliversAtOnce) {
    Bench& b = make("a");
    b.submit('a', "x");
    EXPECT_EQ(b.lines('a'), Lines{"x"});
}

TEST_F(CoreTest, ABatchIsDeliveredEverywhere) {
    Bench& b = make("abc");
    b.submit('b', "x");
    EXPECT_THAT(b.lines('b'), IsEmpty()) << "not before a majority has it";
    b.settle();
    for (char const c : {'a', 'b', 'c'}) EXPECT_EQ(b.lines(c), Lines{"x"}) << c;
}

TEST_F(CoreTest, BatchesOfDifferentOwnersComeInOneOrder) {
    Bench& b = make("abc");
    for (int i = 0; i < 5; ++i) {
        b.submit('a', "a" + std::to_string(i));
        b.submit('c', "c" + std::to_string(i));
        b.submit('b', "b" + std::to_string(i));
    }
    b.settle();
    EXPECT_EQ(b.lines('a').size(), 15U);
    EXPECT_EQ(b.lines('a'), b.lines('b'));
    EXPECT_EQ(b.lines('a'), b.lines('c'));
}

// a owns no lane, delivers its own removal first, and then its link to b stalls. If it ended there,
// b would wait in an epoch of two without end.
TEST_F(CoreTest, AVoterThatLeavesKnowsWhetherTheOthersHaveBegunTheNextEpoch) {
    Bench& b = make("ab", "b", parking());
    EXPECT_TRUE(b.core('a').majority_entered());
    b.submit('a', "voters:b");
    b.deliver('a', 'b');
    b.hold('a', 'b');
    b.deliver('b', 'a');
    ASSERT_FALSE(b.core('a').voter());
    ASSERT_EQ(b.core('b').epoch(), Epoch(1));
    EXPECT_FALSE(b.core('a').majority_entered());
    b.hold('a', 'b', false);
    b.settle();
    EXPECT_EQ(b.core('b').epoch(), Epoch(2));
    EXPECT_TRUE(b.core('a').majority_entered());
}

TEST_F(CoreTest, AMajorityWithParkedLanesIsEnough) {
    Bench& b = make("abc", "", parking());
    b.submit('b', "x");
    b.settle();
    b.hold('c', 'a');
    b.hold('c', 'b');
    b.submit('b', "y");
    b.settle();
    EXPECT_EQ(b.lines('b'), (Lines{"x", "y"}));
    EXPECT_EQ(b.core('b').epoch(), Epoch(1)) << "without sealing anything";
}

TEST_F(CoreTest, AGapIsFetchedAndNotReadAsSkips) {
    Bench& b = make("abc");
    b.submit('a', "x");
    b.wire[{'a', 'c'}].clear();  // lost, as if with a connection
    b.submit('a', "y");
    b.deliver('a', 'c');
    EXPECT_THAT(b.members.at('c').ignored, Contains(Ignored::gap));
    b.pass(seconds(1));
    EXPECT_EQ(b.lines('c'), (Lines{"x", "y"}));
}

TEST_F(CoreTest, ANewLinkGoesOnWhereThePeersCopyEnds) {
    Bench& b = make("abc");
    b.unlink('a', 'c');
    b.submit('a', "x");
    b.settle();
    b.submit('a', "y");
    b.settle();
    b.link('a', 'c');
    b.settle();
    b.pass(milliseconds(300));
    EXPECT_EQ(b.lines('c'), (Lines{"x", "y"}));
    EXPECT_EQ(b.core('c').epoch(), Epoch(1));
}

TEST_F(CoreTest, TheEpochOfADeadOwnerIsSealedAndItLosesItsLane) {
    Bench& b = make("abc");
    b.submit('b', "x");
    b.settle();
    b.kill('a');
    b.submit('b', "y");
    b.pass(milliseconds(400));
    EXPECT_EQ(b.lines('b'), (Lines{"x", "y"}));
    EXPECT_EQ(b.lines('c'), (Lines{"x", "y"}));
    EXPECT_EQ(b.core('b').epoch(), Epoch(2));
    EXPECT_THAT(b.core('b').configuration().owners, ElementsAre(Bench::id('b'), Bench::id('c')));
}

TEST_F(CoreTest, AnItemOfADeadOwnerThatWasChosenSurvivesTheSeal) {
    Bench& b = make("abc", "", parking());
    b.submit('a', "w");
    b.settle();
    b.hold('a', 'c');
    b.hold('b', 'c');
    b.submit('a', "x");
    b.settle();
    EXPECT_EQ(b.lines('a'), (Lines{"w", "x"}));
    b.kill('a');
    b.hold('b', 'c', false);
    b.submit('c', "y");
    b.pass(milliseconds(500));
    EXPECT_EQ(b.lines('c'), (Lines{"w", "x", "y"}));
    EXPECT_EQ(b.lines('b'), b.lines('c'));
}

TEST_F(CoreTest, AMemberThatHearsNobodyDisturbsNobody) {
    Bench& b = make("abc");
    b.unlink('a', 'b');
    b.unlink('a', 'c');
    b.submit('a', "lost for now");
    b.submit('b', "x");
    b.pass(milliseconds(600));
    EXPECT_EQ(b.core('b').epoch(), Epoch(2));
    Epoch const settled = b.core('b').epoch();
    b.pass(seconds(2));
    EXPECT_EQ(b.core('b').epoch(), settled);
    b.link('a', 'b');
    b.link('a', 'c');
    b.pass(milliseconds(600));
    EXPECT_EQ(b.core('a').epoch(), settled);
    EXPECT_EQ(b.lines('a'), (Lines{"x", "lost for now"}));
    EXPECT_EQ(b.lines('b'), b.lines('a'));
}

TEST_F(CoreTest, AStopSignEndsItsEpoch) {
    Bench& b = make("abc");
    b.submit('a', "voters:a,b");
    b.settle();
    EXPECT_EQ(b.core('a').epoch(), Epoch(2));
    EXPECT_THAT(b.core('b').configuration().voters, ElementsAre(Bench::id('a'), Bench::id('b')));
    EXPECT_FALSE(b.core('c').voter());
    b.submit('a', "x");
    b.settle();
    EXPECT_EQ(b.lines('b'), (Lines{"voters:a,b", "x"}));
    EXPECT_EQ(b.lines('c'), b.lines('b')) << "as a follower";
}

TEST_F(CoreTest, BatchesAfterAStopSignAreProposedAgain) {
    Bench& b = make("abc");
    b.submit('a', "voters:a,b");
    b.submit('b', "x");
    b.submit('b', "y");
    b.submit('c', "never, its origin is out");
    b.settle();
    b.pass(milliseconds(300));
    EXPECT_EQ(b.lines('a'), b.lines('b'));
    EXPECT_EQ(b.lines('c'), b.lines('b'));
    EXPECT_THAT(b.lines('a'), Contains("x"));
    EXPECT_THAT(b.lines('a'), Contains("y"));
    EXPECT_EQ(b.core('b').unsettled(), 0U);
    EXPECT_EQ(b.core('c').unsettled(), 0U);
}

TEST_F(CoreTest, AFollowerTakesASnapshotAndEverythingAfter) {
    Bench& b = make("ab");
    b.submit('a', "x");
    b.settle();
    b.follow('c');
    b.link('b', 'c');
    b.settle();
    EXPECT_EQ(b.lines('c'), Lines{"x"});
    b.submit('a', "y");
    b.settle();
    EXPECT_EQ(b.lines('c'), (Lines{"x", "y"}));
    EXPECT_EQ(b.core('c').delivered(), b.core('b').delivered());
}

TEST_F(CoreTest, AFollowerBecomesAVoterAndOwnsALane) {
    Bench& b = make("ab");
    b.follow('c', no_parking());
    b.link('a', 'c');
    b.link('b', 'c');
    b.settle();
    b.submit('a', "voters:a,b,c");
    b.settle();
    ASSERT_TRUE(b.core('c').owner());
    b.submit('c', "x");
    b.settle();
    EXPECT_EQ(b.lines('a'), (Lines{"voters:a,b,c", "x"}));
}

TEST_F(CoreTest, AVoterWithoutALaneForwards) {
    Bench& b = make("abc", "b");
    b.submit('a', "x");
    b.submit('c', "y");
    b.settle();
    EXPECT_EQ(b.lines('a').size(), 2U);
    EXPECT_EQ(b.lines('a'), b.lines('c'));
}

TEST_F(CoreTest, AForwardedBatchSurvivesTheDeathOfTheOnlyOwnerAndCountsOnce) {
    Bench& b = make("abc", "b");
    b.submit('a', "x");
    b.deliver('a', 'b');
    b.deliver('b', 'c');  // the owner's last words
    b.kill('b');
    b.pass(seconds(2));
    EXPECT_EQ(b.lines('a'), Lines{"x"});
    EXPECT_EQ(b.lines('c'), Lines{"x"});
}

TEST_F(CoreTest, AReadWaitsForEverythingThatAMajorityHasSeen) {
    Bench& b = make("abc", "", parking());
    b.submit('a', "w");
    b.settle();
    b.hold('a', 'c');
    b.hold('b', 'c');
    b.submit('a', "x");
    b.settle();
    ASSERT_EQ(b.lines('a'), (Lines{"w", "x"}));
    b.step('c', Read{42});
    b.turn('c');
    b.settle();
    EXPECT_THAT(b.members.at('c').reads_ready, IsEmpty()) << "no answer has come";
    b.hold('b', 'c', false);
    b.settle();
    b.pass(milliseconds(500));
    EXPECT_THAT(b.members.at('c').reads_ready, ElementsAre(42));
    EXPECT_EQ(b.lines('c'), (Lines{"w", "x"}));
}

TEST_F(CoreTest, AnotherClustersMemberIsNotHeard) {
    Bench& b = make("ab");
    Bench stranger("c");
    b.follow('c');
    b.up[{'a', 'c'}] = b.up[{'c', 'a'}] = true;
    b.step('a', LinkUp{Bench::id('c')});
    b.receive('c', 'a', Hello{stranger.core('c').vector(), Lineage{6, 6}});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::other_lineage));
    b.receive('c', 'a', Ping{});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::not_greeted));
}

TEST_F(CoreTest, NonsenseIsRefusedByName) {
    Bench& b = make("abc");
    Vector v = b.core('b').vector();
    v.upto = Frontier(2);
    b.receive('b', 'a', Frame{v, Slot(0), {}});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::malformed));

    v = b.core('b').vector();
    v.upto[1] = Slot(10);
    Batch const batch(Bench::id('b'), Oseq(1), Bytes("x"));
    b.receive('b', 'a', Frame{v, Slot(0), {{Slot(3), batch}}});  // slot 3 is not in b's lane
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::malformed));

    b.receive('b', 'a', Prepare{b.core('b').vector(), ballot_of(1, 2)});  // c's ballot
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::malformed));
    EXPECT_TRUE(b.core('a').open());
    b.step('a', Receive{Bench::id('z'), Ping{}});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::unknown_link));
}

TEST_F(CoreTest, AfterAPromiseNoLaneMovesAndALowerBallotIsRefused) {
    Bench& b = make("abc");
    b.receive('c', 'a', Prepare{b.core('c').vector(), ballot_of(5, 2)});
    EXPECT_FALSE(b.core('a').open());
    b.submit('b', "x");
    b.settle();
    EXPECT_EQ(b.core('a').lane(1).upto(), Slot(0));
    b.receive('b', 'a', Prepare{b.core('b').vector(), ballot_of(4, 1)});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::stale_ballot));
    ASSERT_EQ(b.members.at('a').last.sends.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Nack>(b.members.at('a').last.sends[0].message));
    EXPECT_EQ(b.core('a').acceptor().promised, ballot_of(5, 2));
}

TEST_F(CoreTest, ASealIsNotAcceptedBelowItsBase) {
    Bench& b = make("abc");
    SealValue value{Slot(9), b.core('a').vector().upto, {}, b.start.owners, ballot_of(1, 2)};
    b.receive(
        'c', 'a',
        Accept{b.core('c').vector(), ballot_of(1, 2), std::make_shared<SealValue const>(value)});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::behind_base));
    EXPECT_EQ(b.core('a').acceptor().accepted, Ballot(0));
}

TEST_F(CoreTest, ARunOfAnEndedEpochChangesNothingUntilItsEnd) {
    Bench& b = make("abc");
    Vector later = b.core('b').vector();
    later.epoch = Epoch(2);
    Batch const batch(Bench::id('b'), Oseq(1), Bytes("x"));
    b.receive('b', 'a', Decided{later, Epoch(1), Slot(0), {{Slot(1), batch}}, Slot(2), {}});
    EXPECT_EQ(b.core('a').delivered(), Slot(0));
    EXPECT_THAT(b.lines('a'), IsEmpty());
    b.receive('c', 'a', Prepare{b.core('c').vector(), ballot_of(1, 2)});
    EXPECT_FALSE(b.core('a').open()) << "it still promises";
    Configuration end = b.start;
    end.epoch = Epoch(2);
    b.receive('b', 'a', Decided{later, Epoch(1), Slot(2), {}, Slot(4), end});
    EXPECT_EQ(b.lines('a'), Lines{"x"});
    EXPECT_EQ(b.core('a').epoch(), Epoch(2));
    EXPECT_TRUE(b.core('a').open());
}

TEST_F(CoreTest, ASlowOwnerIsDemotedWithoutAStallAndGetsALaneAgain) {
    Tuning tuning;
    tuning.park_ahead = 0;
    tuning.slow_owner_items = 10;
    Bench& b = make("abc", "", tuning);
    b.pass(milliseconds(500));
    b.hold('c', 'a');
    b.hold('c', 'b');
    for (int i = 0; i < 40 && b.core('a').configuration().owners.size() == 3; ++i) {
        b.submit('a', "x");
        b.settle();
        b.now = b.now + milliseconds(6);  // below the suspicion time
        b.deliver('c', 'a');
        b.deliver('c', 'b');
        b.settle();
        b.step('a', Tick{});
        b.turn('a');
    }
    EXPECT_THAT(b.core('a').configuration().owners, ElementsAre(Bench::id('a'), Bench::id('b')));
    EXPECT_TRUE(b.core('a').configuration().voter_index(Bench::id('c')));
    b.hold('c', 'a', false);
    b.hold('c', 'b', false);
    b.pass(seconds(5));
    EXPECT_EQ(b.core('a').configuration().owners.size(), 3U);
}

TEST_F(CoreTest, ASilentMemberIsMissedByAMajorityOnly) {
    Tuning tuning = no_parking();
    tuning.kick_after = seconds(2);
    Bench& b = make("abc", "", tuning);
    b.unlink('a', 'c');
    b.pass(seconds(4));
    EXPECT_FALSE(b.core('a').majority_misses(Bench::id('c'), b.now)) << "b still hears it";
    b.unlink('b', 'c');
    b.pass(seconds(4));
    EXPECT_TRUE(b.core('a').majority_misses(Bench::id('c'), b.now));
    EXPECT_FALSE(b.core('b').majority_misses(Bench::id('a'), b.now));
}

/// All three were paused; a and b read what the other one says before they read what c says.
TEST_F(CoreTest, APauseOfItsOwnIsNoSilenceOfOthers) {
    Tuning tuning = no_parking();
    tuning.kick_after = seconds(2);
    Bench& b = make("abc", "", tuning);
    b.pass(seconds(1));
    b.hold('c', 'a');
    b.hold('c', 'b');
    b.now = b.now + seconds(3);
    b.pass(milliseconds(500));
    EXPECT_FALSE(b.core('a').majority_misses(Bench::id('c'), b.now));
    b.pass(seconds(2));
    EXPECT_TRUE(b.core('a').majority_misses(Bench::id('c'), b.now)) << "it is dead after all";
}

TEST_F(CoreTest, TheWordOfADeadMemberAboutAnotherDoesNotCount) {
    Tuning tuning = no_parking();
    tuning.kick_after = seconds(2);
    Bench& b = make("abc", "ab", tuning);  // no lane of c's, so that no epoch ends with it
    b.unlink('b', 'c');
    b.pass(seconds(4));
    b.kill('c');
    b.unlink('a', 'b');
    b.pass(seconds(4));
    EXPECT_FALSE(b.core('a').majority_misses(Bench::id('b'), b.now));
}

TEST_F(CoreTest, AMissedVoterIsForgottenWithTheNumbersOfItsEpoch) {
    Tuning tuning = no_parking();
    tuning.kick_after = seconds(2);
    Bench& b = make("abcd", "", tuning);
    b.kill('a');
    b.pass(seconds(4));
    ASSERT_TRUE(b.core('b').majority_misses(Bench::id('a'), b.now));
    b.submit('b', "voters:b,c,d");
    b.pass(milliseconds(20));  // not enough for another ping
    ASSERT_EQ(b.core('b').configuration().voters.size(), 3U);
    for (char const x : {'b', 'c', 'd'}) {
        for (char const y : {'b', 'c', 'd'}) {
            EXPECT_FALSE(b.core(x).majority_misses(Bench::id(y), b.now)) << x << " of " << y;
        }
    }
}

TEST_F(CoreTest, TheVectorOfAProcessWithoutAVoteIsNoVote) {
    Bench& b = make("abc", "a");
    b.follow('d');
    b.link('a', 'd');
    b.settle();
    b.hold('a', 'b');
    b.hold('a', 'c');
    b.submit('a', "x");
    Vector claim = b.core('a').vector();
    claim.upto[0] = Slot(9);
    b.receive('d', 'a', Ping{claim, b.now, {}, 0, 0});
    b.turn('a');
    EXPECT_THAT(b.lines('a'), IsEmpty());
}

TEST_F(CoreTest, ARunThatBeginsAheadIsRefused) {
    Bench& b = make("abc");
    Vector v = b.core('b').vector();
    v.delivered = Slot(6);
    Batch const batch(Bench::id('b'), Oseq(1), Bytes("x"));
    b.receive('b', 'a', Decided{v, Epoch(1), Slot(3), {{Slot(4), batch}}, Slot(6), {}});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::gap));
    EXPECT_EQ(b.core('a').delivered(), Slot(0));
}

TEST_F(CoreTest, AForwardedBatchCountsOnlyAfterItsPredecessor) {
    Bench& b = make("abc", "b");
    b.hold('a', 'b');
    b.submit('a', "first");
    b.submit('a', "second");
    auto& sent = b.wire[{'a', 'b'}];
    std::erase_if(sent, [](Message const& m) {
        auto const* const f = std::get_if<Forward>(&m);
        return f && f->batch.payload().view() == "first";  // dropped, as if the owner were full
    });
    b.hold('a', 'b', false);
    b.settle();
    EXPECT_THAT(b.lines('b'), IsEmpty());
    b.pass(milliseconds(500));
    EXPECT_EQ(b.lines('b'), (Lines{"first", "second"}));
    EXPECT_EQ(b.core('a').unsettled(), 0U);
}

TEST_F(CoreTest, AForwardedBatchThatIsLostIsSentAgain) {
    Bench& b = make("abc", "b");
    b.submit('a', "x");
    b.wire[{'a', 'b'}].clear();
    b.settle();
    b.pass(milliseconds(500));
    EXPECT_EQ(b.lines('b'), Lines{"x"});
    EXPECT_EQ(b.core('b').epoch(), Epoch(1)) << "a healthy owner is not sealed out";
}

TEST_F(CoreTest, ABatchOfAProcessWithoutAVoteDoesNotCount) {
    Bench& b = make("abc", "b");
    Vector v = b.core('b').vector();
    v.upto[0] = Slot(1);
    Batch const batch(Bench::id('z'), Oseq(1), Bytes("of a removed member"));
    b.receive('b', 'a', Frame{v, Slot(0), {{Slot(0), batch}}});
    EXPECT_THAT(b.members.at('a').last.ignored, Contains(Ignored::does_not_count));
    EXPECT_EQ(b.core('a').delivered(), Slot(1));
    EXPECT_THAT(b.lines('a'), IsEmpty());
}

TEST_F(CoreTest, AReadDoesNotTrustAClosedVoter) {
    Bench& b = make("abc");
    b.hold('b', 'a');
    b.hold('c', 'a');
    b.step('a', Read{1});
    b.turn('a');
    Vector closed = b.core('b').vector();
    closed.closed = true;
    b.receive('b', 'a', ReadReply{closed, 1});
    EXPECT_THAT(b.members.at('a').reads_ready, IsEmpty());
    b.receive('c', 'a', ReadReply{b.core('c').vector(), 1});
    EXPECT_THAT(b.members.at('a').reads_ready, ElementsAre(1));
}

TEST_F(CoreTest, AReadThatMeetsTheEndOfAnEpochIsAskedAgain) {
    Bench& b = make("abc");
    b.step('c', Read{7});
    b.submit('a', "voters:a,b,c,d");
    b.turn('c');
    for (auto& [pair, queue] : b.wire) {
        std::erase_if(queue, [](Message const& m) { return std::holds_alternative<ReadQuery>(m); });
    }
    b.settle();
    ASSERT_EQ(b.core('c').epoch(), Epoch(2));
    b.turn('c');
    b.settle();
    EXPECT_THAT(b.members.at('c').reads_ready, ElementsAre(7));
}

TEST_F(CoreTest, AHealthyVoterDoesNotHelpToCloseTheEpoch) {
    Bench& b = make("abc");
    b.receive('c', 'a', Prevote{b.core('c').vector()});
    ASSERT_EQ(b.members.at('a').last.sends.size(), 1U);
    EXPECT_FALSE(std::get<PrevoteReply>(b.members.at('a').last.sends[0].message).yes);
}

TEST_F(CoreTest, ASealIsNotAppliedBelowItsBase) {
    Bench& b = make("abc");
    SealValue const value{Slot(9), b.core('a').vector().upto, {}, b.start.owners, ballot_of(1, 2)};
    b.receive('c', 'a', Sealed{b.core('c').vector(), std::make_shared<SealValue const>(value)});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::behind_base));
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
}

TEST_F(CoreTest, AClosedOwnerProposesNothing) {
    Bench& b = make("abc");
    b.receive('c', 'a', Prepare{b.core('c').vector(), ballot_of(1, 2)});
    b.submit('a', "x");
    EXPECT_EQ(b.core('a').lane(0).upto(), Slot(0));
    EXPECT_EQ(b.core('a').unsettled(), 1U);
}

TEST_F(CoreTest, AClosedVoterDeliversARunButItsLanesDoNotMove) {
    Bench& b = make("abc");
    b.receive('c', 'a', Prepare{b.core('c').vector(), ballot_of(1, 2)});
    Vector v = b.core('b').vector();
    v.delivered = Slot(3);
    Batch const batch(Bench::id('b'), Oseq(1), Bytes("x"));
    b.receive('b', 'a', Decided{v, Epoch(1), Slot(0), {{Slot(1), batch}}, Slot(3), {}});
    EXPECT_EQ(b.lines('a'), Lines{"x"});
    EXPECT_EQ(b.core('a').delivered(), Slot(3));
    EXPECT_EQ(b.core('a').lane(1).upto(), Slot(0)) << "or its promise would not have been true";
}

TEST_F(CoreTest, VectorsOfAnotherEpochAreNoVotes) {
    Bench& b = make("abc", "a");
    b.hold('a', 'b');
    b.hold('a', 'c');
    b.submit('a', "x");
    Vector old = b.core('b').vector();
    old.epoch = Epoch(2);
    old.upto[0] = Slot(1);
    b.receive('b', 'a', Ping{old, b.now, {}, 0, 0});
    b.turn('a');
    EXPECT_THAT(b.lines('a'), IsEmpty());
}

TEST_F(CoreTest, ACopyOfAForwardedBatchDoesNotCount) {
    Bench& b = make("abc", "b");
    Vector v = b.core('b').vector();
    v.upto[0] = Slot(2);
    Batch const batch(Bench::id('c'), Oseq(1), Bytes("x"));
    b.receive('b', 'a', Frame{v, Slot(0), {{Slot(0), batch}, {Slot(1), batch}}});
    EXPECT_EQ(b.core('a').delivered(), Slot(2));
    EXPECT_EQ(b.lines('a'), Lines{"x"});
}

}  // namespace
}  // namespace doozer::consensus
