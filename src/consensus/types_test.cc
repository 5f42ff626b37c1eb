#include "consensus/types.h"

#include <gtest/gtest.h>

namespace doozer::consensus {
namespace {

// Voters are numbered in this order, and members of all releases must agree on it.
TEST(MemberId, IdsAreInTheOrderOfTheirCharacters) {
    std::vector<MemberId> ids = {MemberId()};
    for (std::size_t const at : {0U, 1U, 6U, 7U, 8U, 9U, 15U}) {
        for (char const c : {'\x01', 'A', 'a', '\x7f', '\x80', '\xfe', '\xff'}) {
            MemberId id("mmmmmmmmmmmmmmmm");
            id.text.at(at) = c;
            ids.push_back(id);
            id.text.at(15 - at) = c;
            ids.push_back(id);
        }
    }
    for (MemberId const& a : ids) {
        for (MemberId const& b : ids) {
            EXPECT_EQ(a <=> b, a.text <=> b.text) << a.str() << " and " << b.str();
            EXPECT_EQ(a == b, a.text == b.text) << a.str() << " and " << b.str();
        }
    }
}

TEST(Configuration, FindsEachOfItsVoters) {
    Configuration c;
    for (char const* const id : {"a1.1", "b0.2", "m2.1", "q3.9"}) c.voters.emplace_back(id);
    for (std::size_t i = 0; i < c.voters.size(); ++i) EXPECT_EQ(c.voter_index(c.voters[i]), i);
    EXPECT_EQ(c.voter_index(MemberId("b0.1")), std::nullopt);
    EXPECT_EQ(c.voter_index(MemberId()), std::nullopt);
}

}  // namespace
}  // namespace doozer::consensus
