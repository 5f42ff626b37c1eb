#include "net/address.h"

#include <gtest/gtest.h>

#include <string>

namespace doozer::net {
namespace {

Address parsed(std::string_view text) {
    auto const address = parse_address(text, 8046);
    EXPECT_TRUE(address.ok()) << text;
    return address.ok() ? address.value() : Address{};
}

TEST(Address, IsAHostAndAPort) {
    EXPECT_EQ(parsed("127.0.0.1:80"), (Address{"127.0.0.1", 80}));
    EXPECT_EQ(parsed("a-b.example:65535"), (Address{"a-b.example", 65535}));
    EXPECT_EQ(parsed("localhost:0"), (Address{"localhost", 0}));
}

TEST(Address, HasADefaultPort) {
    EXPECT_EQ(parsed("localhost"), (Address{"localhost", 8046}));
    EXPECT_EQ(parsed("[::1]"), (Address{"::1", 8046}));
}

TEST(Address, WithoutAHostMeansEveryInterface) {
    EXPECT_EQ(parsed(":80"), (Address{"", 80}));
}

TEST(Address, TakesIPv6WithBracketsOrWithoutAPort) {
    EXPECT_EQ(parsed("[::1]:80"), (Address{"::1", 80}));
    EXPECT_EQ(parsed("fe80::1%eth0"), (Address{"fe80::1%eth0", 8046}));
}

TEST(Address, IsWrittenAsItIsRead) {
    for (std::string const text : {"127.0.0.1:80", "[::1]:8046", ":1"})
        EXPECT_EQ(to_string(parsed(text)), text);
}

TEST(Address, RefusesWhatIsNone) {
    for (std::string const& text :
         {std::string(), std::string("a:"), std::string("a:b"), std::string("a:65536"),
          std::string("a:-1"), std::string("a: 1"), std::string("[::1"), std::string("[::1]x"),
          std::string("[::1]:"), std::string("[a]:1"), std::string("a b"), std::string("a/b:1"),
          std::string(254, 'a') + ":1"}) {
        auto const address = parse_address(text, 8046);
        ASSERT_FALSE(address.ok()) << text;
        EXPECT_EQ(address.error().detail, "invalid address: " + text);
    }
}

}  // namespace
}  // namespace doozer::net
