#include "store/store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/cost.h"

namespace doozer::store {
namespace {

using Kind = Found::Kind;

Path path(std::string_view text) {
    return Path::parse(text).value();
}

class StoreTest : public testing::Test {
  protected:
    Applied set(std::string_view p, std::string_view value, std::int64_t condition = -1) {
        return store.apply(Mutation::set(path(p), value, Revision(condition)));
    }
    Applied del(std::string_view p, std::int64_t condition = -1) {
        return store.apply(Mutation::del(path(p), Revision(condition)));
    }
    Applied nop() { return store.apply(Mutation::nop()); }
    [[nodiscard]] Found find(std::string_view p) const {
        return store.find(path(p), store.revision());
    }
    [[nodiscard]] Found find_at(std::string_view p, std::int64_t rev) const {
        return store.find(path(p), Revision(rev));
    }

    Store store{StoreLimits{}};
};

void expect_refused(Applied const& applied, Errc code) {
    ASSERT_TRUE(applied.refused.has_value());
    EXPECT_EQ(applied.refused->code, code);
    EXPECT_EQ(applied.event.path, "/ctl/err");
    EXPECT_EQ(applied.event.kind, EventKind::set);
}

TEST_F(StoreTest, BeginsEmptyAtRevisionZero) {
    EXPECT_EQ(store.revision(), missing);
    EXPECT_EQ(store.first_revision(), Revision(1));
    EXPECT_EQ(find("/").kind, Kind::directory);
    EXPECT_EQ(find("/").entries, 0U);
}

TEST_F(StoreTest, ASetIsAnEventAtItsRevision) {
    Applied const applied = set("/a", "v1", 0);
    EXPECT_FALSE(applied.refused.has_value());
    EXPECT_EQ(applied.event.rev, Revision(1));
    EXPECT_EQ(applied.event.path, "/a");
    EXPECT_EQ(applied.event.value.view(), "v1");
    EXPECT_EQ(find("/a").rev, Revision(1));
    EXPECT_EQ(find("/a").value.view(), "v1");
}

// protocol.md, Revisions
TEST_F(StoreTest, AConditionPassesFromTheFilesRevisionOn) {
    set("/a", "v1", 0);
    expect_refused(set("/a", "v2", 0), Errc::rev_mismatch);
    EXPECT_FALSE(set("/a", "v2", 1).refused);
    expect_refused(set("/a", "v3", 1), Errc::rev_mismatch);
    EXPECT_FALSE(set("/a", "v3", 1'000'000'000'000).refused);
    EXPECT_FALSE(set("/a", "v4", -1).refused);
    expect_refused(set("/a", "v5", -2), Errc::rev_mismatch);
    expect_refused(set("/a", "v5", -3), Errc::rev_mismatch);
    expect_refused(set("/new", "v5", -2), Errc::rev_mismatch);
    EXPECT_FALSE(set("/new", "v5", 7).refused);
    EXPECT_EQ(find("/a").value.view(), "v4");
}

TEST_F(StoreTest, ARefusedChangeIsAChangeOfTheErrorFile) {
    set("/a", "v1", 0);
    Applied const applied = set("/a", "v2", 0);
    EXPECT_EQ(applied.event.rev, Revision(2));
    EXPECT_EQ(applied.event.value.view(), "rev mismatch");
    EXPECT_EQ(find("/ctl/err").rev, Revision(2));
    EXPECT_EQ(find("/ctl/err").value.view(), "rev mismatch");
    EXPECT_EQ(set("/a/b", "").event.value.view(), "not a directory");
    EXPECT_EQ(set("/ctl", "").event.value.view(), "is a directory");
}

TEST_F(StoreTest, DirectoriesRefuseWrites) {
    set("/d/x", "");
    for (std::int64_t const condition : {0LL, -1LL, -2LL, 1'000'000'000'000LL}) {
        expect_refused(set("/d", "q", condition), Errc::isdir);
        expect_refused(set("/", "q", condition), Errc::isdir);
        expect_refused(del("/d", condition), Errc::isdir);
        expect_refused(del("/", condition), Errc::isdir);
    }
    expect_refused(set("/d", "q", -3), Errc::rev_mismatch);
    expect_refused(del("/d", -3), Errc::rev_mismatch);
}

TEST_F(StoreTest, NothingCanBeSetBelowAFile) {
    set("/a", "x");
    expect_refused(set("/a/b", "", 0), Errc::notdir);
    expect_refused(set("/a/b/c/d", "", -1), Errc::notdir);
    expect_refused(set("/a/b", "", -3), Errc::notdir);  // before the condition is looked at
}

TEST_F(StoreTest, DeletingTheLastFileRemovesTheDirectoriesAbove) {
    set("/d/s/z", "z");
    set("/d/x", "x");
    del("/d/s/z");
    EXPECT_EQ(find("/d/s").kind, Kind::nothing);
    EXPECT_EQ(find("/d").entries, 1U);
    del("/d/x");
    EXPECT_EQ(find("/d").kind, Kind::nothing);
    EXPECT_FALSE(set("/d", "now a file", 0).refused);
    expect_refused(set("/d/x", "", 0), Errc::notdir);
}

TEST_F(StoreTest, DeletingWhatIsMissingIsAnEventOfThatPath) {
    Applied const applied = del("/nope/x", 0);
    EXPECT_FALSE(applied.refused);
    EXPECT_EQ(applied.event.kind, EventKind::del);
    EXPECT_EQ(applied.event.path, "/nope/x");
    std::string text;
    EXPECT_EQ(store.event(Revision(1), text).path, "/nope/x");
    expect_refused(del("/nope", -3), Errc::rev_mismatch);
    expect_refused(del("/nope", -2), Errc::rev_mismatch);
}

// protocol.md, Verbs: DEL below a file, ours
TEST_F(StoreTest, DeletingBelowAFileLeavesTheFile) {
    set("/f", "precious");
    EXPECT_FALSE(del("/f/x", -1).refused);
    EXPECT_FALSE(del("/f/x/y", 0).refused);
    EXPECT_EQ(find("/f").value.view(), "precious");
}

TEST_F(StoreTest, ANopIsAnEventOnTheRoot) {
    Applied const applied = nop();
    EXPECT_EQ(applied.event.rev, Revision(1));
    EXPECT_EQ(applied.event.kind, EventKind::nop);
    EXPECT_EQ(applied.event.path, "/");
}

TEST_F(StoreTest, TheErrorFileMayBecomeADirectory) {
    set("/ctl/err/x", "");
    Applied const applied = set("/", "");
    EXPECT_EQ(applied.refused->code, Errc::isdir);
    EXPECT_EQ(applied.event.kind, EventKind::nop);
    EXPECT_EQ(store.revision(), Revision(2));
}

TEST_F(StoreTest, EveryRevisionOfTheHistoryIsReadable) {
    set("/a", "1");
    set("/d/x", "2");
    set("/a", "3");
    del("/d/x");
    set("/d", "5");
    EXPECT_EQ(find_at("/a", 1).value.view(), "1");
    EXPECT_EQ(find_at("/a", 2).value.view(), "1");
    EXPECT_EQ(find_at("/a", 3).value.view(), "3");
    EXPECT_EQ(find_at("/d", 1).kind, Kind::nothing);
    EXPECT_EQ(find_at("/d", 2).entries, 1U);
    EXPECT_EQ(find_at("/d/x", 3).value.view(), "2");
    EXPECT_EQ(find_at("/d", 4).kind, Kind::nothing);
    EXPECT_EQ(find_at("/d/x", 4).kind, Kind::nothing);
    EXPECT_EQ(find_at("/d", 5).rev, Revision(5));
    EXPECT_EQ(find_at("/", 1).entries, 1U);
    EXPECT_EQ(find_at("/", 2).entries, 2U);
}

TEST(StoreHistory, KeepsTheNumberOfRevisionsItIsTold) {
    Store store(StoreLimits{.history_revisions = 20});
    for (int i = 0; i < 50; ++i) store.apply(Mutation::set(path("/h"), "x", clobber));
    EXPECT_EQ(store.revision(), Revision(50));
    EXPECT_EQ(store.first_revision(), Revision(31));
    EXPECT_EQ(store.find(path("/h"), Revision(31)).rev, Revision(31));
    EXPECT_EQ(store.find(path("/h"), Revision(40)).rev, Revision(40));
}

TEST(StoreHistory, IsBoundedByBytesToo) {
    Store store(StoreLimits{.history_bytes = 100'000});
    std::string const value(10'000, 'x');
    for (int i = 0; i < 50; ++i) store.apply(Mutation::set(path("/h"), value, clobber));
    EXPECT_LE(store.history_bytes(), 100'000U);
    EXPECT_GE(store.first_revision(), Revision(40));
    EXPECT_LE(store.first_revision(), Revision(42));
    EXPECT_EQ(store.find(path("/h"), store.first_revision()).value.view(), value);
}

TEST(StoreHistory, DirectoriesTakeNothingFromItsBytes) {
    Store store(StoreLimits{.history_bytes = 10'000});
    for (int i = 0; i < 5000; ++i) {
        std::string const text = "/d" + std::to_string(i) + "/f";
        store.apply(Mutation::set(path(text), "", missing));
    }
    EXPECT_LT(store.first_revision(), Revision(4950));
}

TEST(StoreHistory, AConditionNeedsNoHistory) {
    Store store(StoreLimits{.history_revisions = 1});
    store.apply(Mutation::set(path("/h"), "1", missing));
    for (int i = 0; i < 10; ++i) store.apply(Mutation::nop());
    EXPECT_FALSE(store.apply(Mutation::set(path("/h"), "2", Revision(1))).refused);
}

TEST(StoreMemory, AFullStoreRefusesSetsThatMakeItLarger) {
    Store store(StoreLimits{.tree_bytes = 100'000});
    std::string const value(1000, 'x');
    int files = 0;
    Applied applied;
    for (; files < 1000; ++files) {
        std::string const text = "/d/" + std::to_string(files);
        applied = store.apply(Mutation::set(path(text), value, missing));
        if (applied.refused) break;
    }
    EXPECT_GT(files, 50);
    EXPECT_LT(files, 100);
    EXPECT_EQ(applied.refused, (Error{Errc::other, "store full"}));
    EXPECT_EQ(applied.event.value.view(), "store full");
    EXPECT_LE(store.tree_bytes(), 100'000U + entry_cost(3) + value_cost(10));

    EXPECT_FALSE(store.apply(Mutation::set(path("/d/0"), value, clobber)).refused);
    EXPECT_FALSE(store.apply(Mutation::set(path("/d/0"), "", clobber)).refused);
    EXPECT_FALSE(store.apply(Mutation::del(path("/d/1"), clobber)).refused);
    EXPECT_EQ(store.find(path("/d/2"), store.revision()).value.view(), value);
    EXPECT_FALSE(store.apply(Mutation::set(path("/d/new"), value, missing)).refused);
}

/// "revision=value" or "revision-" for a deletion, newest first.
std::vector<std::string> changes_of(Store const& store, std::string_view text) {
    std::vector<std::string> changes;
    Revision before = store.revision().next();
    while (auto const event = store.change_before(path(text), before)) {
        before = event->rev;
        std::string change = std::to_string(event->rev.value());
        bool const is_set = event->kind == EventKind::set;
        changes.push_back(change + (is_set ? "=" + std::string(event->value.view()) : "-"));
    }
    return changes;
}

TEST_F(StoreTest, TheChangesOfAFileAreFoundNewestFirst) {
    set("/a", "one");
    set("/b", "x");
    set("/a", "two");
    del("/a");
    set("/a", "three");
    EXPECT_EQ(changes_of(store, "/a"),
              (std::vector<std::string>{"5=three", "4-", "3=two", "1=one"}));
    EXPECT_TRUE(changes_of(store, "/nothing").empty());
    EXPECT_EQ(store.change_before(path("/a"), Revision(4))->rev, Revision(3));
    EXPECT_FALSE(store.change_before(path("/a"), Revision(1)));
}

TEST(StoreHistory, OfAFileMayBeForgottenWhileItIsGoneThrough) {
    Store store(StoreLimits{.history_revisions = 2});
    for (char const* value : {"one", "two", "three"}) {
        store.apply(Mutation::set(path("/a"), value, clobber));
    }
    EXPECT_EQ(store.change_before(path("/a"), Revision(4))->rev, Revision(3));
    for (int i = 0; i < 5; ++i) store.apply(Mutation::nop());
    EXPECT_FALSE(store.change_before(path("/a"), Revision(3))) << "3 was told";
    EXPECT_EQ(store.change_before(path("/a"), Revision(4))->value.view(), "three");
}

TEST(StoreHistory, OfAFileEndsWithWhatTheOldestRevisionShows) {
    Store store(StoreLimits{.history_revisions = 2});
    for (char const* value : {"one", "two", "three"}) {
        store.apply(Mutation::set(path("/a"), value, clobber));
    }
    store.apply(Mutation::nop());
    EXPECT_EQ(changes_of(store, "/a"), (std::vector<std::string>{"3=three", "2=two"}));
    store.apply(Mutation::nop());
    store.apply(Mutation::nop());
    EXPECT_EQ(changes_of(store, "/a"), (std::vector<std::string>{"3=three"}));
}

TEST(StoreMemory, ADeepPathCountsEveryDirectoryItMakes) {
    Store store(StoreLimits{.tree_bytes = 100'000});
    std::string deep;
    while (deep.size() < 4000) deep += "/a";
    EXPECT_EQ(store.apply(Mutation::set(path(deep), "", missing)).refused->detail, "store full");
    EXPECT_EQ(store.find(path("/a"), store.revision()).kind, Kind::nothing);
}

}  // namespace
}  // namespace doozer::store
