#include "server/log_gate.h"

#include <gtest/gtest.h>

namespace doozer::server {
namespace {

using base::Instant;
using base::milliseconds;
using base::seconds;

constexpr LogKind kind = LogKind::connection_refused;

TEST(LogGate, LetsAFewThroughAndThenOneInEachInterval) {
    LogGate gate;
    Instant now{seconds(100).value()};
    std::uint64_t passed = 0;
    for (int i = 0; i < 100'000; ++i) passed += gate.pass(kind, now) ? 1U : 0U;
    EXPECT_EQ(passed, LogGate::burst);
    EXPECT_FALSE(gate.pass(kind, now + milliseconds(1)));
    now = now + LogGate::interval;
    EXPECT_TRUE(gate.pass(kind, now));
    EXPECT_FALSE(gate.pass(kind, now));
    EXPECT_TRUE(gate.pass(LogKind::web, now)) << "another kind";
}

TEST(LogGate, SaysHowManyItLeftOut) {
    LogGate gate;
    Instant const now{seconds(100).value()};
    EXPECT_EQ(gate.next_due(), base::never);
    for (std::uint64_t i = 0; i < LogGate::burst + 7; ++i) (void)gate.pass(kind, now);
    EXPECT_EQ(gate.next_due(), now + LogGate::summary_after);
    EXPECT_FALSE(gate.due(now + milliseconds(9999)));
    auto const summary = gate.due(now + LogGate::summary_after);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->kind, kind);
    EXPECT_EQ(summary->left_out, 7U);
    EXPECT_FALSE(gate.due(now + LogGate::summary_after));
    EXPECT_EQ(gate.next_due(), base::never);
}

TEST(LogGate, IsFullAgainAfterAQuietTime) {
    LogGate gate;
    Instant now{seconds(100).value()};
    for (int i = 0; i < 100; ++i) (void)gate.pass(kind, now);
    now = now + seconds(3600);
    std::uint64_t passed = 0;
    for (int i = 0; i < 100; ++i) passed += gate.pass(kind, now) ? 1U : 0U;
    EXPECT_EQ(passed, LogGate::burst);
}

TEST(LogGate, EveryKindHasAName) {
    for (std::size_t i = 0; i < log_kinds; ++i) {
        EXPECT_STRNE(name_of(static_cast<LogKind>(i)), "");
    }
}

}  // namespace
}  // namespace doozer::server
