#include "cli/input.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace doozer::cli {
namespace {

/// A file that holds `content`, open at its beginning.
class Input {
  public:
    explicit Input(std::string_view content) : file_(std::tmpfile()) {
        std::fwrite(content.data(), 1, content.size(), file_);
        std::rewind(file_);
    }
    ~Input() { std::fclose(file_); }
    Input(Input const&) = delete;
    Input& operator=(Input const&) = delete;
    [[nodiscard]] std::FILE* file() const { return file_; }

  private:
    std::FILE* file_;
};

TEST(Body, IsEveryByteUpToTheEnd) {
    std::string large(3'000'000, 'x');
    large[1'500'000] = '\0';
    for (std::string const& content :
         {std::string(), std::string("\n"), std::string(3, '\0'), large})
        EXPECT_TRUE(read_body(Input(content).file()).value() == content);
}

TEST(Body, ThatIsTooLargeIsRefusedWithTheLimit) {
    EXPECT_EQ(read_body(Input("12345").file(), {}, 5).value(), "12345");
    EXPECT_EQ(read_body(Input("123456").file(), {}, 5).error(),
              failure("the body is larger than 5 bytes"));
}

TEST(Body, ThatDoesNotEndInTimeIsAFailure) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    std::FILE* const in = fdopen(ends[0], "r");
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    EXPECT_EQ(read_body(in, deadline).error(), failure("no body on standard input in time"));
    close(ends[1]);
    std::fclose(in);
}

TEST(Body, ThatCannotBeReadIsAFailure) {
    std::FILE* const directory = std::fopen("/", "r");
    EXPECT_EQ(read_body(directory).error(), failure("read standard input: Is a directory"));
    std::fclose(directory);
}

TEST(RevisionArgument, IsADecimalNumber) {
    EXPECT_EQ(parse_revision("-1").value(), clobber);
    EXPECT_EQ(parse_revision("0").value(), missing);
    EXPECT_EQ(parse_revision("+9223372036854775807").value(), Revision(INT64_MAX));
}

TEST(RevisionArgument, IsRefusedInTheWordsOfGo) {
    EXPECT_EQ(parse_revision("abc").error(),
              failure(R"(strconv.ParseInt: parsing "abc": invalid syntax)"));
    EXPECT_EQ(parse_revision("9223372036854775808").error(),
              failure(R"(strconv.ParseInt: parsing "9223372036854775808": value out of range)"));
}

}  // namespace
}  // namespace doozer::cli
