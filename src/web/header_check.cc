#include "web/header_check.h"

#include <algorithm>
#include <array>

#include "base/web_limits.h"
#include "web/text.h"

namespace doozer::web {
namespace {

/// Headers that decide what a request means or whose it is. Two of them mean two things.
constexpr std::array<std::string_view, 11> single_headers{"host",
                                                          "content-length",
                                                          "authorization",
                                                          "if-match",
                                                          "if-none-match",
                                                          "origin",
                                                          "expect",
                                                          "upgrade",
                                                          "last-event-id",
                                                          "sec-websocket-key",
                                                          "sec-websocket-version"};

bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_control(char c) {
    auto const byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Digits and nothing else but spaces around them; "1, 1" and "+1" are numbers to some.
bool is_number(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// "HTTP/1.1" and the like; RFC 9112, 2.3.
bool is_version(std::string_view text) {
    return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
           is_digit(text[7]);
}

HeaderFault fault_of_line(std::string_view line, std::array<bool, single_headers.size()>& seen) {
    if (line.front() == ' ' || line.front() == '\t') {
        return {400, "a header line begins with a space: folded headers are not accepted"};
    }
    std::string_view const name = line.substr(0, line.find(':'));
    std::string_view const value = line.substr(std::min(name.size() + 1, line.size()));
    if (same_ignoring_case(name, "content-length") && !is_number(value)) {
        return {400, "Content-Length must be one number"};
    }
    for (std::size_t i = 0; i < single_headers.size(); ++i) {
        if (!same_ignoring_case(name, single_headers[i])) continue;
        if (seen[i]) return {400, "a header that may be there once is there twice"};
        seen[i] = true;
    }
    return {};
}

}  // namespace

HeaderFault check_first_line(std::string_view bytes) {
    if (!bytes.empty() && !is_letter(bytes.front())) return {400, "not a request of HTTP/1.1"};
    std::size_t const end = bytes.find('\n');
    if (end == std::string_view::npos) return {};
    std::string_view const line = bytes.substr(0, end - 1);
    std::string_view const version = line.substr(std::min(line.rfind(' '), line.size() - 1) + 1);
    if (!is_version(version)) return {400, "not a request of HTTP/1.1"};
    if (version[5] != '1') return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    return {};
}

HeaderFault check_line_ends(std::string_view bytes, std::size_t from) {
    for (std::size_t i = bytes.find('\n', from); i < bytes.size(); i = bytes.find('\n', i + 1)) {
        if (i == 0 || bytes[i - 1] != '\r') return {400, "a header line must end in CR LF"};
    }
    return {};
}

HeaderFault check_header(std::string_view header) {
    std::array<bool, single_headers.size()> seen{};
    std::size_t lines = 0;
    while (!header.empty()) {
        std::size_t const end = header.find("\r\n");
        std::string_view const line = header.substr(0, end);
        header.remove_prefix(std::min(line.size() + 2, header.size()));
        if (std::any_of(line.begin(), line.end(), is_control)) {
            return {400, "a header has a control character, or a line that ends in LF alone"};
        }
        if (line.empty()) break;
        if (lines++ == 0) continue;  // the request line
        if (lines - 1 > base::web_headers_max) return {431, "there are too many headers"};
        if (HeaderFault const fault = fault_of_line(line, seen); !fault.why.empty()) return fault;
    }
    return {};
}

}  // namespace doozer::web
