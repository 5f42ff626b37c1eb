#include "cli/output.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace doozer::cli {
namespace {

// commands.md, doozer wait: <path> <rev> <set or del> <len> LF body LF.
TEST(Record, TellsPathRevisionKindLengthAndBody) {
    EXPECT_EQ(record({Revision(59), Event::Kind::set, "/a", "hello"}), "/a 59 set 5\nhello\n");
    EXPECT_EQ(record({Revision(71), Event::Kind::set, "/ml", "multi\nline\n"}),
              "/ml 71 set 11\nmulti\nline\n\n");
    EXPECT_EQ(record({Revision(92), Event::Kind::del, "/k", ""}), "/k 92 del 0\n\n");
}

TEST(Record, LeavesTheKindOfANopEmpty) {
    EXPECT_EQ(record({Revision(7), Event::Kind::nop, "/", ""}), "/ 7  0\n\n");
}

TEST(Record, KeepsEveryByte) {
    std::string const body("\0\xff\n", 3);
    EXPECT_EQ(record({Revision(1), Event::Kind::set, "/b", body}), "/b 1 set 3\n" + body + "\n");
}

TEST(Print, FailsWhereNothingCanBeWritten) {
    std::FILE* const full = std::fopen("/dev/full", "w");
    EXPECT_EQ(print(full, "x"), failure("write standard output: No space left on device"));
    std::fclose(full);
}

TEST(CheckReader, FailsOnceThePipeHasNoReader) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::FILE* const out = fdopen(ends[1], "w");
    EXPECT_EQ(check_reader(out), Outcome());
    close(ends[0]);
    EXPECT_EQ(check_reader(out), failure("write standard output: Broken pipe"));
    std::fclose(out);
}

TEST(CheckReader, AcceptsAFile) {
    std::FILE* const out = std::tmpfile();
    EXPECT_EQ(check_reader(out), Outcome());
    std::fclose(out);
}

// commands.md, doozer: 1 = revision mismatch, 2 = other failure.
TEST(Outcome, TellsARevisionMismatchFromOtherErrors) {
    EXPECT_EQ(Outcome(Error{Errc::rev_mismatch}), Outcome(1, "Error: REV_MISMATCH\n"));
    EXPECT_EQ(Outcome(Error{Errc::isdir}), Outcome(2, "Error: ISDIR\n"));
    EXPECT_EQ(Outcome(Error{Errc::other, "permission denied"}),
              Outcome(2, "Error: OTHER: permission denied\n"));
    EXPECT_EQ(Outcome(Error{Errc::invalid_uri, "invalid uri"}), Outcome(2, "Error: invalid uri\n"));
}

TEST(Outcome, OfWhatIsDoneIsSuccess) {
    EXPECT_EQ(Outcome(Result<Done>(Done{})), Outcome());
    EXPECT_EQ(Outcome(Result<Done>(Error{Errc::isdir})), Outcome(2, "Error: ISDIR\n"));
}

TEST(Outcome, OfAMissingFileNamesIt) {
    EXPECT_EQ(no_such_file("/nope"), Outcome(2, "No such file or directory: /nope\n"));
}

}  // namespace
}  // namespace doozer::cli
