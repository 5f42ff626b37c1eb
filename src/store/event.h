// What happened at one revision, as everybody who waits is told of it.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"

namespace doozer::store {

using namespace base;

enum class EventKind : unsigned char { set, del, nop };

/// Exactly one for every revision. A NOP's path is "/". The path points into memory of whoever
/// made the event.
struct Event {
    Revision rev;
    EventKind kind = EventKind::nop;
    std::string_view path;
    Bytes value;  ///< empty unless kind is set
};

}  // namespace doozer::store
