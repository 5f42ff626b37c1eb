#include "cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace doozer::cli {
namespace {

// doozer(1), wait: <path> <rev> <set or del> <len> LF body LF.
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

/// A terminal, and what was printed on it.
class Terminal {
  public:
    Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
        if (grantpt(master_) == 0 && unlockpt(master_) == 0)
            out = std::fopen(ptsname(master_), "w");
    }
    ~Terminal() {
        std::fclose(out);
        close(master_);
    }
    Terminal(Terminal const&) = delete;
    Terminal& operator=(Terminal const&) = delete;
    /// The next bytes that it shows. It hands them over in as many parts as it likes.
    std::string shown(std::size_t bytes) const {
        std::string text;
        std::array<char, 256> part{};
        pollfd ready{master_, POLLIN, 0};
        while (text.size() < bytes && poll(&ready, 1, 10'000) == 1) {
            auto const got = read(master_, part.data(), part.size());
            if (got <= 0) break;
            text.append(part.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    std::FILE* out = nullptr;

  private:
    int master_;
};

// A client that may write a file, or a server, may send bytes that a terminal obeys.
TEST(Print, ShowsControlCharactersOnATerminalInsteadOfObeyingThem) {
    Terminal const terminal;
    ASSERT_NE(terminal.out, nullptr);
    EXPECT_TRUE(print_foreign(terminal.out, "\x1b[2Ja\nb").ok());
    std::string const text = "\\x1b[2Ja\r\nb";
    EXPECT_EQ(terminal.shown(text.size()), text);
    EXPECT_TRUE(
        print_record(terminal.out, {Revision(1), Event::Kind::set, "/x\n\x1b", "v\x07"}).ok());
    std::string const line = "/x\\x0a\\x1b 1 set 2\r\nv\\x07\r\n";
    EXPECT_EQ(terminal.shown(line.size()), line);
}

TEST(Print, KeepsEveryByteAnywhereElse) {
    std::FILE* const out = std::tmpfile();
    std::string const text("\x1b[2J\0\xff\n", 7);
    EXPECT_TRUE(print_foreign(out, text).ok());
    EXPECT_TRUE(print_record(out, {Revision(1), Event::Kind::set, "/x\x1b", "v"}).ok());
    std::rewind(out);
    std::array<char, 64> read_back{};
    std::size_t const got = std::fread(read_back.data(), 1, read_back.size(), out);
    EXPECT_EQ(std::string(read_back.data(), got), text + "/x\x1b 1 set 1\nv\n");
    std::fclose(out);
}

TEST(Outcome, ShowsControlCharactersOfNamesAndServers) {
    EXPECT_EQ(Outcome(Error{Errc::other, "\x1b]0;pwned\x07\nsecond line"}),
              Outcome(2, "Error: OTHER: \\x1b]0;pwned\\x07\\x0asecond line\n"));
    EXPECT_EQ(no_such_file("/\x1b"), Outcome(2, "No such file or directory: /\\x1b\n"));
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

// doozer(1): 1 = revision mismatch, 2 = other failure.
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
