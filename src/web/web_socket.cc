#include "web/web_socket.h"

#include "base/limits.h"
#include "net/sha1.h"
#include "web/text.h"

namespace doozer::web {
namespace {

constexpr std::size_t small_payload_max = 125;
constexpr unsigned final_bit = 0x80;
constexpr unsigned mask_bit = 0x80;

base::Error refused(char const* why) {
    return {base::Errc::other, why};
}

void append_number(std::string& out, std::uint64_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(number >> (8 * i) & 0xff);
}

unsigned byte_at(std::string_view bytes, std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
}

}  // namespace

std::string accept_of(std::string_view key) {
    net::Sha1 const sum = net::sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    return to_base64({sum.data(), sum.size()});
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool ends) {
    out += static_cast<char>((ends ? final_bit : 0) | static_cast<unsigned>(opcode));
    if (payload.size() <= small_payload_max) {
        append_number(out, payload.size(), 1);
    } else if (payload.size() <= 0xffff) {
        append_number(out, 126, 1);
        append_number(out, payload.size(), 2);
    } else {
        append_number(out, 127, 1);
        append_number(out, payload.size(), 8);
    }
    out += payload;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
    std::string out;
    append_number(out, code, 2);
    out += reason.substr(0, small_payload_max - 2);
    return out;
}

base::Result<ClientFrame> take_client_frame(std::string_view bytes) {
    ClientFrame frame;
    if (bytes.size() < 2) return frame;
    unsigned const first = byte_at(bytes, 0);
    unsigned const second = byte_at(bytes, 1);
    if ((first & 0x70) != 0) return refused("WebSocket: extension bits that were not agreed upon");
    if ((second & mask_bit) == 0) return refused("WebSocket: a client's frame without a mask");
    frame.opcode = static_cast<Opcode>(first & 0x0f);
    bool const is_control = (first & 0x08) != 0;
    std::uint64_t size = second & 0x7f;
    std::size_t head = 2;
    if (size >= 126) {
        if (is_control) return refused("WebSocket: a control frame that is too long");
        std::size_t const digits = size == 126 ? 2 : 8;
        if (bytes.size() < head + digits) return frame;
        size = 0;
        for (std::size_t i = 0; i < digits; ++i) size = size << 8 | byte_at(bytes, head + i);
        head += digits;
    }
    if (is_control && (first & final_bit) == 0)
        return refused("WebSocket: a control frame in parts");
    if (size > base::web_client_frame_bytes_max)
        return refused("WebSocket: a frame that is too long");
    if (bytes.size() < head + 4 + size) return frame;
    std::string_view const mask = bytes.substr(head, 4);
    std::string_view const masked = bytes.substr(head + 4, size);
    frame.payload.resize(masked.size());
    for (std::size_t i = 0; i < masked.size(); ++i) {
        frame.payload[i] = static_cast<char>(masked[i] ^ mask[i % 4]);
    }
    frame.size = head + 4 + masked.size();
    return frame;
}

}  // namespace doozer::web
