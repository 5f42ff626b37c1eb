#include "wire/member_stream.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/checksum.h"

namespace doozer::wire {
namespace {

Greeting example() {
    Greeting greeting;
    greeting.oldest_version = 1;
    greeting.newest_version = 0x0203;
    greeting.kind = Greeting::Kind::bulk;
    greeting.link = 0x0102030405060708;
    greeting.cluster_name = "local";
    greeting.id = "ABCDEFGHIJKLMNOP";
    greeting.expected_id = "QRSTUVWXYZ234567";
    greeting.address = "[::1]:8046";
    return greeting;
}

RecordSplitter::Record only_record(std::string_view bytes) {
    RecordSplitter records(bytes, 1 << 20);
    auto const record = records.next().value();
    EXPECT_EQ(records.consumed(), bytes.size());
    return record.value();
}

// The greeting must never change for those that are out there: later versions append to it.
TEST(MemberStream, TheGreetingIsTheseBytes) {
    std::string bytes;
    append_greeting(bytes, example());
    std::string const expected(
        "\x01\x00\x00\x48"                  // greeting, 72 bytes
        "\x00\x01\x02\x03\x01"              // versions 1 to 0x0203, bulk
        "\x01\x02\x03\x04\x05\x06\x07\x08"  // link
        "\x00\x05local"
        "\x00\x10"
        "ABCDEFGHIJKLMNOP"
        "\x00\x10"
        "QRSTUVWXYZ234567"
        "\x00\x0a[::1]:8046",
        4 + 68);
    EXPECT_EQ(bytes.substr(0, 4 + 68), expected);
    std::uint32_t sum = 0;
    for (char const c : bytes.substr(4 + 68)) sum = sum << 8U | static_cast<unsigned char>(c);
    EXPECT_EQ(sum, base::crc32c(0, expected.substr(4)));
    EXPECT_EQ(bytes.size(), 4U + 72U);
}

TEST(MemberStream, AGreetingOfTheFirstVersionHasNoChecksum) {
    Greeting greeting = example();
    greeting.newest_version = 1;
    std::string bytes;
    append_greeting(bytes, greeting);
    EXPECT_EQ(bytes.size(), 4U + 68U);
    EXPECT_EQ(decode_greeting(only_record(bytes).body).value(), greeting);
}

TEST(MemberStream, WhatALaterVersionAppendsIsIgnored) {
    std::string bytes;
    append_greeting(bytes, example());
    std::string const body = bytes.substr(record_header_bytes) + "more";
    EXPECT_EQ(decode_greeting(body).value(), example());
}

// What a connection is for decides which messages may overtake each other on it.
TEST(MemberStream, AGreetingOfAnUnknownKindIsRefused) {
    std::string bytes;
    append_greeting(bytes, example());
    bytes[record_header_bytes + 4] = 2;
    EXPECT_FALSE(decode_greeting(only_record(bytes).body).ok());
}

TEST(MemberStream, AnUnknownReasonIsOne) {
    std::string bytes;
    append_refusal(bytes, {RefusalReason::secret, "X", "why"});
    bytes[record_header_bytes] = '\x63';
    auto const refusal = decode_refusal(only_record(bytes).body).value();
    EXPECT_EQ(refusal, (Refusal{RefusalReason::other, "X", "why"}));
}

RC_GTEST_PROP(MemberStream, GreetingsComeBackAndTheirBeginningsAreRefused, ()) {
    Greeting greeting;
    greeting.oldest_version = *rc::gen::arbitrary<std::uint16_t>();
    greeting.newest_version = *rc::gen::arbitrary<std::uint16_t>();
    greeting.link = *rc::gen::arbitrary<std::uint64_t>();
    greeting.cluster_name = *rc::gen::arbitrary<std::string>();
    greeting.id = *rc::gen::arbitrary<std::string>();
    greeting.expected_id = *rc::gen::arbitrary<std::string>();
    greeting.address = *rc::gen::arbitrary<std::string>();
    std::string bytes;
    append_greeting(bytes, greeting);
    auto const record = only_record(bytes);
    RC_ASSERT(record.type == 1U);
    RC_ASSERT(decode_greeting(record.body).value() == greeting);
    auto const size = *rc::gen::inRange<std::size_t>(0, record.body.size());
    RC_ASSERT(!decode_greeting(record.body.substr(0, size)).ok());
}

RC_GTEST_PROP(MemberStream, RefusalsComeBack, ()) {
    Refusal refusal;
    refusal.reason = static_cast<RefusalReason>(*rc::gen::inRange(0, 8));
    refusal.id = *rc::gen::arbitrary<std::string>();
    refusal.text = *rc::gen::arbitrary<std::string>();
    std::string bytes;
    append_refusal(bytes, refusal);
    RC_ASSERT(decode_refusal(only_record(bytes).body).value() == refusal);
}

RC_GTEST_PROP(MemberStream, AnyBytesAreRecordsOrNone, (std::string const& bytes)) {
    RecordSplitter records(bytes, 8);
    for (;;) {
        auto const record = records.next();
        if (!record.ok() || !record.value()) break;
        RC_ASSERT(record.value()->body.size() <= 8U);
        (void)decode_greeting(record.value()->body);
        (void)decode_refusal(record.value()->body);
    }
    RC_ASSERT(records.consumed() <= bytes.size());
}

TEST(MemberStream, AGreetingThatWasChangedIsRefused) {
    Greeting greeting;
    greeting.cluster_name = "local";
    greeting.id = "X";
    std::string bytes;
    append_greeting(bytes, greeting);
    std::string const body(only_record(bytes).body);
    ASSERT_TRUE(decode_greeting(body).ok());
    for (std::size_t i = 4; i < body.size(); ++i) {
        std::string changed = body;
        changed[i] = static_cast<char>(changed[i] ^ 4);
        EXPECT_FALSE(decode_greeting(changed).ok()) << i;
    }
}

TEST(MemberStream, ARecordIsWaitedForAndNotLargerThanAllowed) {
    std::string bytes;
    append_record_header(bytes, RecordType::message, 3);
    for (char const* rest : {"", "a", "ab"}) {
        std::string const part = bytes + rest;
        RecordSplitter records(part, 3);
        EXPECT_FALSE(records.next().value().has_value());
        EXPECT_EQ(records.consumed(), 0U);
    }
    RecordSplitter records(bytes, 2);
    EXPECT_FALSE(records.next().ok());
}

}  // namespace
}  // namespace doozer::wire
