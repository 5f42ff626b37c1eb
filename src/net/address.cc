#include "net/address.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/limits.h"

namespace doozer::net {
namespace {

using base::Errc;
using base::Error;

Error invalid(std::string_view text) {
    return Error{Errc::other, "invalid address: " + std::string(text)};
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    std::uint16_t port = 0;
    auto const [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return port;
}

/// Which characters a host may have: those of names and of IP addresses, a zone included.
bool is_host(std::string_view host) {
    if (host.size() > base::host_bytes_max) return false;
    return std::all_of(host.begin(), host.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == ':' || c == '%';
    });
}

struct Parts {
    std::string_view host;
    std::optional<std::string_view> port;
};

std::optional<Parts> take_apart(std::string_view text) {
    if (text.starts_with('[')) {
        auto const end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        std::string_view const host = text.substr(1, end - 1);
        std::string_view const rest = text.substr(end + 1);
        if (host.find(':') == std::string_view::npos) return std::nullopt;
        if (rest.empty()) return Parts{host, std::nullopt};
        if (!rest.starts_with(':')) return std::nullopt;
        return Parts{host, rest.substr(1)};
    }
    auto const colon = text.find(':');
    if (colon == std::string_view::npos) {
        if (text.empty()) return std::nullopt;
        return Parts{text, std::nullopt};
    }
    if (text.find(':', colon + 1) != std::string_view::npos) return Parts{text, std::nullopt};
    return Parts{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

base::Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
    auto const parts = take_apart(text);
    if (!parts || !is_host(parts->host)) return invalid(text);
    auto const port = parts->port ? parse_port(*parts->port) : default_port;
    if (!port) return invalid(text);
    return Address{std::string(parts->host), *port};
}

std::string to_string(Address const& address) {
    bool const ipv6 = address.host.find(':') != std::string::npos;
    std::string const host = ipv6 ? "[" + address.host + "]" : address.host;
    return host + ":" + std::to_string(address.port);
}

}  // namespace doozer::net
