#include "store/snapshot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"

namespace doozer::store {
namespace {

void change(Store& store, Prng& prng) {
    std::string path;
    do {
        path += '/';
        path += "abc"[prng.below(3)];
    } while (!prng.one_in(2));
    std::string const value(prng.below(40), 'v');
    std::uint64_t const kind = prng.below(10);
    if (kind < 5) store.apply(Mutation::set(Path::trusted(path), value, clobber));
    if (kind >= 5 && kind < 9) store.apply(Mutation::del(Path::trusted(path), clobber));
    if (kind == 9) store.apply(Mutation::nop());
}

/// All that can be read of a store: every kept event, and the tree at every kept revision.
std::vector<std::string> everything(Store& store) {
    std::vector<std::string> lines;
    auto const all = Glob::parse("/**").value();
    std::string path;
    for (Revision at = store.first_revision(); at <= store.revision(); at = at.next()) {
        Event const event = store.event(at, path);
        std::string line = std::to_string(at.value()) + " " + std::string(event.path) + " ";
        line += std::to_string(static_cast<int>(event.kind)) + std::string(event.value.view());
        for (std::size_t i = 0;; ++i) {
            SearchBudget budget;
            auto const answer = store.seek(*store.walk(all, at), i, budget);
            if (answer.state != Listing::State::found) break;
            path.clear();
            append_path(path, *answer.entry);
            Version const version = store.version(*answer.entry, at);
            line += " " + path + "=" + std::to_string(version.rev.value());
            line += std::string(version.value.view());
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

TEST(Snapshot, ACopyAnswersAsTheOriginalAlsoForThePast) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Prng prng(seed);
        StoreLimits const limits{.history_revisions = 1 + static_cast<std::int64_t>(seed * 10)};
        Store store(limits);
        store.apply(Mutation::nop());
        for (int i = 0; i < 150; ++i) change(store, prng);

        auto copied = decode_snapshot(encode_snapshot(store), limits);
        ASSERT_TRUE(copied.ok()) << copied.error().detail;
        Store copy = std::move(copied).value();
        ASSERT_EQ(everything(copy), everything(store));
        EXPECT_EQ(copy.tree_bytes(), store.tree_bytes());
        EXPECT_EQ(copy.files(), store.files());

        // ... and goes on as the original does.
        Prng again = prng;
        for (int i = 0; i < 150; ++i) change(store, prng);
        for (int i = 0; i < 150; ++i) change(copy, again);
        ASSERT_EQ(everything(copy), everything(store));
        EXPECT_EQ(encode_snapshot(copy), encode_snapshot(store));
    }
}

TEST(Snapshot, TakesInWhatIsChangedWhileItIsRead) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Prng prng(seed);
        StoreLimits const limits{.history_revisions =
                                     1 + static_cast<std::int64_t>(prng.below(60))};
        Store store(limits);
        for (int i = 0; i < 100; ++i) change(store, prng);
        SnapshotWriter writer(StoreLimits{});
        {
            SnapshotReader reader(store);
            for (int pieces = 0; !reader.is_complete(); ++pieces) {
                ASSERT_FALSE(reader.is_lost());
                bool const changes = pieces < 20;
                for (std::uint64_t n = prng.below(5); changes && n > 0; --n) change(store, prng);
                std::string piece;
                reader.read(piece, 1 + prng.below(100));
                std::string_view in = piece;
                ASSERT_TRUE(writer.write(in).ok());
                ASSERT_TRUE(in.empty());
            }
            auto copied = writer.finish();
            ASSERT_TRUE(copied.ok());
            Store copy = std::move(copied).value();
            EXPECT_EQ(everything(copy), everything(store));
        }
        change(store, prng);
        EXPECT_LE(store.revision().value() - store.first_revision().value(),
                  limits.history_revisions)
            << "the history is short again";
    }
}

TEST(Snapshot, IsLostWhenTheHistoryGrowsTooLargeMeanwhile) {
    Store store(StoreLimits{.history_bytes = 10'000});
    for (int i = 0; i < 100; ++i) store.apply(Mutation::set(Path::trusted("/a"), "v", clobber));
    SnapshotReader reader(store);
    SnapshotReader other(store);
    std::string const large(4000, 'v');
    for (int i = 0; i < 10; ++i) {
        EXPECT_LE(store.history_bytes(), 25'000U);
        store.apply(Mutation::set(Path::trusted("/b"), large, clobber));
    }
    EXPECT_TRUE(reader.is_lost());
    EXPECT_TRUE(other.is_lost());
    EXPECT_FALSE(SnapshotReader(store).is_lost());
}

TEST(Snapshot, WhatIsFullDoesNotDependOnTheHistory) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Prng a(seed);
        Prng b(seed);
        Store lives_long(StoreLimits{.history_revisions = 10'000, .tree_bytes = 3000});
        Store forgets(StoreLimits{.history_revisions = 1, .tree_bytes = 3000});
        for (int i = 0; i < 500; ++i) {
            change(lives_long, a);
            change(forgets, b);
            ASSERT_EQ(lives_long.tree_bytes(), forgets.tree_bytes()) << i;
            ASSERT_EQ(lives_long.files(), forgets.files()) << i;
        }
    }
}

TEST(Snapshot, CutAnywhereOrChangedItIsRefusedOrHarmless) {
    Prng prng(7);
    StoreLimits const limits{.history_revisions = 20};
    Store store(limits);
    for (int i = 0; i < 60; ++i) change(store, prng);
    std::string const good = encode_snapshot(store);
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(decode_snapshot(good.substr(0, size), limits).ok()) << size;
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ (1 << prng.below(8)));
        auto const changed = decode_snapshot(bad, limits);
        if (changed.ok()) continue;
        EXPECT_EQ(changed.error().detail.find('\n'), std::string::npos);
    }
}

TEST(Snapshot, AfterAMoveTheTreeStaysAndThePastIsGone) {
    Store store(StoreLimits{});
    store.apply(Mutation::set(Path::trusted("/a/b"), "v", clobber));
    store.apply(Mutation::set(Path::trusted("/c"), "w", clobber));
    store.apply(Mutation::del(Path::trusted("/a/b"), clobber));
    Revision const far{1 << 20};
    store.move_to(far);
    EXPECT_EQ(store.revision(), far);
    EXPECT_EQ(store.first_revision(), far);
    std::string path;
    EXPECT_EQ(store.event(far, path).kind, EventKind::nop);
    EXPECT_EQ(store.find(Path::trusted("/c"), far).rev, Revision(2));
    EXPECT_EQ(store.find(Path::trusted("/a"), far).kind, Found::Kind::nothing);
    EXPECT_EQ(store.apply(Mutation::nop()).event.rev, far.next());
}

// A copy comes from another process, which may be wrong, or from somebody who pretends to be one.
TEST(Snapshot, AFileThatHasNoPlaceInTheTreeIsRefused) {
    Store store{StoreLimits{}};
    store.begin_at(Revision(10));
    auto const load = [&](char const* path, std::int64_t rev) {
        return store.load_file(Path::trusted(path), Revision(rev), "v");
    };
    EXPECT_FALSE(load("/d/file", 11)) << "a revision that was not given yet";
    EXPECT_FALSE(load("/d/file", 0));
    EXPECT_TRUE(load("/d/file", 10));
    EXPECT_FALSE(load("/d/file", 9)) << "it is there already";
    EXPECT_FALSE(load("/d", 9)) << "it is a directory";
    EXPECT_FALSE(load("/d/file/below", 9));
    EXPECT_EQ(store.files(), 1U);
}

}  // namespace
}  // namespace doozer::store
