// Time as integers, so that pure code can be handed any clock, a simulated one too.
#pragma once

#include <cstdint>

#include "base/strong.h"

namespace doozer::base {

/// Nanoseconds since an arbitrary origin that is fixed while the process lives; never goes back.
using Instant = Strong<struct InstantTag, std::int64_t>;

/// A span of time in nanoseconds.
using Duration = Strong<struct DurationTag, std::int64_t>;

inline constexpr Instant never{INT64_MAX};

constexpr Duration nanoseconds(std::int64_t n) {
    return Duration(n);
}
constexpr Duration microseconds(std::int64_t n) {
    return Duration(n * 1'000);
}
constexpr Duration milliseconds(std::int64_t n) {
    return Duration(n * 1'000'000);
}
constexpr Duration seconds(std::int64_t n) {
    return Duration(n * 1'000'000'000);
}

constexpr Instant operator+(Instant t, Duration d) {
    return Instant(t.value() + d.value());
}
constexpr Instant operator-(Instant t, Duration d) {
    return Instant(t.value() - d.value());
}
constexpr Duration operator-(Instant a, Instant b) {
    return Duration(a.value() - b.value());
}

}  // namespace doozer::base
