// Cuts a stream of bytes into messages: each is preceded by its length as four bytes, big-endian.
// Source: protocol.md, Framing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/limits.h"
#include "base/result.h"

namespace doozer::wire {

// One by one, since the client library has an Error and a Result of its own in doozer.
using base::Errc;
using base::Error;
using base::frame_header_bytes;
using base::Result;

/// Finds the messages in a buffer that holds what has arrived of a stream and is not yet handled.
/// It copies and keeps nothing, so a length that a peer announces costs no memory:
///
///     FrameSplitter frames(buffer, body_bytes_max);
///     for (;;) {
///         auto const body = frames.next();
///         if (!body.ok()) close the connection;
///         if (!body.value()) break;          // the rest has not arrived yet
///         handle(*body.value());
///     }
///     buffer.erase(0, frames.consumed());
class FrameSplitter {
  public:
    /// `bytes` starts at a message's length and must outlive the bodies that next() gives out.
    FrameSplitter(std::string_view bytes, std::size_t body_bytes_max)
        : bytes_(bytes), body_bytes_max_(body_bytes_max) {}

    /// The next message's body, or nothing if it has not arrived whole. Error (other): a length
    /// over the limit; the stream cannot be read any further and every later call says so again.
    [[nodiscard]] Result<std::optional<std::string_view>> next() {
        std::string_view const rest = bytes_.substr(consumed_);
        if (rest.size() < frame_header_bytes) return std::optional<std::string_view>();
        std::size_t const body_bytes = read_length(rest);
        if (body_bytes > body_bytes_max_) return too_long(body_bytes);
        if (rest.size() - frame_header_bytes < body_bytes) return std::optional<std::string_view>();
        consumed_ += frame_header_bytes + body_bytes;
        DOOZER_ASSERT(consumed_ <= bytes_.size());
        return std::optional(rest.substr(frame_header_bytes, body_bytes));
    }

    /// How many bytes the messages given out so far took, lengths included.
    [[nodiscard]] std::size_t consumed() const { return consumed_; }

  private:
    static std::size_t read_length(std::string_view bytes) {
        std::uint32_t length = 0;
        for (std::size_t i = 0; i < frame_header_bytes; ++i)
            length = (length << 8U) | static_cast<unsigned char>(bytes[i]);
        return length;
    }
    [[nodiscard]] Error too_long(std::size_t body_bytes) const {
        return Error{Errc::other, "message of " + std::to_string(body_bytes) +
                                      " bytes is over the limit of " +
                                      std::to_string(body_bytes_max_)};
    }

    std::string_view bytes_;
    std::size_t body_bytes_max_;
    std::size_t consumed_ = 0;
};

/// Writes the length of a body to `out`. REQUIRES: room for frame_header_bytes.
inline void write_frame_length(char* out, std::size_t body_bytes) {
    DOOZER_ASSERT(body_bytes <= UINT32_MAX);
    for (std::size_t i = 0; i < frame_header_bytes; ++i)
        out[i] = static_cast<char>((body_bytes >> (24U - 8U * i)) & 0xFFU);
}

}  // namespace doozer::wire
