// Those who were away for longer than the log reaches, and what is kept for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CatchUpTest : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_THAT(b.violations, IsEmpty()); }
    static Tuning tuning() {
        Tuning t;
        t.park_ahead = 0;
        t.choose_owners = false;
        t.log_bytes = 1000;
        return t;
    }
    void submit(char c, int times) {
        for (int i = 0; i < times; ++i) {
            b.submit(c, std::string(100, 'x'));
            b.settle();
        }
    }
    Bench b{"abc", "ab", tuning()};
};

TEST_F(CatchUpTest, AVoterThatASnapshotShowsAsRemovedRefusesItsWaitingReads) {
    b.unlink('a', 'c');
    b.unlink('b', 'c');
    b.step('c', Read{5});
    b.turn('c');
    b.submit('a', "voters:a,b");
    submit('a', 30);
    b.link('a', 'c');
    b.settle();
    ASSERT_FALSE(b.core('c').voter());
    ASSERT_EQ(b.lines('c'), b.lines('a'));
    EXPECT_THAT(b.members.at('c').reads_refused, ElementsAre(5));
}

TEST_F(CatchUpTest, TheLogThatAMemberNeededIsForgottenWhenItHasCaughtUp) {
    b.follow('d', tuning());
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'd');
    b.unlink('a', 'c');
    b.unlink('b', 'c');
    b.hold('d', 'c');
    b.submit('a', "voters:a,b,c,d");
    b.settle();
    b.hold('d', 'c', false);
    b.link('a', 'c');
    b.link('b', 'c');
    b.settle();
    ASSERT_EQ(b.core('c').epoch(), Epoch(2)) << "by a run of the epoch that is over";
    submit('a', 20);
    Slot const early = b.core('a').delivered();
    submit('a', 10);
    ASSERT_EQ(b.core('c').delivered(), b.core('a').delivered());
    b.follow('e', tuning());
    b.link('a', 'e');
    b.settle();
    b.step('a', Receive{Bench::id('e'), Fetch{{Epoch(2), early, early, false, {}}, early}});
    ASSERT_EQ(b.members.at('a').last.sends.size(), 1U);
    EXPECT_STREQ(name_of(b.members.at('a').last.sends[0].message), "SNAPSHOT");
}

}  // namespace
}  // namespace doozer::consensus
