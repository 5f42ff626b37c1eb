// Members compare their copies: only a process whose copy is wrong stops or takes another one, and
// what a process without a vote says harms nobody.
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

Tuning tuning() {
    Tuning t;
    t.park_ahead = 1000;
    t.choose_owners = false;
    return t;
}

bool traced(Output const& out, Happened what) {
    return std::any_of(out.trace.begin(), out.trace.end(),
                       [&](TraceEvent const& e) { return e.what == what; });
}

/// A bench that notes who says that its copy is wrong.
struct Copies : Bench {
    using Bench::Bench;
    /// From now on the copy of `c` is another one.
    void corrupt(char c) { ASSERT_TRUE(members.at(c).notebook.install(Bytes("corrupted\n"))); }
    /// Time passes; members that are told to stop do.
    void watch(Duration d) {
        for (Instant const until = now + d; now < until;) {
            now = now + milliseconds(2);
            for (auto& [c, m] : members) {
                note(c, Tick{});
                note(c, EndOfTurn{});
            }
            for (auto& [pair, queue] : wire) {
                for (Message const& m : std::exchange(queue, {})) {
                    note(pair.second, Receive{id(pair.first), m});
                    note(pair.second, EndOfTurn{});
                }
            }
        }
    }
    void note(char c, Input const& input) {
        if (members.at(c).dead) return;
        step(c, input);
        if (traced(members.at(c).last, Happened::copy_dropped)) dropped += c;
        if (!traced(members.at(c).last, Happened::diverged)) return;
        stopped += c;
        kill(c);
    }
    std::string stopped;
    std::string dropped;
};

TEST(Comparing, OneWrongCopyOfFiveStopsAlone) {
    Copies b{"abcde", "", tuning()};
    b.pass(seconds(1));
    b.corrupt('c');
    b.submit('a', "x");
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped, "c");
    b.submit('a', "y");
    b.watch(seconds(1));
    EXPECT_EQ(b.lines('b').back(), "y") << "the others go on";
}

TEST(Comparing, OneWrongCopyOfThreeStopsAlone) {
    Copies b{"abc", "", tuning()};
    b.pass(seconds(1));
    b.corrupt('a');
    b.submit('a', "x");
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped, "a");
}

TEST(Comparing, TwoVotersThatDifferBothStop) {
    Copies b{"ab", "", tuning()};
    b.pass(seconds(1));
    b.corrupt('a');
    b.submit('a', "x");
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped.size(), 2U) << "nobody can tell which is right";
}

TEST(Comparing, ThreeDifferentCopiesStopAll) {
    Copies b{"abc", "", tuning()};
    b.pass(seconds(1));
    b.corrupt('a');
    ASSERT_TRUE(b.members.at('b').notebook.install(Bytes("corrupted otherwise\n")));
    b.submit('a', "x");
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped.size(), 3U);
}

TEST(Comparing, TwoThatDifferStopIfTheThirdIsDead) {
    Copies b{"abc", "", tuning()};
    b.pass(seconds(1));
    b.kill('c');
    b.pass(seconds(1));
    b.corrupt('a');
    b.submit('a', "x");
    b.watch(seconds(1));
    EXPECT_EQ(b.stopped, "") << "the third has a while to speak";
    b.watch(seconds(3));
    EXPECT_EQ(b.stopped.size(), 2U) << "no copy has a majority";
}

TEST(Comparing, TheLastVoterWithTheRightCopyDoesNotStop) {
    Copies b{"abc", "", tuning()};
    b.pass(seconds(1));
    b.corrupt('c');
    b.submit('a', "x");
    b.watch(seconds(4));
    ASSERT_EQ(b.stopped, "c");
    b.kill('b');
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped, "c") << "b had said that its copy is the same";
}

TEST(Comparing, AVoterThatHearsOnlyTheWrongCopyGoesOn) {
    Copies b{"abcde", "", tuning()};
    b.pass(seconds(1));
    b.corrupt('e');
    b.submit('a', "x");
    b.settle();
    for (char const c : {'b', 'c', 'd'}) {
        b.unlink('a', c);
        b.unlink('e', c);
    }
    b.watch(seconds(4));
    EXPECT_THAT(b.stopped, Not(Contains('a'))) << "it hears no majority, and so changes nothing";
}

