#include "base/visible.h"

#include <gtest/gtest.h>

namespace doozer::base {
namespace {

TEST(Visible, ControlCharactersAreShownByTheirBytes) {
    EXPECT_EQ(visible_line("\x1b]0;pwned\x07\x1b[2J"), R"(\x1b]0;pwned\x07\x1b[2J)");
    EXPECT_EQ(visible_line(std::string("a\0\r\n\t\x7f", 6)), R"(a\x00\x0d\x0a\x09\x7f)");
    EXPECT_EQ(visible_line("\xc2\x9b"
                           "31m"),
              R"(\xc2\x9b31m)");  // CSI in UTF-8
    EXPECT_EQ(visible_line("\x9b"
                           "31m"),
              R"(\x9b31m)");  // and in one byte
}

TEST(Visible, OtherTextStaysAsItIs) {
    for (std::string const text :
         {"", "plain ~ text \\x1b", "\xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80"})
        EXPECT_EQ(visible_line(text), text);
    EXPECT_EQ(visible_text("a\tb\nc\r"), "a\tb\nc\\x0d");
}

TEST(Visible, WhatIsNoUtf8IsShownByItsBytes) {
    EXPECT_EQ(visible_line("\xff\xc3"), R"(\xff\xc3)");
    EXPECT_EQ(visible_line("\xc0\x9b"), R"(\xc0\x9b)");          // overlong
    EXPECT_EQ(visible_line("\xe0\x82\x9b"), R"(\xe0\x82\x9b)");  // overlong
    EXPECT_EQ(visible_line("\xed\xa0\x80"), R"(\xed\xa0\x80)");  // a surrogate
    EXPECT_EQ(visible_line("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");
    EXPECT_EQ(visible_line("\xe2\x82"), R"(\xe2\x82)");
}

}  // namespace
}  // namespace doozer::base
