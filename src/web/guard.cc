#include "web/guard.h"

#include "net/asio.h"
#include "web/text.h"

namespace doozer::web {
namespace {

/// "host" of "host:port" or "[::1]:port", in lower case and without a final dot.
std::string host_of(std::string_view header) {
    std::string_view host = header;
    if (host.starts_with('[')) {
        host = host.substr(1, host.find(']') - 1);
    } else if (std::size_t const colon = host.rfind(':');
               colon != std::string_view::npos && host.find(':') == colon) {
        host = host.substr(0, colon);
    }
    if (host.ends_with('.')) host.remove_suffix(1);
    std::string out(host);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

}  // namespace

std::optional<std::string> secret_of(HttpRequest const& request) {
    std::string const* const header = request.header("authorization");
    constexpr std::string_view scheme = "basic ";
    if (header == nullptr || header->size() < scheme.size() ||
        !same_ignoring_case(std::string_view(*header).substr(0, scheme.size()), scheme)) {
        return std::nullopt;
    }
    std::string_view encoded = std::string_view(*header).substr(scheme.size());
    while (encoded.starts_with(' ')) encoded.remove_prefix(1);
    auto const pair = from_base64(encoded);
    std::size_t const colon = pair ? pair->find(':') : std::string::npos;
    // What cannot be read is a wrong secret, and not none.
    if (colon == std::string::npos) return std::string(1, '\0');
    return pair->substr(colon + 1);
}

void KnownHosts::add(std::string_view host) {
    if (!host.empty())
        names_.insert(host_of(host.find(':') == std::string_view::npos
                                  ? std::string(host)
                                  : "[" + std::string(host) + "]"));
}

bool KnownHosts::know(std::string_view host_header) const {
    std::string const host = host_of(host_header);
    if (host == "localhost" || names_.contains(host)) return true;
    net::error_code not_an_address;
    (void)net::asio::ip::make_address(host, not_an_address);
    return !not_an_address;
}

bool is_same_origin(HttpRequest const& request, bool secure) {
    std::string const* const origin = request.header("origin");
    if (origin == nullptr) return true;
    std::string const* const host = request.header("host");
    if (host == nullptr) return false;
    return same_ignoring_case(*origin, (secure ? "https://" : "http://") + *host);
}

void add_security_headers(HttpResponse& response) {
    response.headers.emplace_back(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace doozer::web
