// After an operator forced one voter on alone: nothing of the old lineage gets into the new one,
// and nobody who promised the operator's ballot votes again. Each test names the schedule it
// prevents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

Lineage const after{9, 9};

class LineageTest : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_THAT(b.violations, IsEmpty()); }
    static Tuning tuning(std::uint64_t park_ahead) {
        Tuning t;
        t.park_ahead = park_ahead;
        t.choose_owners = false;
        return t;
    }
    void force(char c) {
        b.step(c, Force{after});
        b.turn(c);
    }
    /// The names of what the last step of a member sent, in order.
    std::vector<std::string> sent(char from) {
        std::vector<std::string> names;
        for (Send const& s : b.members.at(from).last.sends) {
            names.emplace_back(name_of(s.message));
        }
        return names;
    }
    static Vector at(Epoch epoch, std::uint64_t delivered) {
        return {epoch, Slot(delivered), Slot(delivered), false, {}};
    }
    Bench b{"abc", "", tuning(1000)};
};

// A voter that has promised the operator's ballot may have told the survivor all it knows. If
// another voter could outbid that ballot, the two could seal the old epoch without the survivor.
TEST_F(LineageTest, NoVoterOutbidsTheBallotOfAnOperator) {
    Ballot const fence = ballot_of(fence_round, 2);
    b.receive('c', 'b', Prepare{b.core('c').vector(), fence});
    b.kill('c');
    b.submit('a', "x");
    b.pass(seconds(3));
    ASSERT_FALSE(b.core('a').open()) << "it tries to seal the epoch";
    EXPECT_FALSE(is_fence(b.core('a').acceptor().promised));
    EXPECT_EQ(b.core('b').acceptor().promised, fence);
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
}

// b and c have chosen "y", and a does not know it. The first answer of b to a's order is lost. If b
// refused to answer again, a would go on without a write that was answered.
TEST_F(LineageTest, AnOrderThatIsRepeatedIsAnsweredAgain) {
    b.submit('c', "x");
    b.settle();
    b.hold('c', 'a');
    b.hold('b', 'a');
    b.submit('c', "y");
    b.settle();
    ASSERT_THAT(b.lines('b'), ElementsAre("x", "y"));
    b.kill('c');
    force('a');
    b.deliver('a', 'b');
    ASSERT_TRUE(is_fence(b.core('b').acceptor().promised));
    b.wire[{'b', 'a'}].clear();
    b.hold('b', 'a', false);
    b.pass(seconds(1));
    EXPECT_THAT(b.lines('a'), ElementsAre("x", "y", "forced"));
}

// The last change of the old epoch that the survivor knows is a stop sign. Later items were void
// for every member that applied it, so they are void for the survivor.
TEST_F(LineageTest, TheSurvivorKeepsNothingAfterAStopSign) {
    Bench n("abc", "", tuning(0));
    n.hold('c', 'a');
    n.hold('c', 'b');
    n.submit('b', "voters:a,b");
    n.submit('b', "behind it");
    n.deliver('b', 'a');
    ASSERT_THAT(n.lines('a'), IsEmpty()) << "the lane of c is not known";
    n.kill('b');
    n.kill('c');
    n.step('a', Force{after});
    n.turn('a');
    EXPECT_THAT(n.lines('a'), ElementsAre("voters:a,b", "forced"));
    EXPECT_THAT(n.violations, IsEmpty());
}

// The survivor's state changed when it was forced on, by a change that is in no log. A follower
// that got a run from before would apply the next changes to another state.
TEST_F(LineageTest, TheLogOfTheOldLineageIsServedToNobody) {
    b.follow('f', tuning(1000));
    b.link('a', 'f');
    b.submit('a', "x");
    b.settle();
    Slot const before = b.core('f').delivered();
    b.kill('b');
    b.kill('c');
    force('a');
    ASSERT_EQ(b.core('a').configuration().lineage, after);
    b.receive('f', 'a', Hello{{}, {}});  // nobody else of the old lineage is heard
    ASSERT_TRUE(b.core('a').reaches(Bench::id('f')));
    b.receive('f', 'a', Fetch{at(Epoch(1), 0), Slot(0)});
    EXPECT_THAT(sent('a'), Not(Contains("DECIDED")));
    b.receive('f', 'a', Fetch{at(Epoch(1), before.value()), before});
    EXPECT_THAT(sent('a'), Not(Contains("DECIDED")));
}

