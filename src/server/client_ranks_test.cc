#include "server/client_ranks.h"

#include <gtest/gtest.h>

#include <vector>

namespace doozer::server {
namespace {

using base::SessionId;
using Rank = ClientRanks::Rank;

std::vector<std::int64_t> numbers(ClientRanks::Ids const& ids) {
    std::vector<std::int64_t> out;
    for (SessionId const id : ids) out.push_back(static_cast<std::int64_t>(id.value()));
    return out;
}

TEST(ClientRanks, TheOneThatWasSilentForTheLongestIsFirst) {
    ClientRanks ranks;
    auto one = ranks.admit(SessionId(1));
    auto two = ranks.admit(SessionId(2));
    auto three = ranks.admit(SessionId(3));
    ranks.heard(one);
    EXPECT_EQ(numbers(ranks.newcomers()), (std::vector<std::int64_t>{2, 3, 1}));
    ranks.leave(two);
    EXPECT_EQ(numbers(ranks.newcomers()), (std::vector<std::int64_t>{3, 1}));
    ranks.move(three, Rank::stranger);
    ranks.move(one, Rank::stranger);
    ranks.heard(three);
    EXPECT_TRUE(ranks.newcomers().empty());
    EXPECT_EQ(numbers(ranks.strangers()), (std::vector<std::int64_t>{1, 3}));
}

TEST(ClientRanks, TheEntitledAreInNoLine) {
    ClientRanks ranks;
    auto one = ranks.admit(SessionId(1));
    ranks.move(one, Rank::entitled);
    ranks.heard(one);
    EXPECT_TRUE(ranks.newcomers().empty() && ranks.strangers().empty());
    ranks.leave(one);
}

TEST(DescriptorShares, LeaveRoomForMembersFilesAndTheWebView) {
    for (std::uint64_t const files : {64U, 100U, 1024U, 20'000U, 1U << 20U}) {
        auto const shares = share_descriptors(files);
        EXPECT_GE(files - shares.clients - shares.arriving - shares.web, 3 * shares.arriving);
        EXPECT_GE(shares.clients, files / 2);
        EXPECT_EQ(shares.web, files / 4);
    }
    EXPECT_GE(share_descriptors(1U << 20U).clients, 786'000U);
}

}  // namespace
}  // namespace doozer::server
