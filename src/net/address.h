// "host:port" as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace doozer::net {

/// Where something listens. Not resolved: the host may be a name.
struct Address {
    std::string host;  ///< a name or an IP address, IPv6 without brackets; "" = every interface
    std::uint16_t port = 0;

    bool operator==(Address const&) const = default;
};

/// Reads "host:port", "host", ":port", "[::1]:port", "[::1]" or a bare "::1". A missing port is
/// `default_port`; 0 is allowed (the system chooses). Error (other): "invalid address: <text>".
base::Result<Address> parse_address(std::string_view text, std::uint16_t default_port);

/// "host:port", with brackets around IPv6.
std::string to_string(Address const& address);

}  // namespace doozer::net
