// The one place where chance comes from.
#pragma once

#include <cstdint>

#include "base/ids.h"

namespace doozer::server {

/// 80 bits from the kernel as 16 characters of Base32 (RFC 4648).
base::ProcessId new_process_id();

/// 64 bits from the kernel.
std::uint64_t random_number();

}  // namespace doozer::server
