#include "web/web_socket.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace doozer::web {
namespace {

/// A frame as a client makes it.
std::string masked(unsigned first, std::string const& payload) {
    std::string const mask = "\x01\x02\x03\x04";
    std::string out;
    out += static_cast<char>(first);
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else {
        out += static_cast<char>(0x80 | 126);
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 0xff);
    }
    out += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out += static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    return out;
}

// RFC 6455, 1.3
TEST(WebSocket, AcceptsAsTheStandardSays) {
    EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, FramesSayTheirLengthInTheFewestBytes) {
    auto const head = [](std::size_t size) {
        std::string out;
        append_frame(out, Opcode::text, std::string(size, 'x'));
        return out.substr(0, out.size() - size);
    };
    EXPECT_EQ(head(125), "\x81\x7d");
    EXPECT_EQ(head(126), std::string("\x81\x7e\x00\x7e", 4));
    EXPECT_EQ(head(65535), "\x81\x7e\xff\xff");
    EXPECT_EQ(head(65536), std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(WebSocket, AClientsFrameIsUnmasked) {
    for (std::size_t const size : {0U, 5U, 125U, 126U, 3000U}) {
        std::string const payload(size, 'p');
        std::string const bytes = masked(0x81, payload);
        auto const frame = take_client_frame(bytes + "more");
        ASSERT_TRUE(frame.ok());
        EXPECT_EQ(frame.value().opcode, Opcode::text);
        EXPECT_EQ(frame.value().payload, payload);
        EXPECT_EQ(frame.value().size, bytes.size());
    }
}

TEST(WebSocket, AFrameThatIsNotAllThereIsWaitedFor) {
    std::string const bytes = masked(0x89, std::string(200, 'p').substr(0, 100));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto const frame = take_client_frame(std::string_view(bytes).substr(0, size));
        ASSERT_TRUE(frame.ok()) << size;
        EXPECT_EQ(frame.value().size, 0U) << size;
    }
}

// RFC 6455, 5.1, 5.2, 5.5
TEST(WebSocket, WhatAClientMayNotSendIsRefused) {
    std::string const huge = std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
    std::string const long_ping = masked(0x89, std::string(126, 'p'));
    for (std::string const& bytes :
         {std::string("\x81\x01x"), masked(0xc1, "x"), masked(0x09, "x"), long_ping, huge,
          masked(0x81, std::string(base::web_client_frame_bytes_max + 1, 'x'))}) {
        EXPECT_FALSE(take_client_frame(bytes).ok());
    }
}

}  // namespace
}  // namespace doozer::web
