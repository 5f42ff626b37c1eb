// WebSocket as bytes: the handshake's answer, frames out and frames in. The server only listens to
// what keeps a connection alive or ends it; its clients have nothing else to say.
// Source: RFC 6455.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace doozer::web {

/// What Sec-WebSocket-Accept answers to Sec-WebSocket-Key.
std::string accept_of(std::string_view key);

enum class Opcode : unsigned char {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

/// Appends a frame as a server sends it: a whole message, or a part of one. The parts behind the
/// first are continuations, and only the last ends the message.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool ends = true);

/// The payload of a close frame.
std::string close_payload(std::uint16_t code, std::string_view reason);

struct ClientFrame {
    Opcode opcode = Opcode::text;
    std::string payload;
    std::size_t size = 0;  ///< of the frame; 0 if it is not all there yet
};

/// The frame at the beginning of `bytes`. Error (other): not what a client may send, or larger than
/// web_client_frame_bytes_max.
base::Result<ClientFrame> take_client_frame(std::string_view bytes);

}  // namespace doozer::web
