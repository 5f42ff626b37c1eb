// What an operator's order to go on alone keeps, and whom it shuts out; and copies of processes
// that were set back.
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

class ForcingTest : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_THAT(b.violations, IsEmpty()); }
    static Tuning tuning() {
        Tuning t;
        t.park_ahead = 1000;
        t.choose_owners = false;
        return t;
    }
    void force(char c) {
        b.step(c, Force{after});
        b.turn(c);
    }
    Bench b{"abc", "", tuning()};
};

TEST_F(ForcingTest, TheSurvivorKeepsEverythingThatWasAnswered) {
    b.submit('c', "x");
    b.settle();
    b.hold('c', 'a');
    b.hold('b', 'a');
    b.submit('c', "y");  // b and c are a majority, and a does not hear of it
    b.settle();
    ASSERT_THAT(b.lines('c'), ElementsAre("x", "y"));
    b.kill('c');
    b.hold('b', 'a', false);
    force('a');
    b.pass(seconds(3));
    EXPECT_THAT(b.lines('a'), ElementsAre("x", "y", "forced"));
    EXPECT_EQ(b.core('a').configuration().lineage, after);
    EXPECT_EQ(b.core('a').configuration().voters, MemberIds{Bench::id('a')});
    b.submit('a', "z");
    EXPECT_EQ(b.lines('a').back(), "z");
}

TEST_F(ForcingTest, AloneItDoesNotWaitForTheDead) {
    b.kill('b');
    b.kill('c');
    b.submit('a', "unanswered");
    force('a');
    EXPECT_THAT(b.lines('a'), ElementsAre("unanswered", "forced"))
        << "nobody can answer, so nobody is awaited";
}

/// Four of five go on without a, and then only b is left of them, in a later epoch than a.
class FurtherSurvivor : public ForcingTest {
  protected:
    FurtherSurvivor() {
        five.submit('a', "x");
        five.settle();
        for (char const c : {'b', 'c', 'd', 'e'}) five.unlink('a', c);
        five.submit('a', "blocked");
        five.pass(seconds(1));
        for (int i = 0; i < 8; ++i) five.submit('b', "y" + std::to_string(i));
        five.pass(seconds(2));
        for (char const c : {'c', 'd', 'e'}) five.kill(c);
        five.link('a', 'b');
        five.hold('b', 'a');
        deliver_one();  // the HELLO
    }
    void TearDown() override {
        EXPECT_THAT(five.violations, IsEmpty());
        ForcingTest::TearDown();
    }
    static Tuning small_pieces() {
        Tuning t = tuning();
        t.decided_bytes = 1;
        return t;
    }
    bool deliver_one() {
        auto& queue = five.wire[{'b', 'a'}];
        if (queue.empty()) return false;
        Message const m = queue.front();
        queue.erase(queue.begin());
        five.receive('b', 'a', m);
        five.turn('a');
        return true;
    }
    bool was_forced() const { return five.core('a').configuration().lineage == after; }
    Bench five{"abcde", "", small_pieces()};
};

TEST_F(FurtherSurvivor, IsNotLeftBehindWithoutAnOrder) {
    ASSERT_GT(five.core('b').epoch(), five.core('a').epoch());
    five.step('a', Force{after});
    five.turn('a');
    five.pass(milliseconds(1900));
    EXPECT_TRUE(five.core('a').forcing());
    five.pass(milliseconds(300));
    EXPECT_FALSE(five.core('a').forcing()) << "given up";
    EXPECT_FALSE(was_forced());
    EXPECT_EQ(five.core('a').further_survivor(), Bench::id('b'));
    EXPECT_TRUE(five.core('a').open()) << "nobody is fenced before";
}

TEST_F(FurtherSurvivor, IsLeftBehindIfAnOperatorSaysSo) {
    five.step('a', Force{after, true});
    five.turn('a');
    five.pass(milliseconds(1900));
    EXPECT_FALSE(was_forced());
    five.pass(milliseconds(2500));
    EXPECT_TRUE(was_forced());
    EXPECT_THAT(five.lines('a'), Not(Contains("y0")));
}

TEST_F(FurtherSurvivor, IsAwaitedAsLongAsAnythingArrives) {
    five.step('a', Force{after});
    five.turn('a');
    int pieces = 0;
    for (int i = 0; i < 100 && !was_forced(); ++i) {
        five.pass(milliseconds(1500));
        // What is sent in answer to these waits for the next time.
        for (Message const& m : std::exchange(five.wire[{'b', 'a'}], {})) {
            five.receive('b', 'a', m);
            if (std::holds_alternative<Decided>(m)) ++pieces;
        }
        five.turn('a');
        ASSERT_TRUE(five.core('a').forcing() || was_forced()) << pieces;
    }
    EXPECT_TRUE(was_forced());
    EXPECT_GT(pieces, 5) << "several times as long as it waits for one";
    EXPECT_THAT(five.lines('a'), Contains("y7"));
}

