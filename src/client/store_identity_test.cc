#include "client/store_identity.h"

#include <gtest/gtest.h>

namespace doozer::client {
namespace {

using base::missing;
using base::Revision;

std::string const a(32, 'a');
std::string const b(32, 'b');
std::string const c(32, 'c');

TEST(StoreIdentity, IsReadFromTheStatus) {
    StoreIdentity const store =
        parse_store(R"({"cluster":"x\",\"lineage\":\")" + a + R"(\"","lineage":")" + b +
                    R"(","ancestors":[")" + a + R"(",")" + c + R"("],"restored_at":77,"id":"X"})");
    EXPECT_EQ(store.lineage, b);
    EXPECT_EQ(store.ancestors, (std::vector<std::string>{a, c}));
    EXPECT_EQ(store.restored_at, Revision(77));
}

TEST(StoreIdentity, OfAServerThatKnowsNoAncestorsIsItsLineage) {
    StoreIdentity const store = parse_store(R"({"cluster":"x","lineage":")" + a + R"("})");
    EXPECT_EQ(store.lineage, a);
    EXPECT_TRUE(store.ancestors.empty());
    EXPECT_EQ(store.restored_at, missing);
}

TEST(StoreIdentity, IsUnknownIfTheAnswerIsNonsense) {
    for (std::string const& text : {std::string(), std::string("{}"), std::string(R"("lineage":)"),
                                    R"("lineage":")" + std::string(31, 'a') + "\"",
                                    R"("lineage":")" + std::string(32, 'X') + "\""})
        EXPECT_FALSE(parse_store(text).is_known()) << text;
    std::string many = R"({"lineage":")" + a + R"(","ancestors":[)";
    for (int i = 0; i < 100; ++i) many += '"' + b + "\",";
    EXPECT_EQ(parse_store(many).ancestors.size(), store_ancestors_max);
    std::string const head = R"({"lineage":")" + a + R"(",)";
    EXPECT_TRUE(parse_store(head + R"("ancestors":[])").ancestors.empty());
    EXPECT_TRUE(parse_store(head + R"("ancestors":[,,,)").ancestors.empty());
    EXPECT_EQ(parse_store(head + R"("restored_at":null})").restored_at, missing);
    EXPECT_EQ(parse_store(head + R"("restored_at":-4})").restored_at, missing);
}

TEST(StoreIdentity, GoesOnUnderAForcedLineageAndNotBackToTheOldOne) {
    StoreIdentity const old{a, {}, missing};
    StoreIdentity const forced{b, {a}, missing};
    StoreIdentity const sibling{c, {a}, missing};
    EXPECT_TRUE(old.continues(old, Revision(9)));
    EXPECT_TRUE(forced.continues(old, Revision(9)));
    EXPECT_FALSE(old.continues(forced, Revision(9)));
    EXPECT_FALSE(sibling.continues(forced, Revision(9)));
}

TEST(StoreIdentity, GoesOnFromAJournalIfThatGivesOutNoRevisionTwice) {
    StoreIdentity const old{a, {}, missing};
    StoreIdentity const restored{b, {}, Revision(1000)};
    StoreIdentity const sibling{c, {}, Revision(1000)};
    EXPECT_TRUE(restored.continues(old, Revision(999)));
    EXPECT_FALSE(restored.continues(old, Revision(1000)));
    EXPECT_FALSE(sibling.continues(restored, Revision(1003)));
    EXPECT_FALSE(old.continues(restored, Revision(1003)));
}

}  // namespace
}  // namespace doozer::client
