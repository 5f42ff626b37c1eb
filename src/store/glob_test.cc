#include "store/glob.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "base/prng.h"

namespace doozer::store {
namespace {

bool matches(std::string_view glob, std::string_view path) {
    return Glob::parse(glob).value().matches(path);
}

// protocol.md, Globs and paths
TEST(Glob, StarStaysWithinAComponent) {
    EXPECT_TRUE(matches("/d/*", "/d/x"));
    EXPECT_FALSE(matches("/d/*", "/d/x/y"));
    EXPECT_FALSE(matches("/d/*", "/d"));
    EXPECT_TRUE(matches("/*/x", "/d/x"));
    EXPECT_TRUE(matches("/a*c", "/ac"));
    EXPECT_FALSE(matches("/a*c", "/a/c"));
}

TEST(Glob, QuestionMarkIsOneCharacterOfAComponent) {
    EXPECT_TRUE(matches("/d/?", "/d/x"));
    EXPECT_FALSE(matches("/d/?", "/d/xy"));
    EXPECT_FALSE(matches("/d?x", "/d/x"));
}

TEST(Glob, TwoStarsCrossSlashes) {
    EXPECT_TRUE(matches("/**", "/"));
    EXPECT_TRUE(matches("/**", "/d/sub/z"));
    EXPECT_TRUE(matches("/d**", "/d/x"));
    EXPECT_TRUE(matches("/d**", "/d"));
    EXPECT_TRUE(matches("/**z", "/d/sub/z"));
    EXPECT_TRUE(matches("/**/z", "/d/sub/z"));
    EXPECT_FALSE(matches("/**/z", "/z"));
    EXPECT_FALSE(matches("/**z", "/d/sub/zy"));
}

TEST(Glob, PairsOfStarsAreTakenFromTheLeft) {
    EXPECT_TRUE(matches("/d/***", "/d/sub/z"));
    EXPECT_TRUE(matches("/d/****", "/d/sub/z"));
}

TEST(Glob, ANopsPathMatchesWhatMayBeEmpty) {
    for (char const* glob : {"/**", "/*", "/"}) EXPECT_TRUE(matches(glob, "/")) << glob;
    EXPECT_FALSE(matches("/?", "/"));
}

TEST(Glob, RefusesWhatIsNone) {
    for (char const* text : {"", "a", "a*", "/[a]", "/d/", "/a_b", "//", "/a//*", "/*/"}) {
        auto const glob = Glob::parse(text);
        ASSERT_FALSE(glob.ok()) << text;
        EXPECT_EQ(glob.error().code, Errc::other);
        EXPECT_EQ(glob.error().detail, "invalid glob pattern: " + std::string(text));
    }
    EXPECT_FALSE(Glob::parse("/" + std::string(path_bytes_max, '*')).ok());
}

TEST(Glob, KnowsItsLiteralBeginning) {
    EXPECT_EQ(Glob::parse("/svc/a*b").value().literal_prefix(), "/svc/a");
    EXPECT_EQ(Glob::parse("/svc").value().literal_prefix(), "/svc");
    EXPECT_TRUE(Glob::parse("/svc").value().is_literal());
    EXPECT_EQ(Glob::parse("/**").value().literal_prefix(), "/");
}

/// The definition, written down without any thought of speed.
bool naive(std::string_view glob, std::string_view path) {
    if (glob.empty()) return path.empty();
    if (glob.starts_with("**")) {
        for (std::size_t i = 0; i <= path.size(); ++i) {
            if (naive(glob.substr(2), path.substr(i))) return true;
        }
        return false;
    }
    if (glob[0] == '*') {
        for (std::size_t i = 0;; ++i) {
            if (naive(glob.substr(1), path.substr(i))) return true;
            if (i == path.size() || path[i] == '/') return false;
        }
    }
    bool const fits = !path.empty() && (glob[0] == path[0] || (glob[0] == '?' && path[0] != '/'));
    return fits && naive(glob.substr(1), path.substr(1));
}

std::string random_text(Prng& prng, std::string_view alphabet, std::size_t size_max) {
    std::string text = "/";
    for (std::size_t size = prng.below(size_max); size > 0; --size) {
        text += alphabet[prng.below(alphabet.size())];
    }
    return text;
}

TEST(Glob, AgreesWithTheNaiveTwin) {
    Prng prng(1);  // fixed: a failure repeats itself
    std::size_t compared = 0;
    std::size_t matched = 0;
    while (compared < 200'000) {
        std::string const text = random_text(prng, "ab/?**", 9);
        std::string const path = random_text(prng, "aab/", 9);
        auto const glob = Glob::parse(text);
        if (!glob.ok() || !Path::parse(path).ok()) continue;
        ++compared;
        bool const expected = naive(text, path);
        matched += expected ? 1U : 0U;
        ASSERT_EQ(glob.value().matches(path), expected) << text << " " << path;
        // Pruning must never hide a match.
        for (std::size_t slash = path.rfind('/'); expected && slash != path.npos && slash > 0;
             slash = path.rfind('/', slash - 1)) {
            ASSERT_TRUE(glob.value().may_match_below(path.substr(0, slash))) << text << " " << path;
        }
    }
    EXPECT_GT(matched, compared / 20);
}

TEST(Glob, PrunesDirectoriesThatCannotMatch) {
    auto const glob = Glob::parse("/svc/*/addr").value();
    EXPECT_TRUE(glob.may_match_below(""));
    EXPECT_TRUE(glob.may_match_below("/svc"));
    EXPECT_TRUE(glob.may_match_below("/svc/node"));
    EXPECT_FALSE(glob.may_match_below("/svc/node/deep"));
    EXPECT_FALSE(glob.may_match_below("/sv"));
    EXPECT_FALSE(glob.may_match_below("/other"));
}

TEST(Glob, LongPatternsAgreeWithTheNaiveTwinToo) {
    Prng prng(2);
    std::size_t matched = 0;
    for (int i = 0; i < 20'000; ++i) {
        // A literal tail takes the pattern over one word, and over two.
        std::string tail;
        for (std::size_t n = 50 + prng.below(100); n > 0; --n) tail += "ab"[prng.below(2)];
        std::string const text = random_text(prng, "ab/?**", 7) + tail;
        std::string const path = random_text(prng, "ab/", 7) + tail;
        auto const glob = Glob::parse(text);
        if (!glob.ok() || !Path::parse(path).ok()) continue;
        bool const expected = naive(text, path);
        matched += expected ? 1U : 0U;
        ASSERT_EQ(glob.value().matches(path), expected) << text << " " << path;
    }
    EXPECT_GT(matched, 500U);
}

TEST(Glob, LongPatternsOfStarsAreNoBurden) {
    std::string text = "/**";
    while (text.size() + 3 < path_bytes_max) text += "a**";
    auto const glob = Glob::parse(text).value();
    EXPECT_FALSE(glob.matches("/" + std::string(1000, 'a') + "b"));
    EXPECT_TRUE(glob.matches("/" + std::string(path_bytes_max - 1, 'a')));
}

}  // namespace
}  // namespace doozer::store