TEST(Comparing, AWordAheadOfThisCopyIsComparedLater) {
    Copies b{"abc", "b", tuning()};
    b.pass(seconds(1));
    b.hold('b', 'a');
    b.hold('c', 'a');
    b.corrupt('a');
    for (int i = 0; i < 3; ++i) b.submit('b', "x" + std::to_string(i));
    b.pass(milliseconds(5));
    CopyWord const ahead{b.core('b').applied(), b.core('b').fingerprint()};
    ASSERT_GT(ahead.applied, b.core('a').applied());
    for (char const c : {'b', 'c'}) {
        b.receive(c, 'a',
                  Ping{Vector(b.core('a').vector()), b.now, {}, ahead.applied, ahead.fingerprint});
        EXPECT_FALSE(b.core('a').peers().at(Bench::id(c)).differs);
    }
    b.hold('b', 'a', false);
    b.hold('c', 'a', false);
    b.settle();
    ASSERT_EQ(b.core('a').applied(), ahead.applied);
    EXPECT_TRUE(b.core('a').peers().at(Bench::id('b')).differs);
    EXPECT_TRUE(b.core('a').peers().at(Bench::id('c')).differs);
}

TEST(Comparing, AFollowerWhoseCopyIsWrongTakesItAnew) {
    Copies b{"abc", "", tuning()};
    b.follow('f', tuning());
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    b.corrupt('f');
    b.submit('a', "y");
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped, "");
    EXPECT_EQ(b.dropped, "f");
    EXPECT_THAT(b.lines('f'), ElementsAre("x", "y"));
    b.submit('b', "z");
    b.watch(seconds(1));
    EXPECT_EQ(b.lines('f').back(), "z") << "it follows on";
    EXPECT_THAT(b.violations, IsEmpty());
    for (char const c : {'a', 'b', 'c'}) {
        EXPECT_FALSE(b.core(c).peers().at(Bench::id('f')).resurrected) << c;
    }
}

TEST(Comparing, AFollowerKeepsItsCopyIfOneOfThreeIsWrong) {
    Copies b{"abc", "", tuning()};
    b.follow('f', tuning());
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    b.corrupt('b');
    b.submit('a', "y");
    b.watch(seconds(4));
    EXPECT_EQ(b.stopped, "b");
    EXPECT_EQ(b.dropped, "");
}

// A follower was one batch ahead of the survivor. Both count on from there, with other batches.
TEST(Comparing, WordsOfTheLineageBeforeAForceAreNotCompared) {
    Copies b{"abc", "", tuning()};
    b.follow('f', tuning());
    b.link('b', 'f');
    b.link('c', 'f');
    b.pass(seconds(1));
    b.hold('c', 'a');
    b.hold('b', 'a');
    b.submit('c', "y");
    b.pass(milliseconds(50));
    ASSERT_THAT(b.lines('f'), ElementsAre("y"));
    ASSERT_THAT(b.lines('a'), IsEmpty());
    b.link('a', 'f');
    b.settle();
    b.hold('f', 'a');
    b.now = b.now + milliseconds(250);
    b.step('f', Tick{});  // a PING of before the force is on its way
    b.kill('b');
    b.kill('c');
    b.step('a', Force{after, true});
    b.turn('a');
    b.pass(seconds(3));
    ASSERT_EQ(b.core('a').configuration().lineage, after);
    ASSERT_TRUE(b.core('f').forgot());
    for (int i = 0; i < 3; ++i) b.submit('a', "z");
    for (Message const& m : std::exchange(b.wire[{'f', 'a'}], {})) {
        b.receive('f', 'a', m);
        EXPECT_FALSE(traced(b.members.at('a').last, Happened::diverged)) << name_of(m);
        EXPECT_FALSE(b.core('a').peers().at(Bench::id('f')).differs) << name_of(m);
    }
    b.hold('f', 'a', false);
    b.watch(seconds(5));
    EXPECT_EQ(b.stopped, "");
    EXPECT_EQ(b.dropped, "");
    EXPECT_EQ(b.lines('f'), b.lines('a'));
    EXPECT_THAT(b.violations, IsEmpty());
}

