// The addresses and the secret of a cluster: doozer:?ca=10.0.0.1:8046&ca=10.0.0.2:8046&sk=secret
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doozer/error.h"

namespace doozer {

/// A URI taken apart. Source: doozer(1), URI.
struct Uri {
    /// `ca`: all addresses in the order given, each as "host:port" ("[::1]:8046" for IPv6).
    std::vector<std::string> addresses = {};
    /// `cn`: the cluster's name. With an Options::boot_uri the client looks it up there, and
    /// ignores
    /// `ca`.
    std::string cluster_name = {};
    /// `sk`: the secret that is sent with ACCESS. May be empty.
    std::string secret = {};
    /// `un`: reserved, and only kept.
    std::string unique_name = {};
    /// `tl`: whether to use TLS for these addresses. See Options::tls_authority_file.
    bool tls = false;

    bool operator==(Uri const&) const = default;
};

/// The port of an address that names none.
inline constexpr int default_port = 8046;

/// Reads "doozer:?" and parameters as in an HTTP query, in any order. Decodes percent signs and
/// "+", and ignores unknown parameters.
///
/// Error: invalid_uri for anything else: another scheme, a malformed address, neither `ca` nor
/// `cn`, a `tl` that is neither 0 nor 1.
Result<Uri> parse_uri(std::string_view text);

}  // namespace doozer
