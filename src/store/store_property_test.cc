// The store against a twin that keeps a whole copy of the tree for every revision.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "store/cost.h"
#include "store/store.h"

namespace doozer::store {
namespace {

struct File {
    std::int64_t rev;
    std::string value;
};
using Files = std::map<std::string, File>;

bool is_directory(Files const& files, std::string const& path) {
    if (path == "/") return true;
    auto const below = files.lower_bound(path + "/");
    return below != files.end() && below->first.starts_with(path + "/");
}

bool below_file(Files const& files, std::string const& path) {
    for (std::size_t slash = path.rfind('/'); slash != 0 && slash != path.npos;
         slash = path.rfind('/', slash - 1)) {
        if (files.contains(path.substr(0, slash))) return true;
    }
    return false;
}

/// docs/protocol.md in as few words as possible.
void apply_naively(Files& files, Mutation const& m, std::int64_t rev) {
    if (m.kind == MutationKind::nop) return;
    std::string const path(m.path.text());
    bool const is_set = m.kind == MutationKind::set;
    std::int64_t const condition = m.condition.value();
    std::int64_t const current = is_directory(files, path) ? -2
                                 : files.contains(path)    ? files[path].rev
                                                           : 0;
    std::string error;
    if (is_set && below_file(files, path)) {
        error = "not a directory";
    } else if (condition != -1 && condition < current) {
        error = "rev mismatch";
    } else if (current == -2) {
        error = "is a directory";
    }
    if (!error.empty()) {
        bool const writable = !is_directory(files, "/ctl/err") && !below_file(files, "/ctl/err");
        if (writable) files["/ctl/err"] = {rev, error};
    } else if (is_set) {
        files[path] = {rev, std::string(m.value)};
    } else {
        files.erase(path);
    }
}

std::vector<std::string> names_in(Files const& files, std::string const& directory) {
    std::string const prefix = directory == "/" ? "/" : directory + "/";
    std::set<std::string> names;
    for (auto const& [path, file] : files) {
        if (path.starts_with(prefix)) {
            names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
        }
    }
    return {names.begin(), names.end()};
}

/// Depth first, names in byte order: as if "/" came before every other character.
struct DepthFirst {
    bool operator()(std::string const& a, std::string const& b) const {
        auto const key = [](std::string s) {
            for (char& c : s) c = c == '/' ? '\x01' : c;
            return s;
        };
        return key(a) < key(b);
    }
};

class Twins {
  public:
    Twins(std::uint64_t seed, StoreLimits limits) : prng_(seed), store_(limits) {
        revisions_.emplace_back();
    }

    void change() {
        std::string const path = random_path();
        std::string const value(prng_.below(40), 'v');
        Revision const condition(static_cast<std::int64_t>(prng_.below(8)) - 4 +
                                 (prng_.one_in(2) ? store_.revision().value() : 0));
        Mutation m = Mutation::nop();
        std::uint64_t const kind = prng_.below(10);
        if (kind < 5) m = Mutation::set(Path::trusted(path), value, condition);
        if (kind >= 5 && kind < 9) m = Mutation::del(Path::trusted(path), condition);
        store_.apply(m);
        revisions_.push_back(revisions_.back());
        apply_naively(revisions_.back(), m, store_.revision().value());
    }

    void compare_all() {
        for (std::int64_t r = store_.first_revision().value(); r <= store_.revision().value();
             ++r) {
            compare(Revision(r));
        }
    }

    void compare(Revision at) {
        Files const& files = revisions_[static_cast<std::size_t>(at.value())];
        for (std::string const& path : paths_) compare_path(files, path, at);
        for (char const* glob : {"/**", "/*", "/a/**", "/*/b", "/a/b/*", "/b", "/?/?/?", "/**c"}) {
            compare_walk(files, Glob::parse(glob).value(), at);
        }
        for (char const* glob : {"/**", "/a/**", "/*/b", "/a/b/*", "/b", "/?/?/?", "/**c",
                                 "/*/a/**", "/a**/b", "/", "/b/a", "/c*/?"}) {
            compare_search(files, Glob::parse(glob).value(), at);
        }
    }

