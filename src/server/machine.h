// What this process asks of the machine it runs on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace doozer::server {

/// The kernel's name for this machine; "localhost" if it has none.
std::string hostname();

/// Raises the soft limit of open files to the hard one, since every client is one. Returns the
/// limit that is in force then.
std::uint64_t raise_descriptor_limit();

/// The memory that this process takes up now.
std::size_t resident_bytes();

/// Lets a broken log or connection be an error of the write and not the end of the process, and
/// has the allocator give large values back to the system as soon as they are freed.
void prepare_process();

}  // namespace doozer::server
