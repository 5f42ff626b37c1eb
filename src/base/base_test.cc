#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "base/prng.h"
#include "base/result.h"
#include "base/time.h"

namespace doozer::base {
namespace {

TEST(Bytes, SharesOneCopyOfItsContent) {
    Bytes const a(std::string_view("a\0b", 3));
    Bytes const b = a;
    EXPECT_EQ(b.view(), std::string_view("a\0b", 3));
    EXPECT_EQ(a.view().data(), b.view().data());
}

TEST(Bytes, OutlivesTheOneItWasCopiedFrom) {
    Bytes kept;
    {
        Bytes const first(std::string(1000, 'x'));
        kept = first;
    }
    EXPECT_EQ(kept.view(), std::string(1000, 'x'));
}

TEST(Bytes, MovedFromIsEmpty) {
    Bytes a("abc");
    Bytes const b = std::move(a);
    EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the contract
    EXPECT_EQ(b.size(), 3U);
}

TEST(Bytes, EmptyContentNeedsNoMemory) {
    EXPECT_TRUE(Bytes("").empty());
    EXPECT_EQ(Bytes("").view(), "");
    EXPECT_EQ(Bytes(""), Bytes());
}

Result<int> half(int n) {
    if (n % 2 != 0) return Error{Errc::range, "odd"};
    return n / 2;
}

Result<int> quarter(int n) {
    DOOZER_TRY(int const h, half(n));
    return half(h);
}

TEST(Result, TryReturnsTheFirstError) {
    EXPECT_EQ(quarter(12).value(), 3);
    EXPECT_EQ(quarter(6).error().detail, "odd");
    EXPECT_EQ(quarter(7).error().code, Errc::range);
}

void save() noexcept {
    std::fputs("saved\n", stderr);
    bool const twice = false;
    DOOZER_ASSERT(twice);
}

TEST(AssertionDeathTest, CallsTheHookOnceAndEndsTheProcess) {
    auto const fail = [] {
        on_assertion_failed(save);
        bool const once = false;
        DOOZER_ASSERT(once);
    };
    EXPECT_EXIT(fail(), testing::KilledBySignal(SIGABRT),
                "failed: once\nsaved\n.*failed: twice\n$");
}

TEST(ResultDeathTest, AskingARefusalForItsValueStopsTheProcess) {
    EXPECT_DEATH((void)half(3).value(), "assertion failed: ok\\(\\)");
}

TEST(Strong, KeepsOrderAndCounts) {
    EXPECT_LT(Revision(1), Revision(2));
    EXPECT_EQ(Revision(1).next(), Revision(2));
    static_assert(!std::is_convertible_v<Revision, Tag>);
    static_assert(!std::is_convertible_v<int, Revision>);
}

TEST(Prng, RepeatsItselfForTheSameSeed) {
    Prng a(42);
    Prng b(42);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(Prng(1).next(), Prng(2).next());
}

TEST(Time, AddsUp) {
    EXPECT_EQ(Instant(5) + milliseconds(1), Instant(1'000'005));
    EXPECT_EQ(Instant(7) - Instant(5), nanoseconds(2));
}

TEST(Checksum, IsThatOfTheStandardAndGoesOnWhereItEnded) {
    EXPECT_EQ(crc32c(0, "123456789"), 0xE3069283U);  // RFC 3720, B.4 has longer ones
    EXPECT_EQ(crc32c(0, std::string(32, '\0')), 0x8A9136AAU);
    EXPECT_EQ(crc32c(crc32c(0, "1234"), "56789"), 0xE3069283U);
}

}  // namespace
}  // namespace doozer::base
