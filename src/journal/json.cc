#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "journal/dump.h"
#include "journal/record.h"

namespace doozer::journal {
namespace {

/// How many bytes the character at the beginning takes, or 0 if there is none. Source: Unicode
/// 15.0, table 3-7.
std::size_t utf8_length(std::string_view text) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return 1;
    std::size_t const length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
    if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
    unsigned const second_min = byte(0) == 0xE0 ? 0xA0 : byte(0) == 0xF0 ? 0x90 : 0x80;
    unsigned const second_max = byte(0) == 0xED ? 0x9F : byte(0) == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < second_min || byte(1) > second_max) return 0;
    for (std::size_t i = 2; i < length; ++i)
        if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
    return length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        std::size_t const length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string quoted(std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out.append({'\\', c});
        else if (c == '\n')
            out.append("\\n");
        else if (byte < 0x20 || byte == 0x7F)
            out.append("\\u00").append({digits[byte >> 4U], digits[byte & 15U]});
        else
            out.push_back(c);
    }
    return out + "\"";
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        std::size_t const count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k)
            three = (three << 8U) | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out.push_back(k <= count ? digits[(three >> (18 - 6 * k)) & 63U] : '=');
    }
    return out;
}

std::string text_or_base64(char const* name, std::string_view bytes) {
    if (is_utf8(bytes)) return std::string("\"") + name + "\":" + quoted(bytes);
    return "\"base64\":\"" + base64(bytes) + "\"";
}

}  // namespace

std::string to_json(std::string_view data) {
    auto const parsed = parse_mutation(data);
    if (!parsed.ok()) return "{" + text_or_base64("data", data) + "}";
    Mutation const& mutation = parsed.value();
    std::string out = "{\"rev\":" + std::to_string(mutation.rev.value()) + ",\"op\":\"" +
                      (mutation.is_set() ? "set" : "del") + "\",\"path\":" + quoted(mutation.path);
    if (mutation.is_set()) out += "," + text_or_base64("value", *mutation.value);
    return out + "}";
}

}  // namespace doozer::journal