    void compare_random() {
        std::int64_t const first = store_.first_revision().value();
        std::int64_t const kept = store_.revision().value() - first + 1;
        compare(Revision(first +
                         static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>(kept)))));
    }

    /// After everything was deleted and forgotten, nothing may be left.
    void expect_nothing_leaks(std::int64_t history_revisions) {
        for (std::string const& path : paths_)
            store_.apply(Mutation::del(Path::trusted(path), clobber));
        store_.apply(Mutation::del(Path::trusted("/ctl/err"), clobber));
        for (std::int64_t i = 0; i < history_revisions; ++i) store_.apply(Mutation::nop());
        EXPECT_EQ(store_.files(), 0U);
        EXPECT_EQ(store_.tree_bytes(), 0U);
        EXPECT_EQ(store_.history_bytes(),
                  static_cast<std::size_t>(history_revisions) * record_cost);
    }

    [[nodiscard]] Store const& store() const { return store_; }

  private:
    std::string random_path() {
        std::string path;
        do {
            path += '/';
            path += "abc"[prng_.below(3)];
        } while (!prng_.one_in(2));
        paths_.insert(path);
        return path;
    }

    void compare_path(Files const& files, std::string const& path, Revision at) {
        Found const found = store_.find(Path::trusted(path), at);
        if (is_directory(files, path)) {
            auto const names = names_in(files, path);
            ASSERT_EQ(found.kind, Found::Kind::directory) << path << " at " << at.value();
            ASSERT_EQ(found.entries, names.size()) << path << " at " << at.value();
            auto const listing = store_.getdir(Path::trusted(path), at);
            compare_listing(*listing, names.size(), [&](std::size_t i, Entry const& entry) {
                ASSERT_EQ(entry.key(), names[i]) << path << " at " << at.value();
            });
        } else if (auto const file = files.find(path); file != files.end()) {
            ASSERT_EQ(found.kind, Found::Kind::file) << path << " at " << at.value();
            ASSERT_EQ(found.rev, Revision(file->second.rev));
            ASSERT_EQ(found.value.view(), file->second.value);
        } else {
            ASSERT_EQ(found.kind, Found::Kind::nothing) << path << " at " << at.value();
        }
    }

    void compare_walk(Files const& files, Glob const& glob, Revision at) {
        std::map<std::string, File, DepthFirst> matching;
        for (auto const& [path, file] : files) {
            if (glob.matches(path)) matching[path] = file;
        }
        std::vector<std::pair<std::string, File>> const expected(matching.begin(), matching.end());
        auto const listing = store_.walk(glob, at);
        compare_listing(*listing, expected.size(), [&](std::size_t i, Entry const& entry) {
            std::string path;
            append_path(path, entry);
            Version const version = store_.version(entry, at);
            ASSERT_EQ(path, expected[i].first) << glob.text() << " at " << at.value();
            ASSERT_EQ(version.rev, Revision(expected[i].second.rev));
            ASSERT_EQ(version.value.view(), expected[i].second.value);
        });
    }

    /// From any path on, in steps of any size.
    void compare_search(Files const& files, Glob const& glob, Revision at) {
        std::string const after = prng_.one_in(4) ? "/" : random_path();
        std::map<std::string, File, DepthFirst> matching;
        for (auto const& [path, file] : files) {
            if (glob.matches(path) && (after == "/" || DepthFirst{}(after, path))) {
                matching[path] = file;
            }
        }
        auto expected = matching.begin();
        FileSearch search(glob, Path::trusted(after), at);
        auto state = FileSearch::State::unfinished;
        for (int turns = 0; state != FileSearch::State::end; ++turns) {
            ASSERT_LT(turns, 3000) << "a search that never ends";
            SearchBudget budget{(prng_.below(20) + 1) << (turns / 50)};
            state = store_.search(search, budget, [&](std::string_view path, Version const& v) {
                EXPECT_TRUE(expected != matching.end() && expected->first == path)
                    << path << " for " << glob.text() << " after " << after << " at " << at.value();
                if (expected == matching.end()) return false;
                EXPECT_EQ(v.rev, Revision(expected->second.rev));
                EXPECT_EQ(v.value.view(), expected->second.value);
                ++expected;
                return !prng_.one_in(3);
            });
            if (testing::Test::HasFailure()) return;
        }
        ASSERT_TRUE(expected == matching.end())
            << expected->first << " is missing for " << glob.text() << " after " << after;
    }

