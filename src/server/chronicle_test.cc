#include "server/chronicle.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/limits.h"

namespace doozer::server {
namespace {

using replica::MemberStatus;
using replica::ProcessStatus;
using replica::Status;

MemberStatus member(char const* id) {
    MemberStatus m;
    m.id = id;
    m.address = "127.0.0.1:1";
    m.owner = m.up = true;
    return m;
}

Status cluster_of(std::vector<char const*> const& ids) {
    Status s;
    s.lineage = {1, 2};
    s.epoch = 1;
    s.quorum = true;
    for (char const* const id : ids) s.members.push_back(member(id));
    return s;
}

class ChronicleTest : public testing::Test {
  protected:
    ChronicleTest() {
        now = cluster_of({"A", "B", "C"});
        chronicle.look(1000, now);
    }
    /// The kinds of what has been added since it was last asked.
    std::vector<std::string> news() {
        chronicle.look(2000, now);
        std::vector<std::string> kinds;
        for (auto const& e : chronicle.events()) {
            if (e.seq > told) kinds.emplace_back(e.kind);
        }
        if (!chronicle.events().empty()) told = chronicle.events().back().seq;
        return kinds;
    }

    using Kinds = std::vector<std::string>;
    Chronicle chronicle;
    Status now;
    std::uint64_t told = 0;
};

TEST_F(ChronicleTest, BeginsWithNothing) {
    EXPECT_EQ(news(), Kinds{});
}

TEST_F(ChronicleTest, TellsWhoIsNotHeardAndHeardAgain) {
    now.members[1].up = false;
    EXPECT_EQ(news(), Kinds{"suspected"});
    EXPECT_EQ(chronicle.events().back().text, "B at 127.0.0.1:1 is not heard any more");
    EXPECT_EQ(chronicle.events().back().at_ms, 2000);
    EXPECT_EQ(news(), Kinds{});
    now.members[1].up = true;
    EXPECT_EQ(news(), Kinds{"trusted"});
}

TEST_F(ChronicleTest, TellsWhoComesAndGoes) {
    now = cluster_of({"A", "B", "D"});
    now.epoch = 2;
    EXPECT_EQ(news(), (Kinds{"removed", "joined", "epoch"}));
    EXPECT_EQ(chronicle.events().back().text, "epoch 2 begins: 3 members, lanes of A B D");
    ProcessStatus follower;
    follower.id = "E";
    now.followers.push_back(follower);
    EXPECT_EQ(news(), Kinds{"joined"});
    now.followers.clear();
    EXPECT_EQ(news(), Kinds{"removed"});
}

TEST_F(ChronicleTest, AFollowerThatTakesASlotHasNotLeft) {
    ProcessStatus follower;
    follower.id = "E";
    now.followers.push_back(follower);
    EXPECT_EQ(news(), Kinds{"joined"});
    now = cluster_of({"A", "B", "C", "E"});
    EXPECT_EQ(news(), Kinds{"joined"});
}

TEST_F(ChronicleTest, TellsOfLanesLostAndGivenBack) {
    now.members[2].owner = false;
    EXPECT_EQ(news(), Kinds{"demoted"});
    now.members[2].owner = true;
    EXPECT_EQ(news(), Kinds{"readmitted"});
}

TEST_F(ChronicleTest, TellsOfTheQuorumAndOfForce) {
    now.quorum = false;
    EXPECT_EQ(news(), Kinds{"quorum lost"});
    now = cluster_of({"A"});
    now.lineage = {3, 4};
    EXPECT_EQ(news(), (Kinds{"forced", "removed", "removed", "quorum back"}));
}

TEST_F(ChronicleTest, AProcessWithoutACopyHasNoNews) {
    now.epoch = 0;
    now.members.clear();
    EXPECT_EQ(news(), Kinds{});
    now = cluster_of({"A", "B", "C"});
    EXPECT_EQ(news(), Kinds{});
}

TEST_F(ChronicleTest, NotesWhatTheCoreTells) {
    chronicle.note(1500, {consensus::Happened::suspected, consensus::Epoch(4), 77});
    chronicle.note(1501, {consensus::Happened::sealed, consensus::Epoch(4), 8});
    chronicle.note(1502, {consensus::Happened::prepared, consensus::Epoch(4), 8});
    chronicle.note(1503, {consensus::Happened::left_behind, consensus::Epoch(4)});
    chronicle.note(1504, {consensus::Happened::left_behind, consensus::Epoch(4)});
    EXPECT_EQ(news(), (Kinds{"suspected", "seal", "forced"}));
    EXPECT_EQ(chronicle.events().front().text,
              "epoch 4 stands still before slot 77: asked to close it");
}

TEST_F(ChronicleTest, KeepsTheLastFewHundred) {
    for (std::uint64_t n = 0; n < 1000; ++n) {
        chronicle.note(1, {consensus::Happened::sealed, consensus::Epoch(n)});
    }
    EXPECT_EQ(chronicle.events().size(), base::status_entries_max);
    EXPECT_EQ(chronicle.events().back().seq, 1000U);
    EXPECT_EQ(chronicle.events().back().text, "epoch 999 was sealed");
}

}  // namespace
}  // namespace doozer::server
