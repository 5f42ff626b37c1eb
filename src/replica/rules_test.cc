#include "replica/rules.h"

#include <gtest/gtest.h>

namespace doozer::replica {
namespace {

TEST(Rules, AreKnownToTheReleaseThatBroughtThemAndToAllLaterOnes) {
    RulesTable const table{{{1, 0}, {1, 4}, {3, 0}}};
    ASSERT_EQ(table.newest(), 3);
    for (char const* knows : {"1.4.0", "1.4", "1.10.2", "2.0.0", "3.0.0"}) {
        EXPECT_TRUE(table.are_known_to(knows, 2)) << knows;
    }
    for (char const* does_not : {"1.3.9", "1.0.0", "0.9", "1", "", "one", "-1.5", "1.x", "1.-4"}) {
        EXPECT_FALSE(table.are_known_to(does_not, 2)) << does_not;
    }
    EXPECT_FALSE(table.are_known_to("2.9.9", 3));
    EXPECT_TRUE(table.are_known_to("3.0.0", 3));
}

TEST(Rules, ANewerReleaseMayKnowMore) {
    RulesTable const table{{{1, 0}, {1, 4}}, "1.4.2"};
    EXPECT_TRUE(table.is_newer("1.5.0"));
    EXPECT_TRUE(table.is_newer("2.0"));
    for (char const* not_newer : {"1.4.2", "1.4.9", "1.3.0", "0.9", "", "spring"}) {
        EXPECT_FALSE(table.is_newer(not_newer)) << not_newer;
    }
}

TEST(Rules, TheFirstAreKnownToEveryVersion) {
    EXPECT_TRUE(RulesTable{}.are_known_to("", 1));
    EXPECT_TRUE(RulesTable{}.are_known_to("spring", 1));
}

}  // namespace
}  // namespace doozer::replica
