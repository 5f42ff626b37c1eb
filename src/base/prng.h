// A seeded generator: the only source of chance that pure code may use, handed in by the caller.
#pragma once

#include <cstdint>

#include "base/assert.h"

namespace doozer::base {

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
/// The same seed gives the same numbers on every machine. Not for secrets.
class Prng {
  public:
    explicit constexpr Prng(std::uint64_t seed) : state_(seed) {}

    constexpr std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }

    /// A number in [0, bound). REQUIRES: bound > 0. The bias is below bound / 2^64.
    constexpr std::uint64_t below(std::uint64_t bound) {
        DOOZER_ASSERT(bound > 0);
        return next() % bound;
    }

    /// True once in `n` times on average.
    constexpr bool one_in(std::uint64_t n) { return below(n) == 0; }

  private:
    std::uint64_t state_;
};

}  // namespace doozer::base