    /// Asks for every offset and one more, in order with tiny budgets, and then in any.
    template <typename Check>
    void compare_listing(Listing& listing, std::size_t size, Check check) {
        for (std::size_t i = 0; i < 2 * size + 1; ++i) {
            std::size_t const offset = i <= size ? i : prng_.below(size + 1);
            Listing::Answer answer{Listing::State::unfinished, nullptr};
            int turns = 0;
            while (answer.state == Listing::State::unfinished) {
                SearchBudget budget;
                // A listing walks what lies before its front again, so that must fit into one turn.
                if (i <= size) budget.steps = (prng_.below(20) + 1) << (turns / 50);
                answer = store_.seek(listing, offset, budget);
                ASSERT_LT(++turns, 1000) << "a search that never ends";
            }
            ASSERT_EQ(answer.state == Listing::State::end, offset == size) << offset;
            if (answer.state == Listing::State::found) check(offset, *answer.entry);
        }
    }

    Prng prng_;
    Store store_;
    std::vector<Files> revisions_;
    std::set<std::string> paths_;
};

TEST(StoreProperty, AgreesWithTheTwinAtEveryRevision) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::int64_t const history = seed % 3 == 0 ? 1000 : static_cast<std::int64_t>(seed * 5);
        Twins twins(seed, StoreLimits{.history_revisions = history});
        for (int i = 0; i < 250; ++i) {
            twins.change();
            if (i % 10 == 0) twins.compare_random();
            if (testing::Test::HasFatalFailure()) return;
        }
        twins.compare_all();
        twins.expect_nothing_leaks(history);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(StoreProperty, ListingsGoOnWhileTheTreeChanges) {
    Store store(StoreLimits{.history_revisions = 5000});
    for (int i = 0; i < 2000; ++i) {
        std::string const text = "/d/" + std::to_string(i);
        store.apply(Mutation::set(Path::trusted(text), "x", missing));
    }
    Revision const at = store.revision();
    auto const glob = Glob::parse("/d/*").value();
    std::string last;
    for (std::size_t i = 0; i < 2000; ++i) {
        SearchBudget budget;
        auto const answer = store.seek(*store.walk(glob, at), i, budget);
        ASSERT_EQ(answer.state, Listing::State::found);
        EXPECT_LT(search_steps_per_turn - budget.steps, 100U) << "offset " << i;
        EXPECT_GT(answer.entry->key(), last);
        last = answer.entry->key();
        std::string const old = "/d/" + std::to_string(i);
        std::string const made = "/d/new" + std::to_string(i);
        store.apply(Mutation::del(Path::trusted(old), clobber));
        store.apply(Mutation::set(Path::trusted(made), "x", missing));
    }
}

TEST(StoreProperty, NamesThatCameAndWentDoNotSlowAListingOfTheNewest) {
    Store store(StoreLimits{});
    for (int i = 0; i < 20'000; ++i) {
        std::string const text = "/locks/" + std::to_string(i);
        store.apply(Mutation::set(Path::trusted(text), "x", missing));
        store.apply(Mutation::del(Path::trusted(text), clobber));
    }
    store.apply(Mutation::set(Path::trusted("/locks/z"), "x", missing));
    SearchBudget budget;
    auto const answer =
        store.seek(*store.getdir(Path::trusted("/locks"), store.revision()), 0, budget);
    ASSERT_EQ(answer.state, Listing::State::found);
    EXPECT_EQ(answer.entry->key(), "z");
    EXPECT_LT(search_steps_per_turn - budget.steps, 100U);
}

}  // namespace
}  // namespace doozer::store