// A survivor forces; a voter that was ahead of it, of the same epoch, is heard of its old lineage.
TEST(Comparing, AVoterOfTheOldLineageIsNotComparedWithTheForcedOne) {
    Copies b{"abc", "", tuning()};
    b.pass(seconds(1));
    b.submit('a', "x");
    b.settle();
    b.hold('b', 'a');
    b.submit('b', "y");
    b.settle();
    b.now = b.now + milliseconds(250);
    b.step('b', Tick{});
    std::vector<Message> const late = std::exchange(b.wire[{'b', 'a'}], {});
    b.kill('c');
    b.step('a', Force{after});
    b.turn('a');
    b.pass(seconds(3));
    ASSERT_EQ(b.core('a').configuration().lineage, after);
    for (Message const& m : late) {
        b.receive('b', 'a', m);
        EXPECT_THAT(b.members.at('a').last.ignored, Not(IsEmpty())) << name_of(m);
    }
    b.watch(seconds(4));
    EXPECT_THAT(b.stopped, Not(Contains('a')));
}

TEST(Comparing, AFollowerNeverReturnsToALineageThatItHasLeft) {
    Copies b{"abc", "", tuning()};
    b.follow('f', tuning());
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    ASSERT_THAT(b.lines('f'), ElementsAre("x"));
    b.kill('c');
    b.unlink('a', 'b');
    b.unlink('b', 'f');
    b.step('a', Force{after});
    b.turn('a');
    b.deliver('a', 'f');
    ASSERT_TRUE(b.core('f').forgot());
    b.hold('a', 'f');  // the survivor's copy takes a while
    b.link('b', 'f');  // and b, left behind, still holds the old one
    b.pass(milliseconds(600));
    EXPECT_TRUE(b.core('f').forgot());
    b.hold('a', 'f', false);
    b.pass(seconds(2));
    b.submit('a', "y");
    b.pass(seconds(1));
    EXPECT_EQ(b.core('f').configuration().lineage, after);
    EXPECT_EQ(b.lines('f'), b.lines('a'));
}

// The pieces of a snapshot come by a connection of their own, so they may arrive after the HELLO
// that ended their lineage.
TEST(Comparing, ASnapshotOfAFormerLineageIsRefused) {
    Copies b{"ab", "", tuning()};
    b.follow('f', tuning());
    b.link('a', 'f');
    b.submit('a', "x");
    b.pass(seconds(1));
    Core const& a = b.core('a');
    Snapshot late{a.vector(),  a.configuration(), a.delivered(),    {}, a.applied_oseq(),
                  a.applied(), a.fingerprint(),   std::uint64_t{7}, 0,  true,
                  Bytes("x\n")};
    b.kill('b');
    b.step('a', Force{after});
    b.turn('a');
    b.deliver('a', 'f');
    ASSERT_TRUE(b.core('f').forgot());
    b.receive('a', 'f', late);
    EXPECT_TRUE(b.core('f').forgot());
    EXPECT_THAT(b.members.at('f').last.ignored, ElementsAre(Ignored::other_lineage));
}

// --- a process without a vote that lies
class Liar : public ::testing::Test {
  protected:
    Liar() {
        b.follow('z', tuning());
        for (char const c : {'a', 'b', 'c'}) b.link(c, 'z');
        b.submit('a', "x");
        b.pass(seconds(1));
    }
    Vector of_epoch(std::uint64_t epoch) const {
        Vector v = b.core('a').vector();
        v.epoch = Epoch(epoch);
        v.delivered = Slot(1'000'000);
        v.seen = Slot(2'000'000);
        return v;
    }
    Batch lie() const { return {Bench::id('a'), Oseq(2), Bytes("a lie")}; }
    Decided end_of_epoch() const {
        Slot const d = b.core('a').delivered();
        Configuration end = b.start;
        end.epoch = Epoch(2);
        return {of_epoch(2), Epoch(1), d, {}, d.next(), end};
    }
    Copies b{"abc", "", tuning()};
};

