// Where the end of an epoch meets a member that is still catching up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SealingTest : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_THAT(b.violations, IsEmpty()); }
    static Tuning tuning() {
        Tuning t;
        t.park_ahead = 0;
        t.choose_owners = false;
        return t;
    }
    Vector at(Epoch epoch, std::uint64_t delivered) const {
        return {epoch, Slot(delivered), Slot(delivered), false, Frontier(b.start.owners.size())};
    }
    static Item item(std::uint64_t slot, char origin, std::uint64_t oseq, std::string const& text) {
        return {Slot(slot), Batch(Bench::id(origin), Oseq(oseq), Bytes(text))};
    }
    Configuration epoch(std::uint64_t e) const {
        Configuration c = b.start;
        c.epoch = Epoch(e);
        return c;
    }
    Bench b{"abc", "", tuning()};
};

// a holds back a part of the end of epoch 1 when the seal of that epoch arrives. Slots of epoch 2
// have the same numbers: if a kept that part, it would read an item of epoch 1 as one of epoch 2.
TEST_F(SealingTest, TheHeldBackRunOfAnEpochEndsWithIt) {
    b.receive('b', 'a',
              Decided{at(Epoch(2), 0), Epoch(1), Slot(0), {item(1, 'b', 1, "x")}, Slot(2), {}});
    SealValue const value{Slot(0), at(Epoch(1), 0).upto, {}, b.start.owners, ballot_of(1, 2)};
    b.receive('c', 'a', Sealed{at(Epoch(1), 0), std::make_shared<SealValue const>(value)});
    ASSERT_EQ(b.core('a').epoch(), Epoch(2));
    b.receive(
        'b', 'a',
        Decided{at(Epoch(3), 0), Epoch(2), Slot(0), {item(1, 'b', 1, "y")}, Slot(3), epoch(3)});
    EXPECT_EQ(b.core('a').epoch(), Epoch(3));
    EXPECT_THAT(b.lines('a'), ElementsAre("y"));
}

// While a holds back slots 0 to 2, the lanes bring it to slot 6. Then another peer sends what
// follows slot 6: it fits.
TEST_F(SealingTest, ARunThatContinuesTheLanesIsTaken) {
    b.receive('b', 'a',
              Decided{at(Epoch(2), 0), Epoch(1), Slot(0), {item(1, 'b', 1, "x")}, Slot(2), {}});
    b.receive('c', 'a',
              Decided{at(Epoch(1), 6),
                      Epoch(1),
                      Slot(0),
                      {item(1, 'b', 1, "x"), item(5, 'c', 1, "y")},
                      Slot(6),
                      {}});
    ASSERT_EQ(b.core('a').delivered(), Slot(6));
    b.receive(
        'b', 'a',
        Decided{at(Epoch(2), 0), Epoch(1), Slot(6), {item(7, 'b', 2, "z")}, Slot(8), epoch(2)});
    EXPECT_EQ(b.core('a').epoch(), Epoch(2));
    EXPECT_THAT(b.lines('a'), ElementsAre("x", "y", "z"));
}

// The sealer sends ACCEPT once. If a voter that was below the base then said nothing when it
// reached it, the majority would lack its voice until another round begins.
TEST_F(SealingTest, AVoterBelowTheBaseAcceptsWhenItReachesIt) {
    SealValue const value{Slot(3), at(Epoch(1), 3).upto, {}, b.start.owners, ballot_of(1, 2)};
    b.receive('c', 'a',
              Accept{at(Epoch(1), 3), ballot_of(1, 2), std::make_shared<SealValue const>(value)});
    ASSERT_THAT(b.members.at('a').last.ignored, ElementsAre(Ignored::behind_base));
    b.receive('c', 'a',
              Decided{at(Epoch(1), 3), Epoch(1), Slot(0), {item(1, 'b', 1, "x")}, Slot(3), {}});
    EXPECT_EQ(b.core('a').acceptor().accepted, ballot_of(1, 2));
    std::vector<std::string> sent;
    for (Send const& s : b.members.at('a').last.sends) sent.emplace_back(name_of(s.message));
    EXPECT_THAT(sent, Contains("ACCEPTED"));
}

}  // namespace
}  // namespace doozer::consensus
