#include "store/file_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "store/store.h"

// That the right files are found is compared with a twin in store_property_test.cc; here is what
// finding them costs.
namespace doozer::store {
namespace {

void set(Store& store, std::string const& path) {
    store.apply(Mutation::set(Path::trusted(path), "x", clobber));
}
void del(Store& store, std::string const& path) {
    store.apply(Mutation::del(Path::trusted(path), clobber));
}

std::string numbered(int i) {
    std::string const digits = std::to_string(i);
    return std::string(5 - digits.size(), '0') + digits;
}

struct Found10 {
    std::vector<std::string> paths;
    std::size_t steps;
};

/// Ten files at most, and the steps of a budget that they took.
Found10 ten_after(Store const& store, char const* glob, std::string const& after, Revision at) {
    FileSearch search(Glob::parse(glob).value(), Path::parse(after).value(), at);
    Found10 found;
    SearchBudget budget{10'000'000};
    std::size_t const before = budget.steps;
    store.search(search, budget, [&](std::string_view path, Version const&) {
        found.paths.emplace_back(path);
        return found.paths.size() < 10;
    });
    found.steps = before - budget.steps;
    return found;
}

TEST(FileSearch, WhatLiesBeforeThePathThatItBeginsWithIsNotLookedAt) {
    Store store(StoreLimits{});
    for (int i = 0; i < 20'000; ++i) set(store, "/d/" + numbered(i));
    auto const found = ten_after(store, "/**", "/d/15000", store.revision());
    EXPECT_EQ(found.paths.front(), "/d/15001");
    EXPECT_EQ(found.paths.back(), "/d/15010");
    EXPECT_LT(found.steps, 200U);
}

TEST(FileSearch, AtAnOldRevisionNeither) {
    Store store(StoreLimits{});
    for (int i = 0; i < 20'000; ++i) set(store, "/d/" + numbered(i));
    Revision const old = store.revision();
    for (int i = 0; i < 20'000; ++i) del(store, "/d/" + numbered(i));
    auto const found = ten_after(store, "/d/*", "/d/15000", old);
    EXPECT_EQ(found.paths.front(), "/d/15001");
    EXPECT_EQ(found.paths.size(), 10U);
    EXPECT_LT(found.steps, 200U);
}

TEST(FileSearch, NamesThatCannotMatchAreNotLookedAt) {
    Store store(StoreLimits{});
    for (int i = 0; i < 2'000; ++i) {
        std::string const host = "/svc/" + numbered(i);
        set(store, host + "/addr");
        for (char const* name : {"/a", "/b", "/c", "/d"}) set(store, host + name);
    }
    auto const addresses = ten_after(store, "/svc/*/addr", "/", store.revision());
    EXPECT_EQ(addresses.paths.back(), "/svc/00009/addr");
    EXPECT_LT(addresses.steps, 300U);
    auto const of_one = ten_after(store, "/svc/01500/*", "/", store.revision());
    EXPECT_EQ(of_one.paths.size(), 5U);
    EXPECT_LT(of_one.steps, 100U);
    auto const with_prefix = ten_after(store, "/svc/0199*/b", "/", store.revision());
    EXPECT_EQ(with_prefix.paths.front(), "/svc/01990/b");
    EXPECT_EQ(with_prefix.paths.size(), 10U);
    EXPECT_LT(with_prefix.steps, 300U);
}

TEST(FileSearch, EndsInADeepDirectoryHoweverSmallTheBudget) {
    Store store(StoreLimits{});
    std::string deep;
    while (deep.size() < 4'000) deep += "/d";
    for (int i = 0; i < 20; ++i) set(store, deep + "/" + numbered(i));
    std::string glob = "/";
    while (glob.size() < 2'000) glob += "d/**/";
    for (std::string const& text : {std::string("/**"), glob + "*"}) {
        FileSearch search(Glob::parse(text).value(), Path::trusted(deep), store.revision());
        std::size_t found = 0;
        auto state = FileSearch::State::unfinished;
        for (int turn = 0; state != FileSearch::State::end; ++turn) {
            ASSERT_LT(turn, 10'000);
            SearchBudget budget{100};
            state = store.search(search, budget, [&](std::string_view, Version const&) {
                ++found;
                return true;
            });
        }
        EXPECT_EQ(found, 20U);
    }
}

TEST(FileSearch, APathThatTheGlobDoesNotEnterCostsAFewTries) {
    Store store(StoreLimits{});
    std::string deep;
    while (deep.size() < 4'000) deep += "/d";
    for (int i = 0; i < 5'000; ++i) set(store, deep + "/" + numbered(i));
    set(store, "/e");
    auto const found = ten_after(store, "/*", deep, store.revision());
    EXPECT_EQ(found.paths, std::vector<std::string>{"/e"});
    EXPECT_LT(found.steps, 8'000U);
}

TEST(FileSearch, GoesOnInATreeThatChangesMeanwhile) {
    Store store(StoreLimits{.history_revisions = 10'000});
    for (int i = 0; i < 1'000; ++i) set(store, "/d/" + numbered(i) + "/f");
    FileSearch search(Glob::parse("/d/**").value(), Path::root(), store.revision());
    std::vector<std::string> found;
    auto state = FileSearch::State::unfinished;
    for (int turn = 0; state != FileSearch::State::end; ++turn) {
        ASSERT_LT(turn, 4'000);
        SearchBudget budget{7};
        state = store.search(search, budget, [&](std::string_view path, Version const&) {
            found.emplace_back(path);
            return found.size() % 3 != 0;
        });
        if (turn < 1'000) {
            del(store, "/d/" + numbered(turn) + "/f");
            set(store, "/d/" + numbered(turn) + "x");
        }
    }
    EXPECT_EQ(found.size(), 1'000U);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

}  // namespace
}  // namespace doozer::store