TEST_F(Liar, CannotTellAMemberWhatWasDecided) {
    Vector const mine = of_epoch(1);
    Slot const d = b.core('a').delivered();
    b.receive('z', 'a', Decided{mine, Epoch(1), d, {{d, lie()}}, d.next(), {}});
    Configuration end = b.start;
    end.epoch = Epoch(2);
    end.voters = end.owners = {Bench::id('z')};
    b.receive('z', 'a', Decided{of_epoch(2), Epoch(1), d, {}, d.next(), end});
    Snapshot all{of_epoch(2), end,  Slot(5),         {}, {{Bench::id('z'), Oseq(0)}}, 99, 1, 1,
                 0,           true, Bytes("a lie\n")};
    b.receive('z', 'a', all);
    EXPECT_THAT(b.lines('a'), ElementsAre("x"));
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
    EXPECT_TRUE(b.core('a').voter());
}

TEST_F(Liar, IsNotAskedWhatWasDecided) {
    b.receive('z', 'a', Frame{of_epoch(9), Slot(0), {}});
    for (auto const& s : b.members.at('a').last.sends) EXPECT_NE(s.to, Bench::id('z'));
    b.wire[{'a', 'z'}].clear();
    b.hold('a', 'z');
    b.pass(seconds(3));
    for (Message const& m : b.wire[{'a', 'z'}]) {
        EXPECT_FALSE(std::holds_alternative<Fetch>(m)) << "of one who claims to be ahead";
    }
}

TEST_F(Liar, CannotLeaveAMemberBehind) {
    Vector const mine = of_epoch(2);
    b.receive('z', 'a', Hello{mine, after, b.start.lineage});
    EXPECT_THAT(b.members.at('a').last.trace, IsEmpty());
    b.follow('f', tuning());
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    b.link('f', 'z');
    b.pass(seconds(1));
    b.receive('z', 'f', Hello{mine, after, b.start.lineage});
    EXPECT_FALSE(b.core('f').forgot()) << "nor makes a follower forget, which hears its voters";
}

TEST_F(Liar, IsBelievedOnlyByAMemberThatHearsNoMajority) {
    for (char const c : {'b', 'c'}) b.unlink('a', c);
    b.pass(milliseconds(500));
    b.receive('z', 'a', end_of_epoch());
    EXPECT_EQ(b.core('a').epoch(), Epoch(1)) << "the links may be back in a moment";
    b.pass(milliseconds(500));
    b.receive('z', 'a', end_of_epoch());
    EXPECT_EQ(b.core('a').epoch(), Epoch(2)) << "all others may have been replaced";
}

/// What the voters said meanwhile waits in a's sockets, and z's may be read first.
TEST_F(Liar, IsNotBelievedByAMemberThatStoodStill) {
    b.now = b.now + seconds(3);
    b.receive('z', 'a', end_of_epoch());
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
    for (char const c : {'b', 'c'}) b.unlink('a', c);
    b.receive('z', 'a', end_of_epoch());
    EXPECT_EQ(b.core('a').epoch(), Epoch(1)) << "links that were lost meanwhile prove nothing";
}

TEST_F(Liar, CannotStopAMemberByAFingerprint) {
    for (int i = 0; i < 20; ++i) {
        for (char const c : {'a', 'b', 'c'}) {
            b.receive('z', c,
                      Ping{b.core(c).vector(), b.now, IndexSet::of_bits(0x7F), b.core(c).applied(),
                           12345});
        }
        b.watch(milliseconds(200));
    }
    EXPECT_EQ(b.stopped, "");
    EXPECT_FALSE(b.core('a').majority_misses(Bench::id('b'), b.now));
}

}  // namespace
}  // namespace doozer::consensus