TEST_F(ForcingTest, AFollowerThatWasCutOffDuringTwoForcesTakesItsCopyAnew) {
    b.follow('f', tuning());
    b.link('a', 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    b.unlink('a', 'f');
    b.kill('b');
    b.kill('c');
    force('a');
    Lineage const second{10, 10};
    b.step('a', Force{second});
    b.turn('a');
    ASSERT_EQ(b.core('a').configuration().lineage, second);
    b.link('a', 'f');
    b.pass(seconds(3));
    EXPECT_EQ(b.core('f').configuration().lineage, second);
    EXPECT_EQ(b.lines('f'), b.lines('a'));
}

TEST_F(ForcingTest, AVoterThatPromisedAFenceNeverSealsTheOldEpoch) {
    b.kill('c');
    force('a');
    b.pass(seconds(3));
    ASSERT_EQ(b.core('a').configuration().lineage, after);
    EXPECT_TRUE(is_fence(b.core('b').acceptor().promised));
    b.submit('b', "late");
    b.pass(seconds(3));
    EXPECT_EQ(b.core('b').epoch(), Epoch(1));
    EXPECT_THAT(b.lines('b'), IsEmpty());
    EXPECT_EQ(b.core('b').configuration().lineage, b.start.lineage);
}

TEST_F(ForcingTest, AVoterThatWasLeftBehindAsksTheSurvivorForNothing) {
    b.kill('c');
    force('a');
    b.pass(seconds(3));
    ASSERT_EQ(b.core('a').configuration().lineage, after);
    b.hold('b', 'a');
    b.pass(seconds(1));
    for (Message const& m : b.wire[{'b', 'a'}]) EXPECT_STRNE(name_of(m), "FETCH");
}

TEST_F(ForcingTest, TheSecondOfTwoOrdersIsTheOnlyOne) {
    b.kill('c');
    b.hold('a', 'b');
    b.hold('b', 'a');
    b.step('a', Force{after});
    b.step('b', Force{Lineage{8, 8}});
    b.hold('a', 'b', false);
    b.hold('b', 'a', false);
    b.pass(seconds(5));
    EXPECT_NE(b.core('a').configuration().lineage == after,
              b.core('b').configuration().lineage == (Lineage{8, 8}));
}

TEST_F(ForcingTest, AFollowerTakesItsCopyFromTheSurvivor) {
    b.follow('f', tuning());
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    ASSERT_THAT(b.lines('f'), ElementsAre("x"));
    b.kill('c');
    force('a');
    b.pass(seconds(4));
    EXPECT_THAT(b.lines('f'), ElementsAre("x", "forced"));
    EXPECT_EQ(b.core('f').configuration().lineage, after);
    b.submit('a', "y");
    b.pass(seconds(1));
    EXPECT_EQ(b.lines('f').back(), "y");
    b.unlink('b', 'f');  // one of those left behind comes back with its old copy
    b.link('b', 'f');
    b.pass(seconds(1));
    EXPECT_EQ(b.lines('f').back(), "y");
}

TEST_F(ForcingTest, AProcessWithoutAVoteIsNotForced) {
    b.follow('f', tuning());
    force('f');
    EXPECT_THAT(b.members.at('f').ignored, Contains(Ignored::not_a_voter));
    EXPECT_EQ(b.core('f').epoch(), Epoch(0));
}

TEST_F(ForcingTest, AProcessThatWasSetBackIsNotHeardAgain) {
    Core const earlier = b.core('c');
    b.submit('c', "x");
    b.settle();
    b.unlink('a', 'c');
    b.members.at('c').core = earlier;  // the machine was set back to a snapshot of itself
    b.members.at('c').invariants = {};
    b.link('a', 'c');
    b.settle();
    EXPECT_THAT(b.members.at('a').ignored, Contains(Ignored::resurrected));
    b.members.at('a').ignored.clear();
    b.receive('c', 'a', Ping{b.core('c').vector(), {}, {}, 0, 0});
    EXPECT_THAT(b.members.at('a').ignored, ElementsAre(Ignored::resurrected));
}

TEST(SetBack, AProcessIsHeardAgainInALaterEpoch) {
    Bench b{"abcd"};
    Core const earlier = b.core('c');
    b.submit('c', "x");
    b.settle();
    b.unlink('a', 'c');
    b.members.at('c').core = earlier;
    b.members.at('c').invariants = {};
    b.link('a', 'c');
    b.settle();
    ASSERT_TRUE(b.core('a').peers().at(Bench::id('c')).resurrected);
    b.unlink('b', 'c');
    b.submit('a', "voters:a,b,c");
    b.settle();
    ASSERT_EQ(b.core('a').epoch(), Epoch(2));
    b.receive('c', 'a', Hello{{Epoch(2), Slot(0), Slot(0), false, {}}, b.start.lineage});
    EXPECT_FALSE(b.core('a').peers().at(Bench::id('c')).resurrected);
    EXPECT_TRUE(b.core('a').reaches(Bench::id('c')));
}

}  // namespace
}  // namespace doozer::consensus
