#include "server/latency_window.h"

#include <gtest/gtest.h>

namespace doozer::server {
namespace {

using base::microseconds;
using base::milliseconds;
using base::seconds;

Instant at(std::int64_t second) {
    return Instant(0) + seconds(second);
}

TEST(LatencyWindow, KnowsNothingBeforeTheFirstWrite) {
    LatencyWindow window;
    EXPECT_FALSE(window.quantiles(at(100)));
    EXPECT_EQ(window.total(), 0U);
    EXPECT_EQ(window.per_second(at(100)), 0);
}

TEST(LatencyWindow, TellsMedianAndSlowestHundredthWithinAnEighth) {
    LatencyWindow window;
    for (int i = 1; i <= 1000; ++i) window.add(at(100), microseconds(i));
    auto const q = window.quantiles(at(100));
    ASSERT_TRUE(q);
    EXPECT_GE(q->p50, 500);
    EXPECT_LE(q->p50, 500 + 500 / 8);
    EXPECT_GE(q->p99, 990);
    EXPECT_LE(q->p99, 1000);
    EXPECT_EQ(q->max, 1000);
}

TEST(LatencyWindow, SmallAndHugeTimesHaveTheirPlace) {
    LatencyWindow window;
    window.add(at(5), microseconds(0));
    window.add(at(5), microseconds(7));
    window.add(at(5), seconds(3600));
    auto const q = window.quantiles(at(5));
    ASSERT_TRUE(q);
    EXPECT_EQ(q->p50, 7);
    EXPECT_EQ(q->max, 3'600'000'000);
    EXPECT_EQ(q->p99, q->max);
}

TEST(LatencyWindow, EveryTimeLiesInABucketThatIsAtMostAnEighthLarger) {
    for (std::int64_t us = 0; us < 3'000'000; us += 1 + us / 37) {
        LatencyWindow window;
        window.add(at(1), microseconds(us));
        window.add(at(1), microseconds(us));
        window.add(at(1), seconds(30));
        std::int64_t const p50 = window.quantiles(at(1))->p50;
        ASSERT_GE(p50, us);
        ASSERT_LE(p50, us + us / 8);
    }
}

TEST(LatencyWindow, ForgetsWhatIsTenSecondsOld) {
    LatencyWindow window;
    window.add(at(100), milliseconds(50));
    window.add(at(105), milliseconds(1));
    EXPECT_EQ(window.quantiles(at(109))->max, 50'000);
    EXPECT_EQ(window.quantiles(at(110))->max, 1'000);
    EXPECT_FALSE(window.quantiles(at(115)));
    EXPECT_EQ(window.total(), 2U);
}

TEST(LatencyWindow, CountsWritesASecondOverWholeSeconds) {
    LatencyWindow window;
    for (std::int64_t second = 100; second < 110; ++second) {
        for (int i = 0; i < 20; ++i) window.add(at(second), milliseconds(1));
    }
    EXPECT_EQ(window.per_second(at(109)), 20);
    EXPECT_EQ(window.per_second(at(110)), 20);
    EXPECT_EQ(window.per_second(at(130)), 0);
}

}  // namespace
}  // namespace doozer::server
