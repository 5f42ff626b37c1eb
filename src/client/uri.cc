#include "doozer/uri.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/url/decode_view.hpp>
#include <boost/url/pct_string_view.hpp>

#include "base/limits.h"
#include "net/address.h"

namespace doozer {
namespace {

constexpr std::string_view scheme = "doozer:?";

Error invalid(std::string const& detail = {}) {
    return Error{Errc::invalid_uri, detail.empty() ? "invalid uri" : "invalid uri: " + detail};
}

/// Percent signs and "+" decoded; nothing if a percent sign is not followed by two digits. Only
/// this much is left to Boost.URL: its parser refuses the brackets of an IPv6 address.
std::optional<std::string> decoded(std::string_view text) {
    auto const checked = boost::urls::make_pct_string_view(text);
    if (!checked) return std::nullopt;
    boost::urls::encoding_opts options;
    options.space_as_plus = true;
    boost::urls::decode_view const view(*checked, options);
    return std::string(view.begin(), view.end());
}

/// A name becomes a component of the path /ctl/ns/<name>/*.
bool is_cluster_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-';
    });
}

std::optional<Error> add_address(Uri& uri, std::string const& text) {
    auto const address = net::parse_address(text, default_port);
    if (!address.ok()) return invalid(address.error().detail);
    if (address.value().host.empty()) return invalid("no host in ca=" + text);
    if (uri.addresses.size() == base::client_addresses_max) return invalid("too many addresses");
    uri.addresses.push_back(net::to_string(address.value()));
    return std::nullopt;
}

std::optional<Error> add_parameter(Uri& uri, std::string_view parameter) {
    auto const equals = std::min(parameter.find('='), parameter.size());
    auto const key = decoded(parameter.substr(0, equals));
    auto value = decoded(parameter.substr(std::min(equals + 1, parameter.size())));
    if (!key || !value) return invalid("a percent sign without two hexadecimal digits");
    if (*key == "ca") return add_address(uri, *value);
    if (*key == "cn") {
        if (!is_cluster_name(*value)) return invalid("bad cluster name");
        uri.cluster_name = std::move(*value);
    } else if (*key == "sk") {
        uri.secret = std::move(*value);
    } else if (*key == "un") {
        uri.unique_name = std::move(*value);
    } else if (*key == "tl") {
        if (*value != "0" && *value != "1") return invalid("tl is 0 or 1");
        uri.tls = *value == "1";
    }
    return std::nullopt;
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
    if (!text.starts_with(scheme)) return invalid();
    Uri uri;
    std::string_view rest = text.substr(scheme.size());
    while (!rest.empty()) {
        auto const end = std::min(rest.find('&'), rest.size());
        if (end > 0)
            if (auto refused = add_parameter(uri, rest.substr(0, end))) return *std::move(refused);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (uri.addresses.empty() && uri.cluster_name.empty()) return invalid();
    return uri;
}

}  // namespace doozer
