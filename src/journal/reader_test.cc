#include "journal/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/limits.h"
#include "journal/testing.h"

namespace doozer::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string journal_of(std::vector<std::string> const& records) {
    std::string bytes;
    for (auto const& data : records) append_record(bytes, data);
    return bytes;
}

/// What a reader finds: the data of the good records, and what comes after them.
struct Found {
    std::vector<std::string> data;
    std::vector<std::uint64_t> offsets;
    std::optional<Damage> damage;
};

Found read(std::string const& name) {
    Found found;
    auto const file = DiskFile::open_to_read(name);
    EXPECT_TRUE(file.ok());
    Reader reader(file.value());
    for (;;) {
        auto const record = reader.next();
        if (!record.ok()) {
            found.damage = record.error();
            return found;
        }
        if (!record.value()) return found;
        found.data.emplace_back(record.value()->data);
        found.offsets.push_back(record.value()->offset);
    }
}

std::vector<std::string> const sample = {"1:/a=b", "2:/a=" + std::string(300, 'x'), "3:/a",
                                         std::string("4:/b=\0\n=", 8), ""};

TEST(Reader, ReadsWhatWasWrittenWithOffsets) {
    Folder const folder;
    write_file(folder.file("journal"), journal_of(sample));
    auto const found = read(folder.file("journal"));
    EXPECT_EQ(found.data, sample);
    EXPECT_THAT(found.offsets, ElementsAre(0, 30, 30 + 329, 30 + 329 + 28, 30 + 329 + 28 + 32));
    EXPECT_FALSE(found.damage);
}

TEST(Reader, FindsNothingInAnEmptyFile) {
    Folder const folder;
    write_file(folder.file("journal"), "");
    auto const found = read(folder.file("journal"));
    EXPECT_THAT(found.data, IsEmpty());
    EXPECT_FALSE(found.damage);
}

TEST(Reader, ReadsRecordsOfTheLargestSize) {
    Folder const folder;
    std::string const large = "1:/a=" + std::string(base::journal_record_bytes_max - 5, 'v');
    write_file(folder.file("journal"), journal_of({large, "2:/b=", large}));
    EXPECT_THAT(read(folder.file("journal")).data, ElementsAre(large, "2:/b=", large));
}

TEST(Reader, DetectsEveryCutAtItsOffset) {
    Folder const folder;
    std::string const whole = journal_of(sample);
    write_file(folder.file("journal"), whole);
    auto const offsets = read(folder.file("journal")).offsets;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_file(folder.file("journal"), whole.substr(0, size));
        auto const found = read(folder.file("journal"));
        std::size_t good = 0;
        while (good + 1 < offsets.size() && offsets[good + 1] <= size) ++good;
        ASSERT_EQ(found.data.size(), good) << "cut to " << size;
        bool const between = size == offsets[good];
        ASSERT_EQ(found.damage.has_value(), !between) << "cut to " << size;
        if (between) continue;
        ASSERT_EQ(found.damage->offset, offsets[good]) << "cut to " << size;
        ASSERT_EQ(found.damage->kind, Damage::Kind::cut_short) << "cut to " << size;
    }
}

TEST(Reader, DetectsEveryBitThatIsFlippedAtItsOffset) {
    Folder const folder;
    std::string const whole = journal_of(sample);
    write_file(folder.file("journal"), whole);
    auto const offsets = read(folder.file("journal")).offsets;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
            write_file(folder.file("journal"), damaged);
            auto const found = read(folder.file("journal"));
            std::size_t record = 0;
            while (record + 1 < offsets.size() && offsets[record + 1] <= at) ++record;
            ASSERT_TRUE(found.damage) << "bit " << bit << " of byte " << at;
            ASSERT_EQ(found.damage->offset, offsets[record]) << "bit " << bit << " of byte " << at;
            ASSERT_EQ(found.data.size(), record) << "bit " << bit << " of byte " << at;
        }
    }
}

TEST(Damage, IsToldInOneLineWithNameAndOffset) {
    Damage const damage{Damage::Kind::checksum, 12, "checksum mismatch"};
    EXPECT_EQ(damage.message("journal"), "journal: bad record at offset 12: checksum mismatch");
}

// --- the tree ------------------------------------------------------------------------------------

TEST(ReadTree, HasTheLastStateOfEveryFile) {
    Folder const folder;
    std::string const name = folder.file("journal");
    write_file(
        name, journal_of({"5:/a=1", "7:/d/x=2", "8:/gone=3", "9:/a=4", "10:/gone", "11:/ctl/x=5"}));
    auto const tree = read_tree(name);
    ASSERT_TRUE(tree.ok()) << tree.error().detail;
    ASSERT_EQ(tree.value().files.size(), 2U);
    EXPECT_EQ(tree.value().files.at("/a").rev.value(), 9);
    EXPECT_EQ(tree.value().files.at("/a").value, "4");
    EXPECT_EQ(tree.value().files.at("/d/x").rev.value(), 7);
    EXPECT_EQ(tree.value().files.at("/d/x").offset, 30U);
    EXPECT_EQ(tree.value().last.value(), 11);
    EXPECT_EQ(tree.value().records, 6U);
    EXPECT_EQ(tree.value().torn, "");
}

TEST(ReadTree, LeavesOutATornEnd) {
    Folder const folder;
    std::string const name = folder.file("journal");
    std::string const whole = journal_of({"5:/a=1", "7:/d/x=2"});
    for (std::size_t size = 31; size < whole.size(); ++size) {
        write_file(name, whole.substr(0, size));
        auto const tree = read_tree(name);
        ASSERT_TRUE(tree.ok()) << size;
        EXPECT_EQ(tree.value().files.size(), 1U);
        EXPECT_THAT(tree.value().torn, HasSubstr("offset 30"));
        EXPECT_EQ(read_file(name).size(), size) << "the file was changed";
    }
}

TEST(ReadTree, RefusesDamageThatARecordFollows) {
    Folder const folder;
    std::string const name = folder.file("journal");
    std::string const whole = journal_of({"5:/a=1", "7:/d/x=2", "8:/e=3"});
    for (std::size_t at = 0; at < 62; ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
        write_file(name, damaged);
        auto const tree = read_tree(name);
        ASSERT_FALSE(tree.ok()) << at;
        EXPECT_THAT(tree.error().detail, HasSubstr(at < 30 ? "offset 0:" : "offset 30:")) << at;
    }
}

TEST(ReadTree, RefusesWhatIsNoChange) {
    Folder const folder;
    std::string const name = folder.file("journal");
    write_file(name, journal_of({"5:/a=1", "hello"}));
    auto const tree = read_tree(name);
    ASSERT_FALSE(tree.ok());
    EXPECT_THAT(tree.error().detail, HasSubstr("offset 30: it is no change: no revision"));
}

TEST(ReadTree, RefusesAFileBelowAFile) {
    Folder const folder;
    std::string const name = folder.file("journal");
    write_file(name, journal_of({"5:/a=1", "6:/a/b/c=2"}));
    auto const tree = read_tree(name);
    ASSERT_FALSE(tree.ok());
    EXPECT_THAT(tree.error().detail, HasSubstr("offset 30 sets /a/b/c below the file /a"));
}

TEST(ReadTree, SaysThatThereIsNoFile) {
    Folder const folder;
    auto const tree = read_tree(folder.file("missing"));
    ASSERT_FALSE(tree.ok());
    EXPECT_THAT(tree.error().detail, HasSubstr("missing: No such file"));
}

}  // namespace
}  // namespace doozer::journal
