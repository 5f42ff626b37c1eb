#include "journal/dump.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "journal/record.h"
#include "journal/testing.h"

namespace doozer::journal {
namespace {

using ::testing::HasSubstr;

struct Printed {
    int status;
    std::string out;
    std::string err;
};

std::string content_of(std::FILE* file) {
    std::string text;
    std::rewind(file);
    for (int c = std::getc(file); c != EOF; c = std::getc(file)) text += static_cast<char>(c);
    std::fclose(file);
    return text;
}

Printed dumped(std::string const& name, DumpOptions const& options = {}) {
    std::FILE* const out = std::tmpfile();
    std::FILE* const err = std::tmpfile();
    int const status = dump(name, options, out, err);
    return {status, content_of(out), content_of(err)};
}

Printed written(std::string const& name, std::string_view lines) {
    std::FILE* const in = std::tmpfile();
    std::FILE* const err = std::tmpfile();
    std::fwrite(lines.data(), 1, lines.size(), in);
    std::rewind(in);
    int const status = write(name, in, err);
    std::fclose(in);
    return {status, "", content_of(err)};
}

TEST(WriteJournal, AppendsEachLineAndDumpJournalPrintsIt) {
    Folder const folder;
    std::string const name = folder.file("journal");
    EXPECT_EQ(written(name, "1:/a=b\n2:/a\n").status, 0);
    EXPECT_EQ(written(name, "3:/b=c=d").status, 0);
    std::string expected;
    for (auto const* data : {"1:/a=b", "2:/a", "3:/b=c=d"}) append_record(expected, data);
    EXPECT_EQ(read_file(name), expected);
    auto const printed = dumped(name);
    EXPECT_EQ(printed.status, 0);
    EXPECT_EQ(printed.out, "1:/a=b\n2:/a\n3:/b=c=d\n");
    EXPECT_EQ(printed.err, "");
}

TEST(WriteJournal, MakesARecordWithoutDataOfAnEmptyLine) {
    Folder const folder;
    EXPECT_EQ(written(folder.file("journal"), "\n").status, 0);
    std::string expected;
    append_record(expected, "");
    EXPECT_EQ(read_file(folder.file("journal")), expected);
}

TEST(WriteJournal, RefusesALineThatIsNoMutation) {
    Folder const folder;
    auto const refused = written(folder.file("journal"), "1:/a=b\nhello\n2:/c=d\n");
    EXPECT_EQ(refused.status, 2);
    EXPECT_EQ(
        refused.err,
        "writejournal: line 2 is no mutation (no revision); 1 lines before it were appended\n");
    EXPECT_EQ(dumped(folder.file("journal")).out, "1:/a=b\n");
}

TEST(WriteJournal, AppendsNothingBehindADamage) {
    Folder const folder;
    write_file(folder.file("journal"), "damage");
    auto const refused = written(folder.file("journal"), "1:/a=b\n");
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("bad record at offset 0"));
    EXPECT_EQ(read_file(folder.file("journal")), "damage");
}

TEST(DumpJournal, SaysWhereABadRecordIsAndChangesNothing) {
    Folder const folder;
    std::string const name = folder.file("journal");
    std::string bytes;
    append_record(bytes, "1:/a=b");
    append_record(bytes, "2:/b=c");
    bytes[40] = 'x';
    write_file(name, bytes);
    auto const printed = dumped(name);
    EXPECT_EQ(printed.status, 2);
    EXPECT_EQ(printed.out, "1:/a=b\n");
    EXPECT_EQ(printed.err,
              "dumpjournal: " + name + ": bad record at offset 30: checksum mismatch\n");
    EXPECT_EQ(read_file(name), bytes);
}

TEST(DumpJournal, CutsTheJournalThereIfItIsTold) {
    Folder const folder;
    std::string const name = folder.file("journal");
    std::string bytes;
    append_record(bytes, "1:/a=b");
    write_file(name, bytes + "torn");
    auto const printed = dumped(name, {.repair = true});
    EXPECT_EQ(printed.status, 0);
    EXPECT_THAT(printed.err, HasSubstr("cut at offset 30"));
    EXPECT_EQ(read_file(name), bytes);
    EXPECT_EQ(dumped(name).status, 0);
}

TEST(DumpJournal, TellsASummaryBesideTheMutations) {
    Folder const folder;
    std::string const name = folder.file("journal");
    written(name, "4:/a=b\n5:/a\n7:/b=c\n");
    auto const printed = dumped(name, {.summary = true});
    EXPECT_EQ(printed.out, "4:/a=b\n5:/a\n7:/b=c\n");
    EXPECT_EQ(printed.err, "records 3\nfiles 1\nfirst revision 4\nlast revision 7\nbytes 88\n");
}

TEST(DumpJournal, TellsOffsetsAndChecksBesideTheMutations) {
    Folder const folder;
    std::string const name = folder.file("journal");
    written(name, "1:/a=b\n\n");
    auto const printed = dumped(name, {.verify = true});
    EXPECT_EQ(printed.out, "1:/a=b\n\n");
    EXPECT_EQ(printed.err,
              "offset 0 bytes 30 sha1 db7d19319fb017f45d7d28693d7eb1557d1c0745 ok\n"
              "offset 30 bytes 24 sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709 ok\n");
}

TEST(DumpJournal, SaysThatThereIsNoFileAndMakesNone) {
    Folder const folder;
    for (bool const repair : {false, true}) {
        auto const printed = dumped(folder.file("missing"), {.repair = repair});
        EXPECT_EQ(printed.status, 2);
        EXPECT_THAT(printed.err, HasSubstr("missing: No such file or directory"));
        EXPECT_TRUE(std::filesystem::is_empty(folder.file("")));
    }
}

// A client that may write a file may write bytes that a terminal obeys.
TEST(DumpJournal, ShowsControlCharactersOnATerminal) {
    Folder const folder;
    std::string content;
    append_record(content, "5:/x=v\033]0;pwned\007\nnext\tline");
    write_file(folder.file("journal"), content);
    int const terminal = posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(terminal, 0);
    ASSERT_EQ(grantpt(terminal), 0);
    ASSERT_EQ(unlockpt(terminal), 0);
    std::FILE* const out = std::fopen(ptsname(terminal), "w");
    ASSERT_NE(out, nullptr);
    EXPECT_EQ(dump(folder.file("journal"), {}, out, stderr), 0);
    // A terminal hands over what was written in as many parts as it likes.
    std::string shown;
    std::array<char, 256> part{};
    pollfd ready{terminal, POLLIN, 0};
    while (shown.find("line") == std::string::npos && poll(&ready, 1, 10'000) == 1) {
        auto const got = read(terminal, part.data(), part.size());
        ASSERT_GT(got, 0);
        shown.append(part.data(), static_cast<std::size_t>(got));
    }
    EXPECT_THAT(shown, testing::StartsWith("5:/x=v\\x1b]0;pwned\\x07\r\nnext"));
    std::fclose(out);
    close(terminal);
}

TEST(Json, HoldsAMutation) {
    EXPECT_EQ(to_json("1:/a=b"), R"({"rev":1,"op":"set","path":"/a","value":"b"})");
    EXPECT_EQ(to_json("2:/a"), R"({"rev":2,"op":"del","path":"/a"})");
    EXPECT_EQ(to_json("hello"), R"({"data":"hello"})");
}

TEST(Json, EscapesWhatItMust) {
    EXPECT_EQ(to_json("1:/a=\"\\\n\x01\x7f"),
              R"({"rev":1,"op":"set","path":"/a","value":"\"\\\n\u0001\u007f"})");
    EXPECT_EQ(to_json("1:/a=\xc3\xa4\xf0\x9f\x98\x80"),
              "{\"rev\":1,\"op\":\"set\",\"path\":\"/a\",\"value\":\"\xc3\xa4\xf0\x9f\x98\x80\"}");
}

TEST(Json, HasBase64ForWhatIsNoText) {
    EXPECT_EQ(to_json("1:/a=\xff"), R"({"rev":1,"op":"set","path":"/a","base64":"/w=="})");
    EXPECT_EQ(to_json("1:/a=\xff\xfe"), R"({"rev":1,"op":"set","path":"/a","base64":"//4="})");
    EXPECT_EQ(to_json("1:/a=\xff\xfe\xfd"), R"({"rev":1,"op":"set","path":"/a","base64":"//79"})");
    for (auto const* bad : {"\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"})
        EXPECT_THAT(to_json(std::string("1:/a=") + bad), HasSubstr("base64")) << bad;
}

}  // namespace
}  // namespace doozer::journal
