#include "consensus/log.h"

#include <gtest/gtest.h>

namespace doozer::consensus {
namespace {

Item item(std::uint64_t slot) {
    return {Slot(slot), Batch(MemberId("a"), Oseq(slot + 1), Bytes(std::string(100, 'x')))};
}

Configuration epoch(std::uint64_t e) {
    return {Lineage{1, 1}, Epoch(e), {MemberId("a")}, {MemberId("a")}};
}

TEST(Log, GivesTheRunAfterAPosition) {
    Log log;
    log.start({Epoch(1), Slot(0)});
    log.append(item(0));
    log.append(item(3));
    log.reach(Slot(10));
    auto const run = log.read({Epoch(1), Slot(1)}, 1000);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->items, Items{item(3)});
    EXPECT_EQ(run->upto, Slot(10));
    EXPECT_FALSE(run->end);
}

TEST(Log, TellsTheEndOfAnEpochAlsoToAPeerThatHasSkippedFurther) {
    Log log;
    log.start({Epoch(1), Slot(0)});
    log.append(item(0));
    log.end(epoch(2));
    auto const run = log.read({Epoch(1), Slot(50)}, 1000);
    ASSERT_TRUE(run);
    EXPECT_TRUE(run->items.empty());
    ASSERT_TRUE(run->end);
    EXPECT_EQ(run->end->epoch, Epoch(2));
    EXPECT_GE(run->upto, Slot(50));
}

TEST(Log, CutsARunAtTheBoundAndKeepsTheEndForTheLastPiece) {
    Log log;
    log.start({Epoch(1), Slot(0)});
    for (std::uint64_t s = 0; s < 4; ++s) log.append(item(s));
    log.end(epoch(2));
    auto run = log.read({Epoch(1), Slot(0)}, 1);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->items.size(), 1U);
    EXPECT_EQ(run->upto, Slot(1));
    EXPECT_FALSE(run->end);
    run = log.read({Epoch(1), Slot(3)}, 1);
    ASSERT_TRUE(run);
    EXPECT_TRUE(run->end);
}

TEST(Log, DoesNotReachBackToDroppedItems) {
    Log log;
    log.start({Epoch(1), Slot(0)});
    for (std::uint64_t s = 0; s < 10; ++s) log.append(item(s));
    log.trim(3 * item(0).batch.weight(), std::nullopt);
    EXPECT_FALSE(log.read({Epoch(1), Slot(6)}, 1000));
    EXPECT_TRUE(log.read({Epoch(1), Slot(7)}, 1000));
    EXPECT_FALSE(log.read({Epoch(0), Slot(0)}, 1000));
}

// An empty answer would make the peer that asks believe that it has everything.
TEST(Log, DoesNotAnswerForPositionsAheadOfItsTip) {
    Log log;
    log.start({Epoch(1), Slot(0)});
    log.append(item(0));
    EXPECT_TRUE(log.read({Epoch(1), Slot(1)}, 1000));
    EXPECT_FALSE(log.read({Epoch(1), Slot(2)}, 1000));
    EXPECT_FALSE(log.read({Epoch(2), Slot(0)}, 1000));
}

TEST(Log, KeepsWhatATransferStillNeedsButNotWithoutBound) {
    Log log;
    log.start({Epoch(1), Slot(0)});
    std::size_t const bound = 3 * item(0).batch.weight();
    for (std::uint64_t s = 0; s < 10; ++s) log.append(item(s));
    log.trim(bound, Position{Epoch(1), Slot(1)});
    EXPECT_TRUE(log.read({Epoch(1), Slot(1)}, 1000));
    for (std::uint64_t s = 10; s < 20; ++s) log.append(item(s));
    log.trim(bound, Position{Epoch(1), Slot(1)});
    EXPECT_FALSE(log.read({Epoch(1), Slot(1)}, 1000));
}

}  // namespace
}  // namespace doozer::consensus
