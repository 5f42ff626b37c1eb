// What a process knows about itself when it starts.
#pragma once

#include <string>

#include "base/ids.h"

namespace doozer::replica {

using namespace base;

struct Identity {
    ProcessId id;              ///< 16 characters of Base32, never used before
    std::string cluster_name;  ///< a path component
    std::string address;       ///< host:port, by which the others know this process
    std::string hostname;
    std::string version;
};

}  // namespace doozer::replica
