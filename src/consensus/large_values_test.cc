// Large values: what is on its way to one member is bounded, and arrives as a whole in the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

Tuning tuning() {
    Tuning t;
    t.park_ahead = 1000;
    t.choose_owners = false;
    return t;
}

constexpr std::size_t large = 512 * KiB;

std::size_t bytes_on_wire(Bench& b, char from, char to) {
    std::size_t bytes = 0;
    for (Message const& m : b.wire[{from, to}]) {
        if (auto const* forward = std::get_if<Forward>(&m))
            bytes += forward->batch.payload().size();
        if (auto const* frame = std::get_if<Frame>(&m)) {
            for (Item const& item : frame->items) bytes += item.batch.payload().size();
        }
    }
    return bytes;
}

void submit_many(Bench& b, char c) {
    for (int i = 0; i < 16; ++i) b.step(c, Submit{Bytes(std::string(large, 'v'))});
    b.turn(c);
}

TEST(LargeValues, AVoterWithoutALaneForwardsNoMoreThanIsApplied) {
    Bench b{"abc", "ab", tuning()};
    b.hold('c', 'a');
    b.hold('c', 'b');
    submit_many(b, 'c');
    EXPECT_LE(bytes_on_wire(b, 'c', 'a') + bytes_on_wire(b, 'c', 'b'), lane_stream_bytes + large);
    b.pass(seconds(2));
    EXPECT_LE(bytes_on_wire(b, 'c', 'a') + bytes_on_wire(b, 'c', 'b'), 8 * MiB);
    b.hold('c', 'a', false);
    b.hold('c', 'b', false);
    b.pass(seconds(10));
    EXPECT_EQ(b.lines('c').size(), 16U);
    EXPECT_EQ(b.lines('a'), b.lines('c'));
}

TEST(LargeValues, AnOwnerSendsNoMoreThanThePeerAcknowledges) {
    Bench b{"abc", "a", tuning()};
    b.hold('c', 'a');
    submit_many(b, 'a');
    std::size_t sent = bytes_on_wire(b, 'a', 'c');
    for (int i = 0; i < 20; ++i) {
        b.deliver('a', 'b');
        b.deliver('b', 'a');
        b.deliver('a', 'c');
        sent += bytes_on_wire(b, 'a', 'c');
    }
    EXPECT_LE(sent, lane_stream_bytes + large) << "b is enough for a majority, c only slow";
    EXPECT_EQ(b.lines('a').size(), 16U);
    b.hold('c', 'a', false);
    b.pass(seconds(1));
    EXPECT_EQ(b.lines('c'), b.lines('a'));
    EXPECT_EQ(b.core('a').epoch(), Epoch(1));
}

TEST(LargeValues, APromiseHoldsOnlyWhatTheSealerLacks) {
    Bench b{"abcde", "a", tuning()};  // c cannot deliver it
    b.hold('b', 'a');
    b.hold('c', 'a');
    b.hold('b', 'c');
    b.hold('c', 'b');
    b.submit('a', std::string(large, 'v'));
    b.deliver('a', 'b');
    b.deliver('a', 'c');
    Vector const both = b.core('b').vector();
    ASSERT_EQ(both.upto, b.core('c').vector().upto);
    Vector nothing = both;
    nothing.upto[0] = Slot(0);
    b.receive('b', 'c', Prepare{both, ballot_of(1, 1)});
    b.receive('b', 'c', Prepare{nothing, ballot_of(2, 1)});
    std::vector<std::size_t> items;
    for (Message const& m : b.wire[{'c', 'b'}]) {
        if (auto const* promise = std::get_if<Promise>(&m)) items.push_back(promise->items.size());
    }
    EXPECT_THAT(items, ::testing::ElementsAre(0U, 1U));
}

/// So that a long way is filled; by two more for each, so that the giver makes few in one turn.
TEST(LargeValues, PiecesOfACopyAreAskedForAFewAhead) {
    Bench b{"abc"};
    b.follow('f');
    b.link('a', 'f');
    b.deliver('a', 'f');
    Configuration const c = b.start;
    Snapshot s{{Epoch(1), Slot(5), Slot(5), false, Frontier(3)},
               c,
               Slot(5),
               {},
               {},
               0,
               0,
               1,
               0,
               false,
               Bytes("x\n")};
    for (MemberId const v : c.voters) s.applied_oseq[v] = Oseq(0);
    b.wire[{'f', 'a'}].clear();
    std::vector<std::size_t> asked;
    for (; s.piece < 40; ++s.piece) {
        b.receive('a', 'f', s);
        std::size_t fetches = 0;
        for (Message const& m : std::exchange(b.wire[{'f', 'a'}], {})) {
            fetches += std::holds_alternative<Fetch>(m) ? 1 : 0;
        }
        asked.push_back(fetches);
    }
    EXPECT_EQ(asked.front(), 2U);
    EXPECT_EQ(asked.back(), 1U);
    EXPECT_EQ(std::accumulate(asked.begin(), asked.end(), std::size_t{0}), 39 + 16U);
}

}  // namespace
}  // namespace doozer::consensus
