#include "base/visible.h"

#include <cstddef>

namespace doozer::base {
namespace {

bool continues(std::string_view text, std::size_t i) {
    return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
}

/// How many bytes the character at the beginning takes, if it is one that can be shown; else 0.
std::size_t shown_bytes(std::string_view text) {
    auto const first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return first < 0x20 || first == 0x7F ? 0 : 1;
    std::size_t const bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) return 0;
    for (std::size_t i = 1; i < bytes; ++i)
        if (!continues(text, i)) return 0;
    auto const second = static_cast<unsigned char>(text[1]);
    // U+0080 to U+009F are the control characters of terminals with eight bits.
    if (first == 0xC2 && second < 0xA0) return 0;
    bool const too_long = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    bool const no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return too_long || no_character ? 0 : bytes;
}

std::string visible(std::string_view text, std::string_view kept) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        std::size_t bytes = shown_bytes(text);
        if (bytes == 0 && kept.find(text.front()) != kept.npos) bytes = 1;
        if (bytes > 0) {
            out += text.substr(0, bytes);
        } else {
            auto const byte = static_cast<unsigned char>(text.front());
            out.append("\\x").append({digits[byte >> 4U], digits[byte & 15U]});
            bytes = 1;
        }
        text.remove_prefix(bytes);
    }
    return out;
}

}  // namespace

std::string visible_line(std::string_view text) {
    return visible(text, "");
}

std::string visible_text(std::string_view text) {
    return visible(text, "\n\t");
}

}  // namespace doozer::base
