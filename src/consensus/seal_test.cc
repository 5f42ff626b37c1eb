#include "consensus/seal.h"

#include <gtest/gtest.h>

namespace doozer::consensus {
namespace {

MemberId const a("a");
MemberId const b("b");
MemberId const c("c");
Configuration const abc{Lineage{1, 1}, Epoch(1), {a, b, c}, {a, b, c}};
Batch const batch(a, Oseq(1), Bytes("x"));

Promise promise(std::uint64_t delivered, std::vector<std::uint64_t> upto, Items items = {}) {
    Promise p;
    p.vector.epoch = Epoch(1);
    p.vector.delivered = Slot(delivered);
    p.vector.upto = Frontier(upto.size());
    for (Lane l = 0; l < upto.size(); ++l) p.vector.upto[l] = Slot(upto[l]);
    p.items = std::move(items);
    return p;
}

TEST(Seal, TakesTheLongestOfEachLaneAndTheHighestDelivery) {
    auto const value =
        choose_value(abc, ballot_of(1, 0),
                     {{0, promise(1, {4, 2, 0}, {{Slot(3), batch}})}, {1, promise(2, {1, 5, 0})}});
    EXPECT_EQ(value->base, Slot(2));
    EXPECT_EQ(value->upto[0], Slot(4));
    EXPECT_EQ(value->upto[1], Slot(5));
    EXPECT_EQ(value->items, (Items{{Slot(3), batch}}));
    EXPECT_EQ(value->tag, ballot_of(1, 0));
}

TEST(Seal, LeavesOutItemsBelowItsBase) {
    auto const value =
        choose_value(abc, ballot_of(1, 0),
                     {{0, promise(0, {4, 2, 0}, {{Slot(0), batch}})}, {1, promise(2, {1, 5, 0})}});
    EXPECT_TRUE(value->items.empty());
}

TEST(Seal, KeepsTheSealWithTheHighestBallotWhenAQuorumPromises) {
    auto const older = std::make_shared<SealValue const>(
        SealValue{Slot(0), Frontier(3), {}, {a}, ballot_of(1, 0)});
    auto const newer = std::make_shared<SealValue const>(
        SealValue{Slot(0), Frontier(3), {}, {b}, ballot_of(2, 1)});
    Promise first = promise(0, {9, 9, 9});
    first.accepted = ballot_of(1, 0);
    first.value = older;
    Promise second = promise(0, {0, 0, 0});
    second.accepted = ballot_of(2, 1);
    second.value = newer;
    EXPECT_EQ(choose_value(abc, ballot_of(3, 2), {{0, first}, {1, second}}), newer);
}

TEST(Seal, DropsOwnersThatBlockAndDoNotAnswer) {
    Promise first = promise(0, {0, 0, 0});
    first.blocked.insert(2);
    first.blocked.insert(1);
    auto const value = choose_value(abc, ballot_of(1, 0), {{0, first}, {1, promise(0, {0, 0, 0})}});
    EXPECT_EQ(value->owners, (MemberIds{a, b}));
}

TEST(Seal, MakesTheSealerAnOwnerIfNoOwnerIsLeft) {
    Configuration only_c = abc;
    only_c.owners = {c};
    Promise first = promise(0, {0});
    first.blocked.insert(0);
    auto const value = choose_value(only_c, ballot_of(1, 1), {{0, first}, {1, promise(0, {0})}});
    EXPECT_EQ(value->owners, MemberIds{b});
}

TEST(Epoch, AfterAChangeTheNewVotersOwnLanes) {
    Configuration now = abc;
    now.owners = {a, c};
    MemberId const d("d");
    Configuration const next = after_change(now, {b, c, d});
    EXPECT_EQ(next.epoch, Epoch(2));
    EXPECT_EQ(next.owners, (MemberIds{c, d})) << "b did not own one before";
}

TEST(Epoch, WithoutAnyOwnerLeftAllVotersOwnLanes) {
    Configuration now = abc;
    now.owners = {a};
    EXPECT_EQ(after_change(now, {b, c}).owners, (MemberIds{b, c}));
}

}  // namespace
}  // namespace doozer::consensus
