#include "store/watch_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "store/store.h"

namespace doozer::store {
namespace {

constexpr std::uint64_t alice = 1;
constexpr std::uint64_t bob = 2;

Glob glob(std::string_view text) {
    return Glob::parse(text).value();
}

/// A glob of some size that can only be tried, and is never found by what it begins or ends with.
std::string costly(std::size_t n) {
    return "/**x" + std::to_string(10'000 + n) + "?*y**z";
}

class WatchTableTest : public testing::Test {
  protected:
    explicit WatchTableTest(std::int64_t history = 100'000)
        : store(StoreLimits{.history_revisions = history}) {}

    WatchTable::Handle wait(std::string_view text, std::uint64_t who, std::uint64_t payer = alice) {
        return table.add(glob(text), who, payer, store.revision());
    }
    /// A change of `path`: one that is an event of it, whatever there is.
    std::vector<std::uint64_t> event(std::string_view path) {
        auto const applied = store.apply(path == "/" ? Mutation::nop()
                                                     : Mutation::del(Path::trusted(path), clobber));
        std::vector<std::uint64_t> woken;
        table.take(applied.event.path, woken);
        std::sort(woken.begin(), woken.end());
        return woken;
    }
    std::vector<GlobScan::Due> scan(std::size_t steps = 1'000'000) {
        SearchBudget budget{steps};
        std::vector<GlobScan::Due> due;
        table.scan(store, budget, due);
        return due;
    }
    /// All who hear of an event, at once or later.
    std::vector<std::uint64_t> told(std::string_view path) {
        auto woken = event(path);
        for (auto const& due : scan()) {
            EXPECT_EQ(due.at, store.revision());
            woken.push_back(due.who);
        }
        EXPECT_FALSE(table.is_behind(store.revision()));
        std::sort(woken.begin(), woken.end());
        return woken;
    }

    Store store;
    WatchTable table;
};

TEST_F(WatchTableTest, WakesThoseWhoseGlobMatchesAndOnlyOnce) {
    wait("/a", 1);
    wait("/a", 2);
    wait("/*", 3);
    wait("/**", 4);
    wait("/b", 5);
    wait("/a*", 6);
    wait("/a/*", 7);
    EXPECT_EQ(event("/a"), (std::vector<std::uint64_t>{1, 2, 3, 4, 6}));
    EXPECT_EQ(event("/a"), (std::vector<std::uint64_t>{}));
    EXPECT_EQ(table.size(), 2U);
}

TEST_F(WatchTableTest, ForgetsWhoIsRemoved) {
    auto const first = wait("/a", 1);
    wait("/a", 2);
    table.remove(first);
    auto const again = wait("/b", 3);
    EXPECT_EQ(event("/a"), std::vector<std::uint64_t>{2});
    table.remove(again);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(event("/b"), (std::vector<std::uint64_t>{}));
}

TEST_F(WatchTableTest, ARootEventIsSeenByGlobsThatMatchTheRoot) {
    wait("/", 1);
    wait("/x", 2);
    wait("/*", 3);
    wait("/?", 4);
    EXPECT_EQ(told("/"), (std::vector<std::uint64_t>{1, 3}));
}

// What a change costs must not grow with the number of those who wait for something else.
TEST_F(WatchTableTest, FindsGlobsWithOneWildcardWithoutTryingThem) {
    std::uint64_t who = 0;
    for (std::size_t i = 0; i < 100; ++i) {
        std::string const n = std::to_string(i);
        for (std::string const& text :
             {"/d/" + n, "/d/" + n + "/*", "/d/*/" + n, "/**/" + n, "/" + n + "**", "/d*" + n}) {
            wait(text, ++who);
        }
    }
    EXPECT_EQ(table.scanned_globs(), 0U);
    EXPECT_EQ(told("/d/7").size(), 2U);    // /d/7, /**/7
    EXPECT_EQ(told("/d/8/x").size(), 1U);  // /d/8/*
    EXPECT_EQ(told("/d/x/9").size(), 2U);  // /d/*/9, /**/9
    EXPECT_EQ(told("/55/x").size(), 2U);   // /5**, /55**
    EXPECT_EQ(told("/d44").size(), 2U);    // /d*4, /d*44
}

TEST_F(WatchTableTest, GlobsThatMustBeTriedAreTriedLaterIfTheyAreMany) {
    for (std::size_t i = 0; i < 100; ++i) wait(costly(i), i);
    EXPECT_GE(table.scanned_globs(), 90U);
    EXPECT_EQ(event("/q/x10042-y/z"), (std::vector<std::uint64_t>{}));
    EXPECT_TRUE(table.is_behind(store.revision()));
    // No scan uses much more than its budget, and none loses anything.
    std::vector<std::uint64_t> heard;
    std::size_t turns = 0;
    for (; table.is_behind(store.revision()); ++turns) {
        for (auto const& due : scan(10)) heard.push_back(due.who);
    }
    EXPECT_EQ(heard, std::vector<std::uint64_t>{42});
    EXPECT_GE(turns, 9U);
}

TEST_F(WatchTableTest, AScanTellsTheFirstEventThatMatches) {
    for (std::size_t i = 0; i < 20; ++i) wait(costly(i), i);
    event("/nothing");
    event("/x10017-y/z");
    Revision const first = store.revision();
    event("/x10017-y/z");
    auto const due = scan();
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].who, 17U);
    EXPECT_EQ(due[0].at, first);
    EXPECT_TRUE(scan().empty());
}

TEST_F(WatchTableTest, WhoComesLaterToTheSameGlobIsToldOfLaterEventsOnly) {
    for (std::size_t i = 0; i < 20; ++i) wait(costly(i), i);
    event("/x10017-y/z");
    Revision const first = store.revision();
    wait(costly(17), 100, bob);
    auto due = scan();
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].who, 17U);
    EXPECT_EQ(due[0].at, first);
    event("/x10017-y/z");
    due = scan();
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].who, 100U);
    EXPECT_EQ(due[0].at, store.revision());
}

