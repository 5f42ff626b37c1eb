#include "cli/global_options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace doozer::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

GlobalOptions parsed(std::vector<std::string_view> const& words) {
    GlobalOptions options;
    EXPECT_EQ(options.parse(words).value(), words.size());
    return options;
}

TEST(GlobalOptions, ARevisionThatIsNegativeIsNone) {
    EXPECT_EQ(GlobalOptions{}.revision(), std::nullopt);
    EXPECT_EQ(parsed({"-r", "-1"}).revision(), std::nullopt);
    EXPECT_EQ(parsed({"-r", "-7"}).revision(), std::nullopt);
    EXPECT_EQ(parsed({"-r", "0"}).revision(), Revision(0));
    EXPECT_EQ(parsed({"-r=7"}).revision(), Revision(7));
}

TEST(GlobalOptions, ARevisionSaysMoreThanLinear) {
    EXPECT_FALSE(GlobalOptions{}.at().is_linear());
    EXPECT_TRUE(parsed({"-l"}).at().is_linear());
    EXPECT_FALSE(parsed({"-l", "-r", "7"}).at().is_linear());
    EXPECT_EQ(parsed({"-l", "-r", "7"}).at().rev(), Revision(7));
}

TEST(GlobalOptions, AnInstanceIsAPositiveNumber) {
    EXPECT_EQ(GlobalOptions{}.durable, 0);
    EXPECT_EQ(parsed({"--durable", "7"}).durable, 7);
    for (std::string_view const text : {"0", "-1", "x", ""}) {
        GlobalOptions options;
        EXPECT_FALSE(options.parse(std::vector<std::string_view>{"-durable", text}).ok()) << text;
    }
}

TEST(GlobalOptions, WhatIsGivenLaterCounts) {
    GlobalOptions options = parsed({"-r", "5", "-a", "one"});
    EXPECT_EQ(options.parse(std::vector<std::string_view>{"-r", "-1", "-a", "two"}).value(), 4U);
    EXPECT_EQ(options.revision(), std::nullopt);
    EXPECT_EQ(options.uri, "two");
}

TEST(GlobalOptions, ATimeoutIsRoundedUpToMilliseconds) {
    EXPECT_EQ(parsed({"-t", "1m30s"}).timeout(), milliseconds(90'000));
    EXPECT_EQ(parsed({"-t", "1ns"}).timeout(), milliseconds(1));
    EXPECT_EQ(parsed({"-t", "1001us"}).timeout(), milliseconds(2));
}

TEST(GlobalOptions, ATimeoutOfZeroOrLessIsNone) {
    EXPECT_EQ(GlobalOptions{}.timeout(), std::nullopt);
    EXPECT_EQ(parsed({"-t", "0"}).timeout(), std::nullopt);
    EXPECT_EQ(parsed({"-t", "-1s"}).timeout(), std::nullopt);
}

TEST(GlobalOptions, TheLongestTimeoutStillFitsBehindThePresent) {
    auto const longest = parsed({"-t", "2562047h47m16.854775807s"}).timeout();
    ASSERT_TRUE(longest);
    EXPECT_GT(*longest, hours(24 * 365 * 10));
    EXPECT_GT(std::chrono::steady_clock::now() + *longest, std::chrono::steady_clock::now());
}

/// A variable of the environment for as long as it lives.
class Variable {
  public:
    Variable(char const* name, char const* value) : name_(name) { setenv(name, value, 1); }
    ~Variable() { unsetenv(name_); }
    Variable(Variable const&) = delete;
    Variable& operator=(Variable const&) = delete;

  private:
    char const* name_;
};

// doozer(1): default DOOZER_URI, then doozer:?ca=127.0.0.1:8046.
TEST(GlobalOptions, DefaultsComeFromTheEnvironment) {
    {
        Variable const uri("DOOZER_URI", "doozer:?ca=a");
        Variable const boot("DOOZER_BOOT_URI", "doozer:?ca=b");
        EXPECT_EQ(GlobalOptions::from_environment().uri, "doozer:?ca=a");
        EXPECT_EQ(GlobalOptions::from_environment().boot_uri, "doozer:?ca=b");
    }
    Variable const empty("DOOZER_URI", "");
    EXPECT_EQ(GlobalOptions::from_environment().uri, "doozer:?ca=127.0.0.1:8046");
    EXPECT_EQ(GlobalOptions::from_environment().boot_uri, "");
}

}  // namespace
}  // namespace doozer::cli
