#include "doozer/uri.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace doozer {
namespace {

using Addresses = std::vector<std::string>;

Uri parsed(std::string_view text) {
    auto const uri = parse_uri(text);
    EXPECT_TRUE(uri.ok()) << text;
    return uri.ok() ? *uri : Uri{};
}

TEST(Uri, HasAnyNumberOfAddressesInTheOrderGiven) {
    EXPECT_EQ(parsed("doozer:?ca=127.0.0.1:8046").addresses, Addresses{"127.0.0.1:8046"});
    EXPECT_EQ(parsed("doozer:?ca=b:2&ca=a:1").addresses, (Addresses{"b:2", "a:1"}));
}

TEST(Uri, TakesItsParametersInAnyOrder) {
    Uri const expected{{"a:1", "b:2"}, "local", "secret", "unique"};
    EXPECT_EQ(parsed("doozer:?ca=a:1&ca=b:2&cn=local&sk=secret&un=unique"), expected);
    EXPECT_EQ(parsed("doozer:?un=unique&sk=secret&ca=a:1&cn=local&ca=b:2"), expected);
}

TEST(Uri, AddsTheDefaultPort) {
    EXPECT_EQ(parsed("doozer:?ca=example.org").addresses, Addresses{"example.org:8046"});
}

TEST(Uri, TakesIPv6InBracketsAndEscaped) {
    EXPECT_EQ(parsed("doozer:?ca=[::1]:8046").addresses, Addresses{"[::1]:8046"});
    EXPECT_EQ(parsed("doozer:?ca=%5B::1%5D:8046").addresses, Addresses{"[::1]:8046"});
    EXPECT_EQ(parsed("doozer:?ca=[::1]").addresses, Addresses{"[::1]:8046"});
}

TEST(Uri, DecodesPercentAndPlus) {
    EXPECT_EQ(parsed("doozer:?ca=a&sk=a%26b%3dc%25+d%2B").secret, "a&b=c% d+");
    EXPECT_EQ(parsed("doozer:?ca=a&sk=%00").secret, std::string(1, '\0'));
    EXPECT_EQ(parsed("doozer:?ca=a&s%6b=x").secret, "x");
}

TEST(Uri, MayHoldOnlyAName) {
    EXPECT_EQ(parsed("doozer:?cn=my.cluster-1").cluster_name, "my.cluster-1");
}

TEST(Uri, PassesOverWhatItDoesNotKnowAndWhatIsEmpty) {
    EXPECT_EQ(parsed("doozer:?&ca=a&&x=y&flag&"), (Uri{{"a:8046"}, "", "", ""}));
}

TEST(Uri, OfAValueWithEqualsSignsKeepsAll) {
    EXPECT_EQ(parsed("doozer:?ca=a&sk=a=b==").secret, "a=b==");
}

TEST(Uri, RefusesWhatIsNone) {
    for (std::string const text : {"",
                                   "doozer",
                                   "doozer:",
                                   "doozer:ca=a",
                                   "doozer://a:1",
                                   "http:?ca=a",
                                   "Doozer:?ca=a",
                                   " doozer:?ca=a",
                                   "127.0.0.1:8046",
                                   "doozer:?",
                                   "doozer:?sk=x",
                                   "doozer:?ca",
                                   "doozer:?ca=",
                                   "doozer:?ca=a:b",
                                   "doozer:?ca=:1",
                                   "doozer:?ca=a b",
                                   "doozer:?ca=[::1",
                                   "doozer:?ca=a:99999",
                                   "doozer:?ca=a&sk=%",
                                   "doozer:?ca=a&sk=%2",
                                   "doozer:?ca=a&sk=%zz",
                                   "doozer:?cn=",
                                   "doozer:?cn=a/b",
                                   "doozer:?cn=*"}) {
        auto const uri = parse_uri(text);
        ASSERT_FALSE(uri.ok()) << text;
        EXPECT_EQ(uri.error().code, Errc::invalid_uri) << text;
        EXPECT_TRUE(uri.error().message().starts_with("invalid uri")) << uri.error().message();
    }
    EXPECT_EQ(parse_uri("http://a").error().message(), "invalid uri");
    EXPECT_EQ(parse_uri("doozer:?").error().message(), "invalid uri");
    EXPECT_EQ(parse_uri("doozer:?ca=a:b").error().message(), "invalid uri: invalid address: a:b");
}

TEST(Uri, DoesNotGoOnInTheClearWhenTlsIsAskedFor) {
    EXPECT_TRUE(parse_uri("doozer:?ca=a&tl=1").value().tls);
    EXPECT_FALSE(parse_uri("doozer:?ca=a&tl=0").value().tls);
    EXPECT_FALSE(parse_uri("doozer:?ca=a").value().tls);
    EXPECT_FALSE(parse_uri("doozer:?ca=a&tl=yes").ok());
    EXPECT_FALSE(parse_uri("doozer:?ca=a&tl=").ok());
    EXPECT_TRUE(parse_uri("doozer:?ca=a&tl=0").ok());
}

}  // namespace
}  // namespace doozer
