#include "store/mutation.h"

#include <gtest/gtest.h>

#include <string>

namespace doozer::store {
namespace {

TEST(Mutation, ComesOutOfABatchAsItWentIn) {
    std::string const value("a=b\0\n\xff", 6);
    auto const set = Mutation::set(Path::trusted("/a/b"), value, Revision(7));
    auto const del = Mutation::del(Path::trusted("/"), clobber);
    std::string batch;
    append_mutation(batch, set);
    append_mutation(batch, del);
    append_mutation(batch, Mutation::nop());

    std::string_view rest = batch;
    EXPECT_EQ(take_mutation(rest).value(), set);
    EXPECT_EQ(take_mutation(rest).value(), del);
    EXPECT_EQ(take_mutation(rest).value(), Mutation::nop());
    EXPECT_TRUE(rest.empty());
}

TEST(Mutation, CutShortAnywhereIsRefusedAndTheBatchUntouched) {
    std::string batch;
    append_mutation(batch, Mutation::set(Path::trusted("/a"), "value", missing));
    for (std::size_t size = 0; size < batch.size(); ++size) {
        std::string_view rest = std::string_view(batch).substr(0, size);
        EXPECT_FALSE(take_mutation(rest).ok()) << size;
        EXPECT_EQ(rest.size(), size);
    }
}

TEST(Mutation, DamageIsRefused) {
    std::string good;
    append_mutation(good, Mutation::set(Path::trusted("/a"), "v", missing));
    auto const refused = [&](std::size_t at, char byte) {
        std::string bad = good;
        bad[at] = byte;
        std::string_view rest = bad;
        return !take_mutation(rest).ok();
    };
    EXPECT_TRUE(refused(0, 0));        // no such kind
    EXPECT_TRUE(refused(0, 4));        // no such kind
    EXPECT_TRUE(refused(0, 2));        // a del with a value
    EXPECT_TRUE(refused(0, 3));        // a nop with a path
    EXPECT_TRUE(refused(9, 3));        // the path would take the value's byte and lack one
    EXPECT_TRUE(refused(14, '\x7f'));  // a value longer than any
    EXPECT_TRUE(refused(15, 'a'));     // a path without its slash
}

}  // namespace
}  // namespace doozer::store
