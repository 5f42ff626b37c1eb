// R6 with acknowledgements: what an owner has on its way to a voter is bounded, is sent again only
// if it was lost, and arrives in the end, whatever happens to the link.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::Contains;
using ::testing::Not;

Tuning tuning() {
    Tuning t;
    t.park_ahead = 1000;
    t.choose_owners = false;
    return t;
}

constexpr std::size_t large = 512 * KiB;

std::size_t items_on_wire(Bench& b, char from, char to) {
    std::size_t items = 0;
    for (Message const& m : b.wire[{from, to}]) {
        if (auto const* frame = std::get_if<Frame>(&m)) items += frame->items.size();
    }
    return items;
}

std::size_t fetches_on_wire(Bench& b, char from, char to) {
    auto const& wire = b.wire[{from, to}];
    return static_cast<std::size_t>(std::count_if(wire.begin(), wire.end(), [](Message const& m) {
        return std::holds_alternative<Fetch>(m);
    }));
}

/// a writes, and delivers with the vote of b before anything gets from a to c and back.
void write_with_b(Bench& b, std::string const& text) {
    b.submit('a', text);
    b.deliver('a', 'b');
    b.deliver('b', 'a');
}

TEST(Streaming, AVoterWhoseLinkWasDownVotesAgainWhileOthersWrite) {
    Bench b{"abc", "a", tuning()};
    b.unlink('a', 'c');
    for (int i = 0; i < 5; ++i) write_with_b(b, "without c");
    b.link('a', 'c');
    for (int i = 0; i < 5; ++i) {
        b.deliver('c', 'a');
        b.deliver('a', 'c');
        write_with_b(b, "with c");
    }
    EXPECT_EQ(items_on_wire(b, 'a', 'c'), 1U) << "the last batch is in a's lane, not in an answer";
    b.deliver('a', 'c');
    EXPECT_EQ(fetches_on_wire(b, 'c', 'a'), 0U);
    EXPECT_EQ(b.core('c').lane(0).upto(), b.core('a').lane(0).upto());
    b.hold('b', 'a');
    b.submit('a', "without b");
    b.deliver('a', 'c');
    b.deliver('c', 'a');
    EXPECT_THAT(b.lines('a'), Contains("without b")) << "c votes without a question before";
}

/// It would be in the way of votes and small batches.
TEST(Streaming, AVoterThatLacksMuchGetsItAsAnAnswer) {
    Bench b{"abc", "a", tuning()};
    b.unlink('a', 'c');
    for (int i = 0; i < 8; ++i) write_with_b(b, std::string(large, 'v'));
    b.link('a', 'c');
    b.deliver('c', 'a');
    EXPECT_EQ(items_on_wire(b, 'a', 'c'), 0U);
    b.deliver('a', 'c');
    EXPECT_EQ(fetches_on_wire(b, 'c', 'a'), 1U);
    for (int i = 0; i < 20; ++i) {
        b.deliver('c', 'a');
        EXPECT_EQ(items_on_wire(b, 'a', 'c'), 0U);
        b.deliver('a', 'c');
    }
    EXPECT_EQ(b.lines('c'), b.lines('a'));
    b.pass(milliseconds(2));  // until c has told how far it is
    write_with_b(b, "small");
    EXPECT_EQ(items_on_wire(b, 'a', 'c'), 1U);
}

TEST(Streaming, AVoterThatTheLogDoesNotReachIsToldOfTheGap) {
    Tuning t = tuning();
    t.log_bytes = 1;
    Bench b{"abc", "a", t};
    b.unlink('a', 'c');
    for (int i = 0; i < 5; ++i) write_with_b(b, "x");
    Slot const before = b.core('c').delivered();
    b.link('a', 'c');
    b.deliver('c', 'a');
    b.deliver('a', 'c');
    EXPECT_THAT(b.members.at('c').ignored, Contains(Ignored::gap));
    EXPECT_EQ(b.core('c').delivered(), before) << "what it lacks are no skips";
    b.settle();
    EXPECT_EQ(b.lines('c'), b.lines('a'));
}

TEST(Streaming, WhatWasOnItsWayIsSentAgainOverANewLink) {
    Bench b{"abc", "a", tuning()};
    b.unlink('b', 'c');
    b.hold('a', 'b');
    for (int i = 0; i < 4; ++i) b.submit('a', std::string(large, 'v'));
    b.unlink('a', 'c');  // with the first two of them
    b.link('a', 'c');
    b.settle();
    EXPECT_EQ(b.lines('c').size(), 4U);
}

/// The end of c has lost the link, the end of a has not: a newer link takes its place there.
TEST(Streaming, WhatWasOnItsWayIsSentAgainAfterAHalfOpenLink) {
    Bench b{"abc", "a", tuning()};
    b.unlink('b', 'c');
    b.hold('a', 'b');
    for (int i = 0; i < 4; ++i) b.submit('a', std::string(large, 'v'));
    b.wire[{'a', 'c'}].clear();
    b.step('c', LinkDown{Bench::id('a')});
    b.submit('a', "while a believes in the old link");
    b.wire[{'a', 'c'}].clear();
    b.link('a', 'c');
    b.settle();
    EXPECT_EQ(b.lines('c').size(), 5U);
}

TEST(Streaming, AQuestionDoesNotMakeTheOwnerSendAgainWhatIsOnItsWay) {
    Bench b{"abc", "a", tuning()};
    b.unlink('b', 'c');
    b.hold('a', 'b');
    for (int i = 0; i < 2; ++i) b.submit('a', std::string(large, 'v'));
    std::size_t const sent = items_on_wire(b, 'a', 'c');
    ASSERT_EQ(sent, 2U);
    Vector const before = b.core('c').vector();
    for (int i = 0; i < 3; ++i) {
        b.receive('c', 'a', Fetch{before, before.delivered});
        b.turn('a');
    }
    EXPECT_EQ(items_on_wire(b, 'a', 'c'), sent);
    b.now = b.now + tuning().piece_patience;
    b.receive('c', 'a', Fetch{before, before.delivered});
    b.turn('a');
    EXPECT_GT(items_on_wire(b, 'a', 'c'), sent) << "it never arrives, whatever the reason";
}

/// The vector of an answer on the other connection is older than the acknowledgement before it.
TEST(Streaming, AnAcknowledgementThatWasOvertakenTakesNothingBack) {
    Bench b{"abc", "a", tuning()};
    b.unlink('b', 'c');
    b.hold('a', 'b');
    Vector const before = b.core('c').vector();
    for (int i = 0; i < 8; ++i) b.submit('a', std::string(large, 'v'));
    for (int i = 0; i < 8; ++i) {
        b.deliver('a', 'c');
        b.deliver('c', 'a');
        b.receive('c', 'a', Pong{before, b.now});
        b.turn('a');
        EXPECT_LE(items_on_wire(b, 'a', 'c'), 2U);
    }
    EXPECT_EQ(b.lines('c').size(), 8U);
    EXPECT_THAT(b.members.at('c').ignored, Not(Contains(Ignored::gap)));
}

}  // namespace
}  // namespace doozer::consensus
