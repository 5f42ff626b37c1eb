// The invariants themselves: each notices what it is there for. A core cannot be brought into such
// a state from outside, so these tests reach into it.
#include "consensus/core_invariants.h"

#include <gtest/gtest.h>

namespace doozer::consensus {
namespace {

using base::FieldAccess;

class CoreInvariantsTest : public testing::Test {
  protected:
    [[nodiscard]] std::string check() { return invariants.check(core).value_or(""); }
    template <typename T>
    T& field() {
        return std::get<T&>(FieldAccess::of(core));
    }
    static MemberId id(char c) { return MemberId(std::string(1, c)); }

    Configuration start{{1, 2}, Epoch(1), {id('a'), id('b'), id('c')}, {id('a'), id('b')}};
    Core core{id('a'), start, {}};
    CoreInvariants invariants;
};

TEST_F(CoreInvariantsTest, AConfigurationThatWasValidIsLookedAtAgainWhenItChanges) {
    EXPECT_EQ(check(), "");
    EXPECT_EQ(check(), "");
    auto& c = field<Configuration>();
    c.owners[1] = id('x');
    EXPECT_EQ(check(), "the configuration is not valid") << "an owner without a vote";
    EXPECT_EQ(check(), "the configuration is not valid") << "it says so as often as it is asked";
    c = start;
    EXPECT_EQ(check(), "");
    std::swap(c.voters[0], c.voters[1]);
    EXPECT_EQ(check(), "the configuration is not valid") << "voters out of order";
    c = start;
    c.epoch = Epoch(2);
    c.owners.clear();
    EXPECT_EQ(check(), "the configuration is not valid") << "no owner";
}

TEST_F(CoreInvariantsTest, BatchesAreCountedOfVotersOnly) {
    EXPECT_EQ(check(), "");
    auto& counts = field<std::map<MemberId, Oseq>>();
    counts.erase(id('b'));
    counts[id('d')] = Oseq(0);
    EXPECT_EQ(check(), "I11: counts batches of one who is no voter");
    counts.erase(id('d'));
    EXPECT_EQ(check(), "I11: a count for one who is no voter");
}

TEST_F(CoreInvariantsTest, AFrontierDoesNotGoBack) {
    auto& lanes = field<PerLane<LaneCopy>>();
    lanes[1].skip_to(Slot(5));
    EXPECT_EQ(check(), "");
    lanes[1] = LaneCopy();
    lanes[1].skip_to(Slot(4));
    EXPECT_EQ(check(), "I1: a lane's frontier went back");
}

TEST_F(CoreInvariantsTest, APromiseDoesNotGoBack) {
    field<Acceptor>().promised = Ballot(16);
    EXPECT_EQ(check(), "");
    field<Acceptor>().promised = Ballot(9);
    EXPECT_EQ(check(), "I3: a promise went back");
}

TEST_F(CoreInvariantsTest, AnAcceptedBallotDoesNotGoBack) {
    auto& acceptor = field<Acceptor>();
    auto value = std::make_shared<SealValue>();
    acceptor = {Ballot(16), Ballot(16), value};
    EXPECT_EQ(check(), "");
    acceptor.accepted = Ballot(9);
    EXPECT_EQ(check(), "I3: an accepted ballot went back");
    acceptor.value.reset();
    EXPECT_EQ(check(), "I3: accepted without a value");
}

}  // namespace
}  // namespace doozer::consensus
