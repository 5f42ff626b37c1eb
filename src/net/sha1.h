// SHA-1, for what has to have it: the handshake of WebSocket. No secret depends on it.
#pragma once

#include <string>
#include <string_view>

namespace doozer::net {

/// The 20 bytes of the digest.
std::string sha1(std::string_view bytes);

}  // namespace doozer::net