// One payer has a thousand globs, and does not delay the one glob of another by much.
TEST_F(WatchTableTest, PayersHaveTheirTurnsAlternately) {
    for (std::size_t i = 0; i < 5000; ++i) wait(costly(i), i, alice);
    wait("/**b?b*b", 10'000, bob);
    event("/b-b-b");
    std::size_t steps = 0;
    std::vector<GlobScan::Due> due;
    for (; due.empty(); steps += 10) due = scan(10);
    EXPECT_EQ(due[0].who, 10'000U);
    EXPECT_LT(steps, 1500U);
}

// Otherwise the session that asks first for a glob that all need could slow it down.
TEST_F(WatchTableTest, TheGlobOfSeveralPayersIsTriedInTheTurnsOfTheOneWithTheFewest) {
    for (std::size_t i = 0; i < 5000; ++i) wait(costly(i), i, alice);
    event("/nothing");  // everything is behind when the glob changes hands
    wait(costly(4321), 10'000, bob);
    event("/x14321-y/z");
    std::size_t steps = 0;
    std::vector<GlobScan::Due> due;
    for (; due.size() < 2; steps += 10) {
        for (auto const& found : scan(10)) due.push_back(found);
    }
    EXPECT_LT(steps, 1500U);
    EXPECT_EQ(due[0].at, due[1].at);
}

class ShortHistoryTest : public WatchTableTest {
  protected:
    ShortHistoryTest() : WatchTableTest(10) {}
};

TEST_F(ShortHistoryTest, WhatTheHistoryHasForgottenIsTooLateForThoseWhoWaitedForIt) {
    for (std::size_t i = 0; i < 20; ++i) wait(costly(i), i);
    std::size_t const scanned = table.scanned_globs();
    for (int i = 0; i < 50; ++i) event("/x10019-y/z");
    wait(costly(19), 100);
    std::size_t too_late = 0;
    for (auto const& due : scan()) {
        EXPECT_EQ(due.at, missing);
        EXPECT_NE(due.who, 100U);
        ++too_late;
    }
    EXPECT_EQ(too_late, scanned);
    event("/x10019-y/z");
    auto const due = scan();
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].who, 100U);
}

/// The table beside a list of all waiters that asks each of them: the same ones hear of the same
/// events, whatever the order of additions, removals, changes and scans.
TEST_F(WatchTableTest, AgreesWithAskingEverybody) {
    struct Twin {
        WatchTable::Handle handle;
        Glob glob;
        std::optional<Revision> expected;
    };
    Prng prng(11);
    std::vector<std::string> const alphabet{"a", "b", "/", "/a", "*", "**", "?"};
    std::map<std::uint64_t, Twin> twins;
    std::size_t told_in_all = 0;
    std::size_t scanned_in_all = 0;
    auto const hear = [&](std::uint64_t who, Revision at) {
        auto const twin = twins.find(who);
        ASSERT_NE(twin, twins.end());
        ASSERT_EQ(twin->second.expected, at) << twin->second.glob.text();
        twins.erase(twin);
        ++told_in_all;
    };
    for (std::uint64_t who = 1; who < 30'000; ++who) {
        std::string text = "/";
        for (std::size_t n = prng.below(7); n > 0; --n) text += alphabet[prng.below(7)];
        auto const parsed = Glob::parse(text);
        if (parsed.ok()) {
            auto const handle = table.add(parsed.value(), who, prng.below(5), store.revision());
            twins.emplace(who, Twin{handle, parsed.value(), {}});
        }
        if (prng.one_in(3) && !twins.empty()) {
            auto victim = twins.lower_bound(prng.below(who));
            if (victim == twins.end()) victim = twins.begin();
            table.remove(victim->second.handle);
            twins.erase(victim);
        }
        if (prng.one_in(5)) {
            std::string path = "/";
            for (std::size_t n = prng.below(6); n > 0; --n) path += alphabet[prng.below(4)];
            if (!Path::parse(path).ok()) continue;
            auto const woken = event(path);
            for (auto& [id, twin] : twins) {
                if (!twin.expected && twin.glob.matches(path)) twin.expected = store.revision();
            }
            for (auto const id : woken) hear(id, store.revision());
        }
        if (prng.one_in(4)) {
            for (auto const& due : scan(1 + prng.below(300))) {
                hear(due.who, due.at);
                ++scanned_in_all;
            }
        }
        ASSERT_EQ(table.size(), twins.size());
    }
    for (auto const& due : scan(100'000'000)) hear(due.who, due.at);
    EXPECT_FALSE(table.is_behind(store.revision()));
    for (auto const& [who, twin] : twins) EXPECT_FALSE(twin.expected) << twin.glob.text();
    EXPECT_GT(told_in_all, 1000U);
    EXPECT_GT(scanned_in_all, 200U);
}

}  // namespace
}  // namespace doozer::store
