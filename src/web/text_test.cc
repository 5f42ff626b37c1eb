#include "web/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace doozer::web {
namespace {

// RFC 4648, 10
TEST(Base64, SaysWhatTheStandardSays) {
    EXPECT_EQ(to_base64(""), "");
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("foo"), "Zm9v");
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(from_base64("Zm8="), "fo");
}

TEST(Base64, WhatIsNoneIsRefused) {
    for (char const* text : {"Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Z g=", "Zg-_"}) {
        EXPECT_FALSE(from_base64(text).has_value()) << text;
    }
}

RC_GTEST_PROP(Base64, GivesBackEveryByte, (std::string const& bytes)) {
    RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
}

TEST(Utf8, IsToldFromOtherBytes) {
    for (char const* text : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                             "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
    }
    EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

// RFC 3629, 3 and 10: overlong forms, surrogates, beyond U+10FFFF, cut off
TEST(Utf8, WhatOnlyLooksLikeItIsRefused) {
    for (char const* text : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                             "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80", "\xe2\x82", "a\xff", "\xc3("}) {
        EXPECT_FALSE(is_utf8(text)) << text;
    }
}

TEST(Utf8, IsNotCutWithinACharacter) {
    EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 4), "a\xe2\x82\xac");
    EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 3), "a");
    EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 2), "a");
    EXPECT_EQ(cut_utf8("a\xe2\x82\xac", 0), "");
}

TEST(Percent, EscapesAreResolved) {
    EXPECT_EQ(percent_decoded("/a%2Fb%2f+", false), "/a/b/+");
    EXPECT_EQ(percent_decoded("a+b%2B", true), "a b+");
    for (char const* text : {"%", "%2", "%zz", "a%2"}) {
        EXPECT_FALSE(percent_decoded(text, false).has_value()) << text;
    }
}

}  // namespace
}  // namespace doozer::web