// b was left behind and does not know it. If a follower still took b for a member of its cluster,
// it would take a copy of the dead lineage.
TEST_F(LineageTest, AFollowerThatForgotAsksNobodyOfTheOldLineage) {
    b.follow('f', tuning(1000));
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    ASSERT_THAT(b.lines('f'), ElementsAre("x"));
    b.unlink('b', 'a');
    b.kill('c');
    force('a');
    b.hold('f', 'b');
    b.deliver('a', 'f');
    ASSERT_TRUE(b.core('f').forgot());
    EXPECT_FALSE(b.core('f').reaches(Bench::id('b')));
    b.hold('a', 'f');
    b.pass(seconds(2));
    for (Message const& m : b.wire[{'f', 'b'}]) EXPECT_STRNE(name_of(m), "FETCH");
}

// g was further in the old lineage than the survivor, so that its epoch goes back when it forgets,
// too. A follower that remembered g's old epoch would take g for a process that was set back, and
// never hear it again.
TEST_F(LineageTest, APeerThatForgotItsCopyDoesNotCountAsSetBack) {
    b.follow('f', tuning(1000));
    b.follow('g', tuning(1000));
    b.link('a', 'f');
    b.settle();
    b.up[{'f', 'g'}] = true;
    b.step('f', LinkUp{Bench::id('g')});
    b.receive('g', 'f', Hello{at(Epoch(5), 7), b.start.lineage});
    ASSERT_TRUE(b.core('f').reaches(Bench::id('g')));
    b.receive('a', 'f', Hello{at(Epoch(2), 0), after, b.start.lineage});
    ASSERT_TRUE(b.core('f').forgot());
    b.step('f', LinkUp{Bench::id('g')});  // anew: the first HELLO of a link is judged
    b.receive('g', 'f', Hello{at(Epoch(2), 3), after, b.start.lineage});
    EXPECT_THAT(b.members.at('f').ignored, Not(Contains(Ignored::resurrected)));
    EXPECT_TRUE(b.core('f').reaches(Bench::id('g')));
}

// A voter of one lineage never takes the state of another, whatever a peer sends.
TEST_F(LineageTest, ACopyOfAnotherLineageIsRefused) {
    Configuration other = b.start;
    other.lineage = after;
    other.epoch = Epoch(2);
    Snapshot s{at(Epoch(2), 0), other, Slot(0), {}, {}, 1, 1, 1, 0, true, Bytes("other\n")};
    for (MemberId const id : other.voters) s.applied_oseq[id] = Oseq(0);
    b.receive('b', 'a', s);
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::malformed));
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
    EXPECT_THAT(b.lines('a'), IsEmpty());
    s.configuration.lineage = b.start.lineage;
    b.receive('b', 'a', s);
    EXPECT_EQ(b.core('a').epoch(), Epoch(2)) << "nothing else was wrong with it";
}

TEST_F(LineageTest, TheEndOfAnEpochIsNeverAnotherLineage) {
    Configuration end = b.start;
    end.lineage = after;
    end.epoch = Epoch(2);
    b.receive('b', 'a', Decided{at(Epoch(2), 0), Epoch(1), Slot(0), {}, Slot(4), end});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::malformed));
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
    end.lineage = b.start.lineage;
    b.receive('b', 'a', Decided{at(Epoch(2), 0), Epoch(1), Slot(0), {}, Slot(4), end});
    EXPECT_EQ(b.core('a').epoch(), Epoch(2)) << "nothing else was wrong with it";
}

TEST_F(LineageTest, TheEndOfAnEpochIsTheOneThatFollows) {
    Configuration end = b.start;
    end.epoch = Epoch(3);
    b.receive('b', 'a', Decided{at(Epoch(3), 0), Epoch(1), Slot(0), {}, Slot(4), end});
    EXPECT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::malformed));
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
}

}  // namespace
}  // namespace doozer::consensus
