#include "server/secret_guard.h"

#include <gtest/gtest.h>

namespace doozer::server {
namespace {

using base::Instant;
using base::milliseconds;

constexpr Instant start{1'000'000'000'000};

TEST(SecretGuard, DelaysTheWrongSecretsOfAConnectionMoreAndMore) {
    SecretGuard guard;
    EXPECT_EQ(guard.delay("10.0.0.1", 0, start), SecretGuard::shortest);
    EXPECT_EQ(guard.delay("10.0.0.1", 1, start), milliseconds(40));
    EXPECT_EQ(guard.delay("10.0.0.1", 3, start), milliseconds(160));
    EXPECT_EQ(guard.delay("10.0.0.1", 4, start), SecretGuard::longest);
    EXPECT_EQ(guard.delay("10.0.0.1", UINT32_MAX, start), SecretGuard::longest);
}

TEST(SecretGuard, AnAddressIsDelayedWhateverConnectionsItUses) {
    SecretGuard guard;
    for (std::uint32_t i = 0; i < SecretGuard::free_per_address; ++i) {
        EXPECT_EQ(guard.delay("10.0.0.1", 0, start), SecretGuard::shortest);
    }
    for (int i = 0; i < 10; ++i) (void)guard.delay("10.0.0.1", 0, start);
    EXPECT_EQ(guard.delay("10.0.0.1", 0, start), SecretGuard::longest);
    EXPECT_EQ(guard.delay("10.0.0.2", 0, start), SecretGuard::shortest);
}

TEST(SecretGuard, ForgetsAnAddressThatIsQuiet) {
    SecretGuard guard;
    for (int i = 0; i < 100; ++i) (void)guard.delay("10.0.0.1", 0, start);
    Instant const later = start + SecretGuard::memory + milliseconds(1);
    EXPECT_EQ(guard.delay("10.0.0.1", 0, later), SecretGuard::shortest);
}

TEST(SecretGuard, RemembersABoundedNumberOfAddresses) {
    SecretGuard guard;
    for (std::size_t i = 0; i < 3 * SecretGuard::addresses_max; ++i) {
        (void)guard.delay(std::to_string(i), 0, start);
        (void)guard.delay("the busy one", 0, start);
    }
    EXPECT_EQ(guard.addresses(), SecretGuard::addresses_max);
    EXPECT_EQ(guard.delay("the busy one", 0, start), SecretGuard::longest);
}

}  // namespace
}  // namespace doozer::server
