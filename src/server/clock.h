// The one place where time comes from.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace doozer::server {

inline base::Instant monotonic_now() {
    auto const since = std::chrono::steady_clock::now().time_since_epoch();
    return base::Instant(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

/// Milliseconds since 1970, for people; it may go back.
inline std::int64_t wall_clock_ms() {
    auto const since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

inline std::chrono::steady_clock::time_point to_time_point(base::Instant instant) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(instant.value()));
}

}  // namespace doozer::server
