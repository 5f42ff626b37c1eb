#include "journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include <map>

#include "journal/reader.h"
#include "journal/testing.h"

namespace doozer::journal {
namespace {

using base::Revision;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Mutation set(std::int64_t rev, std::string_view path, std::string_view value) {
    return {Revision(rev), path, value};
}

Mutation del(std::int64_t rev, std::string_view path) {
    return {Revision(rev), path, std::nullopt};
}

base::Result<Journal> open(std::string const& name, bool repair = false) {
    Journal::Found found;
    return Journal::open(name, repair, found);
}

Journal opened(std::string const& name) {
    auto journal = open(name);
    EXPECT_TRUE(journal.ok());
    return std::move(journal).value();
}

void compact(Journal& journal) {
    journal.start_compaction();
    journal.wait_for_compaction();
    auto const step = journal.finish_compaction();
    ASSERT_TRUE(step.ok());
    ASSERT_TRUE(step.value().taken);
}

TEST(Journal, IsCreatedWithItsMode) {
    Folder const folder;
    auto const before = umask(022);
    auto const journal = opened(folder.file("journal"));
    umask(before);
    struct stat status {};
    ASSERT_EQ(stat(folder.file("journal").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
    EXPECT_EQ(status.st_size, 0);
}

// The original's own tools write such records.
TEST(Journal, KeepsRecordsOfRevision0AlsoWhenItIsToRepair) {
    Folder const folder;
    std::string content;
    append_record(content, "7:/a=b");
    append_record(content, "0:/restored=x");
    append_record(content, "0:/a=c");
    write_file(folder.file("journal"), content);
    for (bool const repair : {false, true}) {
        auto journal = open(folder.file("journal"), repair);
        ASSERT_TRUE(journal.ok());
        EXPECT_EQ(journal.value().index().last().rev, Revision(7)) << "where to go on";
        EXPECT_EQ(journal.value().index().files().size(), 2U);
        auto const* const a = journal.value().index().find("/a");
        EXPECT_EQ(journal.value().read(a->place).value(), "0:/a=c");
        compact(journal.value());
        EXPECT_EQ(journal.value().index().find("/restored")->rev, Revision(0));
    }
    auto const tree = read_tree(folder.file("journal"));
    ASSERT_TRUE(tree.ok());
    EXPECT_EQ(tree.value().files.at("/a").value, "c");
    EXPECT_EQ(tree.value().last, Revision(7));
}

TEST(Journal, IsNotEmptyWithRecordsOfRevision0Only) {
    Folder const folder;
    std::string content;
    append_record(content, "0:/a=b");
    write_file(folder.file("journal"), content);
    auto const journal = opened(folder.file("journal"));
    EXPECT_EQ(journal.index().last().rev, Revision(0));
    EXPECT_FALSE(journal.index().is_empty());
}

TEST(Journal, WritesAGroupAsRecordsOneAfterTheOther) {
    Folder const folder;
    auto journal = opened(folder.file("journal"));
    journal.add(set(1, "/a", "b"));
    journal.add(del(2, "/a"));
    EXPECT_EQ(read_file(folder.file("journal")), "");
    ASSERT_TRUE(journal.commit().ok());
    std::string expected;
    append_record(expected, "1:/a=b");
    append_record(expected, "2:/a");
    EXPECT_EQ(read_file(folder.file("journal")), expected);
    EXPECT_EQ(journal.bytes(), expected.size());
}

TEST(Journal, KnowsItsStateWhenItIsOpenedAgain) {
    Folder const folder;
    {
        auto journal = opened(folder.file("journal"));
        journal.add(set(1, "/a", "old"));
        journal.add(set(2, "/b", "2"));
        journal.add(set(3, "/a", "new"));
        journal.add(del(4, "/b"));
        ASSERT_TRUE(journal.commit().ok());
    }
    auto const journal = opened(folder.file("journal"));
    ASSERT_EQ(journal.index().files().size(), 1U);
    EXPECT_EQ(journal.index().last().rev.value(), 4);
    auto const* const entry = journal.index().find("/a");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(journal.read(entry->place).value(), "3:/a=new");
    EXPECT_EQ(journal.index().live_bytes(), entry->place.bytes);
}

TEST(Journal, IsWrittenByOneAtATime) {
    Folder const folder;
    auto const first = opened(folder.file("journal"));
    auto const second = open(folder.file("journal"));
    ASSERT_FALSE(second.ok());
    EXPECT_THAT(second.error().detail, HasSubstr("is being written by another process"));
}

TEST(Journal, CutsATornEndAndSaysSo) {
    Folder const folder;
    std::string whole;
    append_record(whole, "1:/a=b");
    append_record(whole, "2:/b=c");
    for (std::size_t size = 31; size < whole.size(); ++size) {
        write_file(folder.file("journal"), whole.substr(0, size));
        Journal::Found found;
        auto const journal = Journal::open(folder.file("journal"), false, found);
        ASSERT_TRUE(journal.ok()) << size;
        EXPECT_EQ(found.records, 1U);
        EXPECT_THAT(found.cut, HasSubstr("offset 30"));
        EXPECT_EQ(read_file(folder.file("journal")), whole.substr(0, 30));
    }
}

TEST(Journal, TakesZeroesAtItsEndForTorn) {
    Folder const folder;
    std::string whole;
    append_record(whole, "1:/a=b");
    write_file(folder.file("journal"), whole + std::string(10'000, '\0'));
    ASSERT_TRUE(open(folder.file("journal")).ok());
    EXPECT_EQ(read_file(folder.file("journal")), whole);
}

TEST(Journal, LeavesAFileAloneThatIsNone) {
    Folder const folder;
    std::string const text = "A file of text that somebody named by mistake.\n";
    write_file(folder.file("journal"), text);
    auto const refused = open(folder.file("journal"));
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().detail, HasSubstr("bad record at offset 0: size "));
    EXPECT_EQ(read_file(folder.file("journal")), text);
    ASSERT_TRUE(open(folder.file("journal"), true).ok());
    EXPECT_EQ(read_file(folder.file("journal")), "");
}

TEST(Journal, RefusesDamageInTheMiddleUnlessItIsToRepair) {
    Folder const folder;
    std::string whole;
    append_record(whole, "1:/a=b");
    append_record(whole, "2:/b=c");
    append_record(whole, "3:/c=d");
    // A size that reaches past the end of the file must not be taken for a torn record.
    for (std::size_t const at : {30U, 50U, 51U, 52U, 53U, 54U, 59U}) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
        write_file(folder.file("journal"), damaged);
        auto const refused = open(folder.file("journal"));
        ASSERT_FALSE(refused.ok()) << at;
        EXPECT_THAT(refused.error().detail, HasSubstr("bad record at offset 30: "));
        EXPECT_THAT(refused.error().detail, HasSubstr("-f"));
        EXPECT_EQ(read_file(folder.file("journal")), damaged);

        ASSERT_TRUE(open(folder.file("journal"), true).ok());
        EXPECT_EQ(read_file(folder.file("journal")), whole.substr(0, 30));
    }
}

TEST(Journal, IsCompactedToWhatIsLive) {
    Folder const folder;
    auto journal = opened(folder.file("journal"));
    for (int rev = 1; rev <= 1000; ++rev) journal.add(set(rev, "/a", std::to_string(rev)));
    journal.add(set(1001, "/b", "x"));
    ASSERT_TRUE(journal.commit().ok());
    ASSERT_TRUE(journal.is_oversized(1000));
    compact(journal);
    std::string expected;
    append_record(expected, "1000:/a=1000");
    append_record(expected, "1001:/b=x");
    EXPECT_EQ(read_file(folder.file("journal")), expected);
    EXPECT_EQ(journal.bytes(), expected.size());
    EXPECT_FALSE(journal.is_oversized(0));
}

TEST(Journal, KeepsItsLastRevisionWhenItIsCompacted) {
    Folder const folder;
    {
        auto journal = opened(folder.file("journal"));
        journal.add(set(1, "/a", "b"));
        journal.add(del(7, "/a"));
        ASSERT_TRUE(journal.commit().ok());
        compact(journal);
        journal.add(set(8, "/c", "d"));
        ASSERT_TRUE(journal.commit().ok());
    }
    std::string expected;
    append_record(expected, "7:/a");
    append_record(expected, "8:/c=d");
    EXPECT_EQ(read_file(folder.file("journal")), expected);
}

TEST(Journal, GoesOnWhileItIsCompacted) {
    Folder const folder;
    auto journal = opened(folder.file("journal"));
    for (int rev = 1; rev <= 100; ++rev) journal.add(set(rev, "/a", "x"));
    journal.add(set(101, "/b", "y"));
    ASSERT_TRUE(journal.commit().ok());
    journal.start_compaction();
    journal.add(set(102, "/c", "z"));
    journal.add(set(103, "/b", "new"));
    ASSERT_TRUE(journal.commit().ok());
    journal.wait_for_compaction();
    ASSERT_TRUE(journal.finish_compaction().value().taken);
    EXPECT_EQ(journal.read(journal.index().find("/a")->place).value(), "100:/a=x");
    EXPECT_EQ(journal.read(journal.index().find("/b")->place).value(), "103:/b=new");
    EXPECT_EQ(journal.read(journal.index().find("/c")->place).value(), "102:/c=z");
    auto const tree = read_tree(folder.file("journal"));
    ASSERT_TRUE(tree.ok());
    EXPECT_EQ(tree.value().records, 4U);
    EXPECT_EQ(tree.value().last.value(), 103);
}

TEST(Journal, IsNotCompactedWhenItIsDamaged) {
    Folder const folder;
    auto journal = opened(folder.file("journal"));
    for (int rev = 1; rev <= 10; ++rev) journal.add(set(rev, "/a", "x"));
    ASSERT_TRUE(journal.commit().ok());
    std::string damaged = read_file(folder.file("journal"));
    damaged[95] = static_cast<char>(damaged[95] ^ 1);
    write_file(folder.file("journal"), damaged);
    journal.start_compaction();
    journal.wait_for_compaction();
    auto const step = journal.finish_compaction();
    ASSERT_FALSE(step.ok());
    EXPECT_THAT(step.error().detail, HasSubstr("bad record at offset 90"));
    EXPECT_EQ(read_file(folder.file("journal")), damaged);
}

TEST(Journal, IsReplacedWhereALinkLeads) {
    Folder const folder;
    std::filesystem::create_directory(folder.file("disk"));
    std::filesystem::create_symlink(folder.file("disk/file"), folder.file("journal"));
    write_file(folder.file("disk/file"), "");
    auto journal = opened(folder.file("journal"));
    for (int rev = 1; rev <= 9; ++rev) journal.add(set(rev, "/a", "x"));
    ASSERT_TRUE(journal.commit().ok());
    compact(journal);
    EXPECT_TRUE(std::filesystem::is_symlink(folder.file("journal")));
    EXPECT_EQ(std::filesystem::file_size(folder.file("disk/file")), journal.bytes());
}

TEST(Journal, RemovesWhatACompactionLeftBehind) {
    Folder const folder;
    write_file(folder.file("journal.compacting"), "half of it");
    auto const journal = opened(folder.file("journal"));
    EXPECT_FALSE(std::filesystem::exists(folder.file("journal.compacting")));
}

/// Any changes, groups, compactions and restarts, against a map.
RC_GTEST_PROP(Journal, HoldsWhatAMapHolds, ()) {
    Folder const folder;
    std::map<std::string, std::pair<std::int64_t, std::string>> expected;
    std::optional<Journal> journal(opened(folder.file("journal")));
    std::int64_t rev = 0;
    int const steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) {
        int const what = *rc::gen::inRange(0, 12);
        std::string const path = "/" + std::to_string(*rc::gen::inRange(0, 5));
        if (what < 6) {
            auto const value = *rc::gen::arbitrary<std::string>();
            journal->add(set(++rev, path, value));
            expected[path] = {rev, value};
        } else if (what < 8) {
            journal->add(del(++rev, path));
            expected.erase(path);
        } else if (what < 9) {
            RC_ASSERT(journal->commit().ok());
            if (!journal->is_compacting()) journal->start_compaction();
        } else if (what < 10) {
            RC_ASSERT(journal->commit().ok());
            journal->wait_for_compaction();
            RC_ASSERT(journal->finish_compaction().ok());
        } else {
            RC_ASSERT(journal->commit().ok());
            journal.reset();
            journal.emplace(opened(folder.file("journal")));
        }
    }
    RC_ASSERT(journal->commit().ok());
    RC_ASSERT(journal->index().last().rev.value() == rev);
    RC_ASSERT(journal->index().files().size() == expected.size());
    for (auto const& [path, file] : expected) {
        auto const* const entry = journal->index().find(path);
        RC_ASSERT(entry != nullptr);
        RC_ASSERT(journal->read(entry->place).value() ==
                  to_text(set(file.first, path, file.second)));
    }
}

}  // namespace
}  // namespace doozer::journal
