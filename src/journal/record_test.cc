#include "journal/record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/limits.h"

namespace doozer::journal {
namespace {

using base::Revision;

std::string hex(std::string_view bytes) {
    std::string text;
    for (char const c : bytes) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
        text += two;
    }
    return text;
}

std::string record_of(std::string_view data) {
    std::string out;
    append_record(out, data);
    return out;
}

TEST(Record, OfNoDataHasTheBytesOfTheSpecification) {
    EXPECT_EQ(hex(record_of("")), "da39a3ee5e6b4b0d3255bfef95601890afd8070900000000");
}

TEST(Record, OfASetHasTheBytesOfTheSpecification) {
    EXPECT_EQ(hex(record_of("1:/a=b")),
              "db7d19319fb017f45d7d28693d7eb1557d1c0745"
              "06000000" +
                  hex("1:/a=b"));
}

TEST(Record, HasItsSizeInLittleEndian) {
    auto const record = record_of(std::string(0x012345, 'x'));
    EXPECT_EQ(hex(record.substr(20, 4)), "45230100");
    EXPECT_EQ(decode_header(record).size, 0x012345);
}

TEST(Record, HasASizeFrom0To2MiB) {
    EXPECT_TRUE(is_record_size(0));
    EXPECT_TRUE(is_record_size(2 * 1024 * 1024));
    EXPECT_FALSE(is_record_size(2 * 1024 * 1024 + 1));
    EXPECT_FALSE(is_record_size(-1));
}

TEST(Record, HasASignedSize) {
    auto record = record_of("1:/a=b");
    record[23] = static_cast<char>(0x80);
    EXPECT_LT(decode_header(record).size, 0);
}

TEST(Mutation, IsWrittenAsText) {
    EXPECT_EQ(to_text({Revision(1), "/a", "b"}), "1:/a=b");
    EXPECT_EQ(to_text({Revision(1), "/a", ""}), "1:/a=");
    EXPECT_EQ(to_text({Revision(INT64_MAX), "/d/x.y-Z0", std::nullopt}),
              "9223372036854775807:/d/x.y-Z0");
}

TEST(Mutation, IsReadBack) {
    auto const set = parse_mutation("17:/a/b=c=d\n:e");
    ASSERT_TRUE(set.ok());
    EXPECT_EQ(set.value(), (Mutation{Revision(17), "/a/b", "c=d\n:e"}));
    auto const del = parse_mutation("18:/a/b");
    ASSERT_TRUE(del.ok());
    EXPECT_EQ(del.value(), (Mutation{Revision(18), "/a/b", std::nullopt}));
    EXPECT_FALSE(del.value().is_set());
}

TEST(Mutation, MayHaveRevision0AsTheOriginalsToolsWriteIt) {
    auto const set = parse_mutation("0:/a=b");
    ASSERT_TRUE(set.ok());
    EXPECT_EQ(set.value(), (Mutation{Revision(0), "/a", "b"}));
}

TEST(Mutation, IsNothingElse) {
    for (std::string_view const text : {"",
                                        "1",
                                        ":",
                                        ":/a",
                                        "x:/a",
                                        "-1:/a",
                                        "1:",
                                        "1:a",
                                        "1:/",
                                        "1:/=x",
                                        "1://",
                                        "1:/a/",
                                        "1:/a//b",
                                        "1:/a b",
                                        "1:/a:b",
                                        "1:/_",
                                        "1 :/a",
                                        " 1:/a",
                                        "+1:/a",
                                        "1:=",
                                        "1:/\xc3\xa4",
                                        "9223372036854775808:/a",
                                        "1/a"})
        EXPECT_FALSE(parse_mutation(text).ok()) << text;
    EXPECT_FALSE(parse_mutation("1:/" + std::string(base::path_bytes_max, 'a')).ok());
    EXPECT_TRUE(parse_mutation("1:/" + std::string(base::path_bytes_max - 1, 'a')).ok());
}

RC_GTEST_PROP(Mutation, OfAnyValueSurvivesTheWay, (std::string const& value, bool is_set)) {
    auto const rev = Revision(*rc::gen::positive<std::int64_t>());
    Mutation mutation{rev, "/some/path", std::nullopt};
    if (is_set) mutation.value = value;
    std::string const text = to_text(mutation);
    auto const back = parse_mutation(text);
    RC_ASSERT(back.ok());
    RC_ASSERT(back.value() == mutation);
}

TEST(Control, IsWhatIsBelowCtl) {
    EXPECT_TRUE(is_control("/ctl"));
    EXPECT_TRUE(is_control("/ctl/err"));
    EXPECT_FALSE(is_control("/ctlx"));
    EXPECT_FALSE(is_control("/a/ctl/x"));
}

}  // namespace
}  // namespace doozer::journal
