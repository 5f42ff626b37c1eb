#include "server/entropy.h"

#include <gtest/gtest.h>

#include <set>

namespace doozer::server {
namespace {

// data-model.md: 80 random bits in Base32 (16 characters), new at every start
TEST(Entropy, AnIdIsSixteenCharactersOfBase32AndNeverTheSame) {
    std::set<base::ProcessId> ids;
    std::set<char> characters;
    for (int i = 0; i < 1000; ++i) {
        base::ProcessId const id = new_process_id();
        EXPECT_EQ(id.size(), 16U);
        EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), id.npos);
        characters.insert(id.begin(), id.end());
        EXPECT_TRUE(ids.insert(id).second);
    }
    EXPECT_EQ(characters.size(), 32U);
}

}  // namespace
}  // namespace doozer::server
