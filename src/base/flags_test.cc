#include "base/flags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/parse.h"

namespace doozer::base {
namespace {

class FlagsTest : public testing::Test {
  protected:
    FlagsTest() {
        flags.add_text("l", listen);
        flags.add_texts("a", attach);
        flags.add_boolean("v", version);
        flags.add_integer("r", rev);
        flags.add_duration("t", timeout);
    }
    Result<std::size_t> parse(std::vector<std::string_view> words) { return flags.parse(words); }
    std::string error(std::vector<std::string_view> words) { return parse(words).error().detail; }

    Flags flags;
    std::string listen;
    std::vector<std::string> attach;
    bool version = false;
    std::int64_t rev = 0;
    Duration timeout;
};

// commands.md: Flags follow Go's rules.
TEST_F(FlagsTest, OneDashOrTwoWithOrWithoutAnEqualsSign) {
    for (auto const& words : std::vector<std::vector<std::string_view>>{
             {"-l", "x"}, {"-l=x"}, {"--l", "x"}, {"--l=x"}}) {
        listen.clear();
        EXPECT_EQ(parse(words).value(), words.size());
        EXPECT_EQ(listen, "x");
    }
}

TEST_F(FlagsTest, StopsAtTheFirstWordThatIsNoFlag) {
    EXPECT_EQ(parse({"-v", "get", "-l", "x"}).value(), 1U);
    EXPECT_EQ(parse({"-l", "x", "--", "-v"}).value(), 3U);
    EXPECT_EQ(parse({"-", "-v"}).value(), 0U);
    EXPECT_EQ(parse({}).value(), 0U);
    EXPECT_TRUE(version);
}

TEST_F(FlagsTest, AValueMayBeginWithADash) {
    EXPECT_TRUE(parse({"-r", "-1"}).ok());
    EXPECT_EQ(rev, -1);
    EXPECT_TRUE(parse({"-l", "-v"}).ok());
    EXPECT_EQ(listen, "-v");
    EXPECT_TRUE(parse({"-l="}).ok());
    EXPECT_EQ(listen, "");
}

TEST_F(FlagsTest, ABooleanTakesAValueOnlyBehindAnEqualsSign) {
    EXPECT_EQ(parse({"-v", "false"}).value(), 1U);
    EXPECT_TRUE(version);
    EXPECT_EQ(parse({"-v=false"}).value(), 1U);
    EXPECT_FALSE(version);
    EXPECT_EQ(error({"-v=maybe"}), "invalid boolean value \"maybe\" for -v: parse error");
}

TEST_F(FlagsTest, MayBeGivenSeveralTimes) {
    EXPECT_TRUE(parse({"-a", "one", "-a=two"}).ok());
    EXPECT_EQ(attach, (std::vector<std::string>{"one", "two"}));
}

TEST_F(FlagsTest, SaysWhatIsWrongAsGoDoes) {
    EXPECT_EQ(error({"-x"}), "flag provided but not defined: -x");
    EXPECT_EQ(error({"--listen", "x"}), "flag provided but not defined: -listen");
    EXPECT_EQ(error({"-r"}), "flag needs an argument: -r");
    EXPECT_EQ(error({"-r", "abc"}), "invalid value \"abc\" for flag -r: parse error");
    EXPECT_EQ(error({"-r", "99999999999999999999"}),
              "invalid value \"99999999999999999999\" for flag -r: value out of range");
    EXPECT_EQ(error({"-t", "xx"}), "invalid value \"xx\" for flag -t: parse error");
    EXPECT_EQ(error({"---l"}), "bad flag syntax: ---l");
    EXPECT_EQ(error({"-=x"}), "bad flag syntax: -=x");
}

TEST(Parse, Durations) {
    EXPECT_EQ(parse_duration("300ms").value(), milliseconds(300));
    EXPECT_EQ(parse_duration("1m30s").value(), seconds(90));
    EXPECT_EQ(parse_duration("1.5h").value(), seconds(5400));
    EXPECT_EQ(parse_duration("-.5s").value(), milliseconds(-500));
    EXPECT_EQ(parse_duration("7us").value(), microseconds(7));
    EXPECT_EQ(parse_duration("7\xc2\xb5s").value(), microseconds(7));
    EXPECT_EQ(parse_duration("9ns").value(), nanoseconds(9));
    EXPECT_EQ(parse_duration("0").value(), nanoseconds(0));
    EXPECT_EQ(parse_duration("+0").value(), nanoseconds(0));
    for (char const* bad : {"", "5", "-", "xx", "1 s", "1s ", "s", ".s", "1.1.1s", "1d", "1m30",
                            "99999999999h", "0x1s"}) {
        EXPECT_EQ(parse_duration(bad).error().detail, "parse error") << bad;
    }
}

TEST(Parse, Integers) {
    EXPECT_EQ(parse_integer("-9223372036854775808").value(), INT64_MIN);
    EXPECT_EQ(parse_integer("+7").value(), 7);
    for (char const* bad : {"", "abc", "1.5", "1x", "--1", "+-1", " 1", "-"}) {
        EXPECT_EQ(parse_integer(bad).error().detail, "invalid syntax") << bad;
    }
    EXPECT_EQ(parse_integer("99999999999999999999").error().detail, "value out of range");
    EXPECT_EQ(parse_bytes("-1").error().detail, "value out of range");
}

TEST(Parse, Seconds) {
    EXPECT_EQ(parse_seconds("1").value(), seconds(1));
    EXPECT_EQ(parse_seconds("0.05").value(), milliseconds(50));
    EXPECT_EQ(parse_seconds("-2").value(), seconds(-2));
    EXPECT_EQ(parse_seconds("1e3").error().detail, "invalid syntax");
    EXPECT_EQ(parse_seconds("nan").error().detail, "invalid syntax");
    EXPECT_EQ(parse_seconds("99999999999").error().detail, "value out of range");
}

}  // namespace
}  // namespace doozer::base
