// The one place where time comes from.
#pragma once

#include <chrono>

#include "base/time.h"

namespace doozer::server {

inline base::Instant monotonic_now() {
    auto const since = std::chrono::steady_clock::now().time_since_epoch();
    return base::Instant(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

inline std::chrono::steady_clock::time_point to_time_point(base::Instant instant) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(instant.value()));
}

}  // namespace doozer::server
