#include "replica/ancestry.h"

#include <gtest/gtest.h>

namespace doozer::replica {
namespace {

std::string const first = text_of(consensus::Lineage{1, 2});
std::string const second = text_of(consensus::Lineage{~0ULL, 3});

TEST(Ancestry, IsReadAsItIsWritten) {
    EXPECT_EQ(second, "ffffffffffffffff0000000000000003");
    Ancestry const forced{{second, first}, base::missing};
    EXPECT_EQ(parse_ancestry(text_of(forced)), forced);
    Ancestry const restored{{first}, Revision(1LL << 40)};
    EXPECT_EQ(text_of(restored), first + "\njournal 1099511627776\n");
    EXPECT_EQ(parse_ancestry(text_of(restored)), restored);
    EXPECT_EQ(parse_ancestry(""), Ancestry{});
}

TEST(Ancestry, PassesOverLinesThatMakeNoSense) {
    EXPECT_EQ(parse_ancestry("\n\nlineage\n" + first + "0\njournal -5\njournal x\njournal"),
              Ancestry{});
    EXPECT_EQ(parse_ancestry("x\n" + first), (Ancestry{{first}, base::missing}));
    std::string many;
    for (int i = 0; i < 1000; ++i) many += first + "\n";
    EXPECT_EQ(parse_ancestry(many).lineages.size(), ancestors_max);
}

TEST(Ancestry, RemembersTheNewestLineagesThatWereEnded) {
    Ancestry ancestry{{}, Revision(5)};
    for (std::uint64_t i = 0; i < 100; ++i) ancestry = forced_on(ancestry, {0, i});
    EXPECT_EQ(ancestry.restored_at, Revision(5));
    ASSERT_EQ(ancestry.lineages.size(), ancestors_max);
    EXPECT_EQ(ancestry.lineages.front(), text_of(consensus::Lineage{0, 99}));
    EXPECT_EQ(ancestry.lineages.back(), text_of(consensus::Lineage{0, 84}));
}

}  // namespace
}  // namespace doozer::replica
