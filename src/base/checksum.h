// A checksum of bytes that travel without encryption: CRC-32C, as iSCSI and many file formats have
// it. It finds what lines and memory do to bytes, not what an attacker does.
#pragma once

#include <cstdint>
#include <string_view>

namespace doozer::base {

/// The checksum of what `crc` is the checksum of, followed by `bytes`. Begin with 0.
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes);

}  // namespace doozer::base
