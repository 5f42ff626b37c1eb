#include "net/resolver.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace doozer::net {
namespace {

class ResolverTest : public testing::Test {
  protected:
    Resolved resolve(std::string const& host) {
        std::optional<Resolved> result;
        resolver->resolve({host, 7}, [&](Resolved found) { result = std::move(found); });
        EXPECT_FALSE(result) << "not from within the call";
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!result && std::chrono::steady_clock::now() < deadline) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
        return result.value_or(Resolved{{}, "never told"});
    }

    asio::io_context loop{1};
    std::optional<Resolver> resolver{loop};
};

TEST_F(ResolverTest, NumbersNeedNoLookup) {
    for (char const* host : {"127.0.0.1", "::1"}) {
        auto const found = resolve(host);
        ASSERT_EQ(found.endpoints.size(), 1U);
        EXPECT_EQ(found.endpoints[0].address().to_string(), host);
        EXPECT_EQ(found.endpoints[0].port(), 7);
    }
}

TEST_F(ResolverTest, NamesAreLookedUp) {
    auto const found = resolve("localhost");
    ASSERT_FALSE(found.endpoints.empty()) << found.failure;
    EXPECT_TRUE(found.endpoints[0].address().is_loopback());
}

TEST_F(ResolverTest, AFailureIsTold) {
    auto const found = resolve("host.invalid");
    EXPECT_TRUE(found.endpoints.empty());
    EXPECT_FALSE(found.failure.empty());
}

TEST_F(ResolverTest, NobodyIsToldWhenItIsGone) {
    int told = 0;
    resolver->resolve({"127.0.0.1", 7}, [&](auto const&) { ++told; });
    resolver->resolve({"localhost", 7}, [&](auto const&) { ++told; });
    resolver.reset();
    loop.run_for(std::chrono::milliseconds(100));
    EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace doozer::net
