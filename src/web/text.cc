#include "web/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace doozer::web {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    char const small = lower(c);
    if (small >= 'a' && small <= 'f') return static_cast<unsigned>(small - 'a' + 10);
    return std::nullopt;
}

unsigned byte_at(std::string_view bytes, std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
}

/// How many bytes the character that begins with `lead` has, and what its second may be.
struct Form {
    std::size_t size = 0;
    unsigned second_min = 0x80;
    unsigned second_max = 0xbf;
};

Form form_of(unsigned lead) {
    if (lead < 0x80) return {1};
    if (lead >= 0xc2 && lead <= 0xdf) return {2};
    if (lead == 0xe0) return {3, 0xa0, 0xbf};
    if (lead == 0xed) return {3, 0x80, 0x9f};  // no halves of surrogate pairs
    if (lead >= 0xe1 && lead <= 0xef) return {3};
    if (lead == 0xf0) return {4, 0x90, 0xbf};
    if (lead == 0xf4) return {4, 0x80, 0x8f};
    if (lead >= 0xf1 && lead <= 0xf3) return {4};
    return {};
}

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::size_t const left = bytes.size() - i;
        unsigned const group = byte_at(bytes, i) << 16 |
                               (left > 1 ? byte_at(bytes, i + 1) << 8 : 0U) |
                               (left > 2 ? byte_at(bytes, i + 2) : 0U);
        out += alphabet[group >> 18];
        out += alphabet[group >> 12 & 63];
        out += left > 1 ? alphabet[group >> 6 & 63] : '=';
        out += left > 2 ? alphabet[group & 63] : '=';
    }
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    std::string out;
    unsigned bits = 0;
    int have = 0;
    for (char const c : text) {
        std::size_t const value = alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out += static_cast<char>(bits >> have & 0xff);
        }
    }
    return out;
}

bool is_utf8(std::string_view bytes) {
    std::size_t position = 0;
    return skip_utf8(bytes, position, bytes.size());
}

bool skip_utf8(std::string_view bytes, std::size_t& position, std::size_t until) {
    while (position < until) {
        Form const form = form_of(byte_at(bytes, position));
        if (form.size == 0 || bytes.size() - position < form.size) return false;
        for (std::size_t k = 1; k < form.size; ++k) {
            unsigned const next = byte_at(bytes, position + k);
            unsigned const least = k == 1 ? form.second_min : 0x80;
            unsigned const most = k == 1 ? form.second_max : 0xbf;
            if (next < least || next > most) return false;
        }
        position += form.size;
    }
    return true;
}

std::string_view cut_utf8(std::string_view bytes, std::size_t bytes_max) {
    if (bytes.size() <= bytes_max) return bytes;
    std::size_t end = bytes_max;
    while (end > 0 && (byte_at(bytes, end) & 0xc0) == 0x80) --end;
    return bytes.substr(0, end);
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (text.size() - i < 3) return std::nullopt;
            auto const high = hex_digit(text[i + 1]);
            auto const low = hex_digit(text[i + 2]);
            if (!high || !low) return std::nullopt;
            out += static_cast<char>(*high << 4 | *low);
            i += 2;
        }
    }
    return out;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool names_token(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        std::string_view one = list.substr(0, list.find(','));
        list.remove_prefix(std::min(one.size() + 1, list.size()));
        while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
        while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
        if (same_ignoring_case(one, token)) return true;
    }
    return false;
}

}  // namespace doozer::web
