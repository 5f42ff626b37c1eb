// SHA-1, for what has to have it: the journal's format and the handshake of WebSocket. Against
// accidents, not against attackers.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace doozer::net {

inline constexpr std::size_t sha1_bytes = 20;
using Sha1 = std::array<char, sha1_bytes>;

Sha1 sha1(std::string_view data);

/// 40 hexadecimal digits.
std::string to_hex(Sha1 const& sum);

}  // namespace doozer::net
