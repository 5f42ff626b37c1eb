// Who owns lanes: an owner is demoted only if others wait less without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::IsEmpty;

/// Nobody is parked. Pings take no time, so a lane is slow if it is waited for longer than 1 ms.
Tuning tuning() {
    Tuning t;
    t.park_ahead = 0;
    t.readmit_after = t.readmit_after_max = seconds(3600);
    return t;
}

class OwnersTest : public ::testing::Test {
  protected:
    static constexpr int enough = 150;

    /// a writes so many batches; what those in `slow` answer arrives after 6 ms, or what is said.
    void write(Bench& b, std::string const& slow, int times, Duration late = milliseconds(6)) {
        for (int i = 0; i < times; ++i) {
            for (char const c : slow) b.hold(c, 'a');
            b.submit('a', "x");
            b.settle();
            b.now = b.now + late;
            for (char const c : slow) {
                b.hold(c, 'a', false);
                b.settle();
            }
            b.step('a', Tick{});
            for (TraceEvent const& e : b.members.at('a').last.trace) {
                if (e.what == Happened::demotion_proposed) ++demotions;
            }
            b.turn('a');
            b.settle();
            EXPECT_THAT(b.violations, IsEmpty());
        }
    }
    static std::string owners(Bench const& b) {
        std::string all;
        for (MemberId const id : b.core('a').configuration().owners) all += id.str();
        return all;
    }
    int demotions = 0;
};

TEST_F(OwnersTest, TheOwnerThatOthersWaitForIsDemoted) {
    Bench b{"abc", "", tuning()};
    write(b, "c", enough);
    EXPECT_EQ(owners(b), "ab");
}

TEST_F(OwnersTest, OfEquallySlowOwnersNoneIsDemoted) {
    Bench b{"abc", "", tuning()};
    write(b, "bc", enough);
    EXPECT_EQ(owners(b), "abc") << "without the last one others would wait for the next";
}

TEST_F(OwnersTest, ABatchNeedsAMajorityAnyway) {
    Bench b{"abc", "ab", tuning()};
    b.kill('c');
    write(b, "b", enough);
    EXPECT_EQ(demotions, 0) << "it waits for the vote of b, whether b owns a lane or not";
}

TEST_F(OwnersTest, TwoSlowOwnersOfFiveAreDemotedOneAfterTheOther) {
    Bench b{"abcde", "", tuning()};
    write(b, "de", 3 * enough);
    EXPECT_EQ(owners(b), "abc");
}

}  // namespace
}  // namespace doozer::consensus
