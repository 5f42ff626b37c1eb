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

// doozerd(8): Flags follow Go's rules.
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

// doozerd(8): numbers as Go reads them
TEST(Parse, IntegerLiterals) {
    for (auto const& [text, value] :
         std::vector<std::pair<char const*, std::int64_t>>{{"0", 0},
                                                           {"-0", 0},
                                                           {"17", 17},
                                                           {"1_000", 1000},
                                                           {"1_0_0", 100},
                                                           {"0x10", 16},
                                                           {"-0X1f", -31},
                                                           {"0x_ff", 255},
                                                           {"0b1", 1},
                                                           {"+0B101", 5},
                                                           {"0o7", 7},
                                                           {"0O_17", 15},
                                                           {"017", 15},
                                                           {"0_7", 7},
                                                           {"-9223372036854775808", INT64_MIN},
                                                           {"0x7fffffffffffffff", INT64_MAX}}) {
        auto const parsed = parse_integer_literal(text);
        ASSERT_TRUE(parsed.ok()) << text;
        EXPECT_EQ(parsed.value(), value) << text;
    }
    for (char const* bad : {"",    "-",  "+-1", "0x",  "0x_", "_1", "1_", "1__0", "0_", "0b2",
                            "0o8", "08", "1e3", "0xg", "1x",  " 1", "1 ", "0x-1", "0b", "1.0"}) {
        EXPECT_EQ(parse_integer_literal(bad).error().detail, "invalid syntax") << bad;
    }
    for (char const* large : {"9223372036854775808", "-9223372036854775809", "0xffffffffffffffff",
                              "99999999999999999999999"}) {
        EXPECT_EQ(parse_integer_literal(large).error().detail, "value out of range") << large;
    }
}

TEST(Parse, BytesTakeAUnit) {
    EXPECT_EQ(parse_bytes("0").value(), 0U);
    EXPECT_EQ(parse_bytes("1_000").value(), 1000U);
    EXPECT_EQ(parse_bytes("2K").value(), 2048U);
    EXPECT_EQ(parse_bytes("64M").value(), 64U << 20);
    EXPECT_EQ(parse_bytes("0x10G").value(), 16ULL << 30);
    for (char const* bad : {"", "K", "M", "1KB", "1.5G", "1 K", "1KK", "1T"}) {
        EXPECT_EQ(parse_bytes(bad).error().detail, "invalid syntax") << bad;
    }
    for (char const* bad : {"-1K", "9223372036854775807K", "8589934592G"}) {
        EXPECT_EQ(parse_bytes(bad).error().detail, "value out of range") << bad;
    }
}

TEST(Parse, SpansAreSecondsOrDurations) {
    for (auto const& [text, value] :
         std::vector<std::pair<char const*, Duration>>{{"1", seconds(1)},
                                                       {"0.05", milliseconds(50)},
                                                       {".5", milliseconds(500)},
                                                       {"5.", seconds(5)},
                                                       {"1e-1", milliseconds(100)},
                                                       {"1E+2", seconds(100)},
                                                       {"1_000", seconds(1000)},
                                                       {"1_0.2_5e0_1", milliseconds(102'500)},
                                                       {"0x10", seconds(16)},
                                                       {"0x1p-2", milliseconds(250)},
                                                       {"0X_1.8P1", seconds(3)},
                                                       {"-2", seconds(-2)},
                                                       {"1s", seconds(1)},
                                                       {"250ms", milliseconds(250)},
                                                       {"1m30s", seconds(90)},
                                                       {"1.5h", seconds(5400)}}) {
        auto const parsed = parse_span(text);
        ASSERT_TRUE(parsed.ok()) << text;
        EXPECT_EQ(parsed.value(), value) << text;
    }
    for (char const* bad : {"", "abc", "-", "+-1", "inf", "-Inf", "nan", "1e", "1__0", "_1", "1_.5",
                            "1._5", "1e_5", "0x", "1p2", "1 s", "1d", "0x1s", "."}) {
        EXPECT_EQ(parse_span(bad).error().detail, "invalid syntax") << bad;
    }
    for (char const* large : {"99999999999", "1e30", "1e5000", "0x1p100"}) {
        EXPECT_EQ(parse_span(large).error().detail, "value out of range") << large;
    }
}

TEST(Parse, Integers) {
    EXPECT_EQ(parse_integer("-9223372036854775808").value(), INT64_MIN);
    EXPECT_EQ(parse_integer("+7").value(), 7);
    for (char const* bad : {"", "abc", "1.5", "1x", "--1", "+-1", " 1", "-"}) {
        EXPECT_EQ(parse_integer(bad).error().detail, "invalid syntax") << bad;
    }
    EXPECT_EQ(parse_integer("99999999999999999999").error().detail, "value out of range");
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
