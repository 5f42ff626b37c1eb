#include "wire/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace doozer::wire {
using namespace base;
namespace {

constexpr std::size_t limit = 1000;

std::string framed(std::string_view body) {
    std::string out(frame_header_bytes, '\0');
    write_frame_length(out.data(), body.size());
    return out.append(body);
}

std::vector<std::string> bodies_in(FrameSplitter& frames) {
    std::vector<std::string> bodies;
    for (;;) {
        auto const body = frames.next();
        if (!body.ok() || !body.value()) return bodies;
        bodies.emplace_back(*body.value());
    }
}

TEST(FrameSplitter, GivesEveryMessageOfABufferWithoutCopyingIt) {
    std::string const buffer = framed("one") + framed("") + framed("three");
    FrameSplitter frames(buffer, limit);
    auto const first = frames.next();
    ASSERT_TRUE(first.ok() && first.value());
    EXPECT_EQ(first.value()->data(), buffer.data() + frame_header_bytes);
    EXPECT_EQ(bodies_in(frames), (std::vector<std::string>{"", "three"}));
    EXPECT_EQ(frames.consumed(), buffer.size());
}

TEST(FrameSplitter, TakesNothingOfAMessageThatHasNotArrivedWhole) {
    std::string const whole = framed("abc");
    for (std::size_t n = 0; n < whole.size(); ++n) {
        FrameSplitter frames(std::string_view(whole).substr(0, n), limit);
        auto const body = frames.next();
        ASSERT_TRUE(body.ok());
        EXPECT_FALSE(body.value());
        EXPECT_EQ(frames.consumed(), 0U);
    }
}

TEST(FrameSplitter, LengthIsBigEndian) {
    EXPECT_EQ(framed(std::string(0x0102, 'x')).substr(0, 4), std::string("\0\0\1\2", 4));
}

TEST(FrameSplitter, TakesALengthOfExactlyTheLimit) {
    std::string const buffer = framed(std::string(limit, 'x'));
    FrameSplitter frames(buffer, limit);
    auto const body = frames.next();
    ASSERT_TRUE(body.ok() && body.value());
    EXPECT_EQ(body.value()->size(), limit);
}

TEST(FrameSplitter, RefusesALengthOverTheLimitBeforeTheBodyArrives) {
    for (std::string const& header : {std::string("\0\0\x03\xe9", 4), std::string("\x80\0\0\0", 4),
                                      std::string("\xff\xff\xff\xff", 4)}) {
        FrameSplitter frames(header, limit);
        EXPECT_FALSE(frames.next().ok());
        EXPECT_FALSE(frames.next().ok()) << "a stream that is broken stays broken";
        EXPECT_EQ(frames.consumed(), 0U);
    }
    FrameSplitter frames(std::string_view("\x80\0\0\0", 4), limit);
    EXPECT_EQ(frames.next().error().detail,
              "message of 2147483648 bytes is over the limit of 1000");
}

TEST(FrameSplitter, GivesTheMessagesBeforeABrokenLength) {
    std::string const buffer = framed("fine") + "\x80";
    std::string const broken = buffer + std::string(3, '\0');
    FrameSplitter frames(broken, limit);
    EXPECT_EQ(bodies_in(frames), (std::vector<std::string>{"fine"}));
    EXPECT_FALSE(frames.next().ok());
}

RC_GTEST_PROP(FrameSplitterProperty, TheSegmentsInWhichAStreamArrivesDoNotMatter,
              (std::vector<std::string> const& messages, std::vector<std::uint8_t> const& cuts)) {
    std::string stream;
    for (auto const& m : messages) stream += framed(m);
    std::string buffer;
    std::vector<std::string> seen;
    std::size_t at = 0;
    auto const arrive = [&](std::size_t n) {
        buffer += stream.substr(at, n);
        at += std::min(n, stream.size() - at);
        FrameSplitter frames(buffer, limit);
        for (auto& body : bodies_in(frames)) seen.push_back(std::move(body));
        buffer.erase(0, frames.consumed());
    };
    for (std::size_t const cut : cuts) arrive(cut % 7);
    arrive(stream.size() - at);
    RC_ASSERT(seen == messages);
    RC_ASSERT(buffer.empty());
}

}  // namespace
}  // namespace doozer::wire
