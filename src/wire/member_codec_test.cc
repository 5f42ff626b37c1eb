#include "wire/member_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/random_values.h"

namespace doozer::wire {
using namespace consensus;
namespace {

constexpr std::size_t kinds = std::variant_size_v<Message>;

std::string encoded(Message const& m) {
    std::string out;
    append_message(out, m);
    return out;
}

Message random_message(std::size_t kind, std::uint64_t seed) {
    Message m;
    RandomValues(seed).fill_kind(m, kind);
    return m;
}

std::string refusal(std::string const& body) {
    auto const read = decode_message(body);
    return read.ok() ? "" : read.error().detail;
}

/// A vector of three parked lanes in epoch 3, and the little that a busy owner says.
Frame typical_frame() {
    Frame f;
    f.vector = {Epoch(3), Slot(300'000), Slot(300'001), false, Frontier(3)};
    f.vector.upto[0] = Slot(300'001);
    f.vector.upto[1] = f.vector.upto[2] = Slot(365'000);
    f.from = Slot(300'000);
    Batch const batch(MemberId("ABCDEFGHIJKLMNOP"), Oseq(99'000), Bytes(std::string(200, 'x')));
    f.items.push_back({Slot(300'000), batch});
    return f;
}

TEST(MemberCodec, GivesBackEveryMessageAsItWas) {
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        for (std::uint64_t seed = 1; seed <= 300; ++seed) {
            SCOPED_TRACE(std::string(name_of_kind(kind)) + " seed " + std::to_string(seed));
            Message const m = random_message(kind, seed);
            std::string const body = encoded(m);
            auto const read = decode_message(body);
            ASSERT_TRUE(read.ok()) << read.error().detail;
            EXPECT_EQ(read.value().index(), kind);
            EXPECT_EQ(digest_of(read.value()), digest_of(m));
            EXPECT_EQ(encoded(read.value()), body);
        }
    }
}

TEST(MemberCodec, RefusesWhatIsCutAnywhere) {
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            std::string const body = encoded(random_message(kind, seed));
            for (std::size_t size = 0; size < body.size(); ++size) {
                EXPECT_NE(refusal(body.substr(0, size)), "")
                    << name_of_kind(kind) << " seed " << seed << " cut to " << size;
            }
        }
    }
}

TEST(MemberCodec, ReadsDamagedBytesOnlyAsTheMessageThatTheyAre) {
    std::size_t refused = 0;
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        base::Prng prng(seed);
        std::string body = encoded(random_message(seed % kinds, 1 + seed % 100));
        for (std::uint64_t n = 1 + prng.below(3); n > 0; --n) {
            body[prng.below(body.size())] = static_cast<char>(prng.next());
        }
        auto const read = decode_message(body);
        if (read.ok()) {
            ASSERT_EQ(encoded(read.value()), body) << "seed " << seed;
        } else {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000U);
}

TEST(MemberCodec, RefusesInOneLineThatSaysWhatAndWhere) {
    EXPECT_EQ(refusal(""), "member message, byte 0: ends too early");
    EXPECT_EQ(refusal("\x63"), "member message, byte 1: of a kind that is not known");
    std::string const frame = encoded(typical_frame());
    EXPECT_EQ(refusal(frame + "x"), "member message FRAME, byte " + std::to_string(frame.size()) +
                                        ": goes on behind its end");
    EXPECT_EQ(refusal(frame.substr(0, 9)), "member message FRAME, byte 9: ends too early");
}

TEST(MemberCodec, RefusesAHelloOfAnotherVersion) {
    std::string hello = encoded(Hello{});
    ASSERT_TRUE(decode_message(hello).ok());
    hello[1] = static_cast<char>(member_versions.newest + 1);
    EXPECT_EQ(refusal(hello), "member message HELLO, byte 2: of another protocol version");
    EXPECT_TRUE(decode_message(hello, member_versions.newest + 1).ok());
}

TEST(MemberCodec, BelievesNoCountAndNoLengthThatTheRestDoesNotJustify) {
    std::string const frame = encoded(Frame{});
    std::string const before_items = frame.substr(0, frame.size() - 1);
    std::string const huge = "\xFF\xFF\xFF\xFF\x7F";
    EXPECT_EQ(refusal(before_items + huge + "xxxx"),
              "member message FRAME, byte 12: counts more than there is");
    std::string const forward = encoded(Forward{{}, Batch(MemberId("a"), Oseq(1), {})});
    std::string const before_payload = forward.substr(0, forward.size() - 2);
    EXPECT_EQ(refusal(before_payload + huge + "xxxx"),
              "member message FWD, byte 28: ends too early");
}

TEST(MemberCodec, RefusesASecondFormOfTheSameNumber) {
    std::string const vote = encoded(ReadQuery{{}, 5});
    std::string const longer = vote.substr(0, vote.size() - 1) + "\x85" + std::string(1, '\0');
    EXPECT_EQ(refusal(longer), "member message RQ, byte 8: a number in a longer form than needed");
}

TEST(MemberCodec, RefusesMoreThanTheLimitWithoutLookingAtIt) {
    std::string_view const too_long("x", base::member_message_bytes_max + 1);
    EXPECT_EQ(decode_message(too_long).error().detail,
              "member message of 4294967296 bytes is over the limit of 4294967295");
}

TEST(MemberCodec, SpendsLittleOnWhatABusyOwnerSays) {
    EXPECT_LE(encoded(typical_frame()).size(), 200U + 48U);
    Frame vote = typical_frame();
    vote.items.clear();
    vote.from = Slot(0);
    EXPECT_LE(encoded(vote).size(), 18U);
}

}  // namespace
}  // namespace doozer::wire
