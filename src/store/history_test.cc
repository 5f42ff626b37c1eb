#include "store/history.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/prng.h"
#include "store/tree.h"

namespace doozer::store {
namespace {

TEST(History, CountsRevisionsFromOne) {
    History history;
    EXPECT_EQ(history.first(), Revision(1));
    EXPECT_EQ(history.newest(), missing);
    history.append({});
    EXPECT_EQ(history.newest(), Revision(1));
    history.append({});
    (void)history.take_first();
    EXPECT_EQ(history.first(), Revision(2));
    EXPECT_EQ(history.size(), 1U);
}

TEST(History, FindsTheVersionOfAnyRevisionAsALinearSearchDoes) {
    Prng prng(3);
    Tree tree;
    std::vector<Entry*> entries{&tree.root()};
    for (char const* path : {"/a", "/b", "/c"}) {
        entries.push_back(&tree.add_names(tree.locate(Path::trusted(path))));
    }
    History history;
    std::map<Entry*, std::vector<Revision>> twin;
    for (int i = 0; i < 5000; ++i) {
        Entry* const entry = entries[prng.below(3) == 0 ? prng.below(4) : 0];
        Record record;
        record.entry = entry;
        record.previous = entry->last_change;
        history.append(std::move(record));
        entry->last_change = history.newest();
        twin[entry].push_back(history.newest());
        if (i > 500 && prng.below(10) < 9) (void)history.take_first();

        Entry* const asked = entries[prng.below(4)];
        Revision const at(history.first().value() +
                          static_cast<std::int64_t>(prng.below(history.size())));
        Revision expected = missing;
        for (Revision const rev : twin[asked]) {
            if (rev <= at && rev >= history.first()) expected = rev;
        }
        ASSERT_EQ(history.newest_not_after(asked->last_change, at), expected);
    }
}

}  // namespace
}  // namespace doozer::store
