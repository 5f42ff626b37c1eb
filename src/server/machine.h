// What this process asks of the machine it runs on.
#pragma once

#include <cstdint>
#include <string>

namespace doozer::server {

/// The kernel's name for this machine; "localhost" if it has none.
std::string hostname();

/// Raises the soft limit of open files to the hard one, since every client is one. Returns the
/// limit that is in force then.
std::uint64_t raise_descriptor_limit();

}  // namespace doozer::server
