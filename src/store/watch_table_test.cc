#include "store/watch_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"

namespace doozer::store {
namespace {

Glob glob(std::string_view text) {
    return Glob::parse(text).value();
}

std::vector<std::uint64_t> taken(WatchTable& table, std::string_view path) {
    std::vector<std::uint64_t> woken;
    table.take(path, woken);
    std::sort(woken.begin(), woken.end());
    return woken;
}

TEST(WatchTable, WakesThoseWhoseGlobMatchesAndOnlyOnce) {
    WatchTable table;
    table.add(glob("/a"), 1);
    table.add(glob("/a"), 2);
    table.add(glob("/*"), 3);
    table.add(glob("/**"), 4);
    table.add(glob("/b"), 5);
    table.add(glob("/a*"), 6);
    table.add(glob("/a/*"), 7);
    EXPECT_EQ(taken(table, "/a"), (std::vector<std::uint64_t>{1, 2, 3, 4, 6}));
    EXPECT_EQ(taken(table, "/a"), (std::vector<std::uint64_t>{}));
    EXPECT_EQ(table.size(), 2U);
}

TEST(WatchTable, ForgetsWhoIsRemoved) {
    WatchTable table;
    auto const first = table.add(glob("/a"), 1);
    table.add(glob("/a"), 2);
    table.remove(first);
    auto const again = table.add(glob("/b"), 3);
    EXPECT_EQ(taken(table, "/a"), std::vector<std::uint64_t>{2});
    table.remove(again);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(taken(table, "/b"), (std::vector<std::uint64_t>{}));
}

TEST(WatchTable, ANopIsAnEventOnTheRoot) {
    WatchTable table;
    table.add(glob("/"), 1);
    table.add(glob("/x"), 2);
    table.add(glob("/*"), 3);
    EXPECT_EQ(taken(table, "/"), (std::vector<std::uint64_t>{1, 3}));
}

TEST(WatchTable, AgreesWithAskingEverybody) {
    Prng prng(11);
    std::vector<std::string> const globs{"/**",   "/*",     "/a",    "/b",    "/a/*",  "/a/**",
                                         "/?",    "/a/b",   "/*/b",  "/**b",  "/a*",   "/",
                                         "/a/b*", "/b/**a", "/ab/a", "/ab/?", "/ab**", "/a/b/**"};
    std::vector<std::string> const paths{"/", "/a", "/b", "/a/b", "/ab/a", "/b/b/a", "/a/b/c"};
    WatchTable table;
    std::map<std::uint64_t, std::pair<WatchTable::Handle, Glob>> twin;
    std::size_t woken_in_all = 0;
    for (std::uint64_t who = 1; who < 20'000; ++who) {
        Glob const g = glob(globs[prng.below(globs.size())]);
        twin.emplace(who, std::pair(table.add(g, who), g));
        if (prng.one_in(3)) {
            auto victim = twin.lower_bound(prng.below(who));
            if (victim == twin.end()) victim = twin.begin();
            table.remove(victim->second.first);
            twin.erase(victim);
        }
        if (prng.one_in(5)) {
            std::string const& path = paths[prng.below(paths.size())];
            std::vector<std::uint64_t> expected;
            for (auto const& [id, waiter] : twin) {
                if (waiter.second.matches(path)) expected.push_back(id);
            }
            for (auto const id : expected) twin.erase(id);
            ASSERT_EQ(taken(table, path), expected) << path;
            woken_in_all += expected.size();
        }
        ASSERT_EQ(table.size(), twin.size());
    }
    EXPECT_GT(woken_in_all, 1000U);
}

}  // namespace
}  // namespace doozer::store
