#include "store/path.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace doozer::store {
namespace {

// protocol.md, Globs and paths
TEST(Path, IsASlashOrNamesEachBehindASlash) {
    for (char const* text : {"/", "/a", "/a/b", "/A.b-9", "/..", "/.", "/-", "/0/1/2"}) {
        EXPECT_TRUE(Path::parse(text).ok()) << text;
    }
}

TEST(Path, RefusesEverythingElse) {
    for (char const* text : {"", "a", "//", "/a/", "/a//b", "/a b", "/a_b", "/a*", "/a?", "/a=b",
                             "/a:b", "/\xc3\xa9", "/\xff", "a/b", "/a\n"}) {
        EXPECT_EQ(Path::parse(text).error().code, Errc::bad_path) << text;
    }
    EXPECT_FALSE(Path::parse(std::string_view("/a\0b", 4)).ok());
}

TEST(Path, IsBoundedInLength) {
    EXPECT_TRUE(Path::parse("/" + std::string(path_bytes_max - 1, 'a')).ok());
    EXPECT_FALSE(Path::parse("/" + std::string(path_bytes_max, 'a')).ok());
}

TEST(Path, ComesApartFromTheLeft) {
    std::string_view rest = "/a/bc/d";
    EXPECT_EQ(take_component(rest), "a");
    EXPECT_EQ(take_component(rest), "bc");
    EXPECT_EQ(rest, "/d");
    EXPECT_EQ(take_component(rest), "d");
    EXPECT_TRUE(rest.empty());
}

TEST(Path, SymbolsKeepByteOrder) {
    std::size_t last = 0;
    for (int c = 1; c < 256; ++c) {
        std::size_t const symbol = path_symbol(static_cast<char>(c));
        if (symbol == 0) continue;
        EXPECT_EQ(symbol, last + 1) << c;
        last = symbol;
    }
    EXPECT_EQ(last + 1, path_symbols);
}

}  // namespace
}  // namespace doozer::store
