// How long writes took lately: counts by duration, second by second.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace doozer::server {

using base::Duration;
using base::Instant;

class LatencyWindow {
  public:
    static constexpr std::size_t window_seconds = 10;

    struct Quantiles {
        std::int64_t p50 = 0;  ///< microseconds; these two at most an eighth too high
        std::int64_t p99 = 0;
        std::int64_t max = 0;
    };

    void add(Instant now, Duration took) {
        Second& second = at(second_of(now));
        std::int64_t const micros = took.value() < 0 ? 0 : took.value() / 1000;
        ++second.counts[bucket_of(static_cast<std::uint64_t>(micros))];
        second.max = micros > second.max ? micros : second.max;
        ++total_;
    }

    [[nodiscard]] std::uint64_t total() const { return total_; }

    /// Of the whole seconds of the window that have passed.
    [[nodiscard]] double per_second(Instant now) const {
        std::uint64_t sum = 0;
        std::int64_t const current = second_of(now);
        for (Second const& s : seconds_) {
            bool const counts = s.number < current && s.number >= current - whole_seconds;
            for (std::uint32_t const n : s.counts) sum += counts ? n : 0;
        }
        return static_cast<double>(sum) / static_cast<double>(whole_seconds);
    }

    /// None: nothing was written in the last 10 s.
    [[nodiscard]] std::optional<Quantiles> quantiles(Instant now) const {
        std::array<std::uint64_t, buckets> sums{};
        std::uint64_t count = 0;
        Quantiles q;
        for (Second const& s : seconds_) {
            if (s.number <= second_of(now) - std::int64_t{window_seconds}) continue;
            for (std::size_t b = 0; b < buckets; ++b) {
                sums[b] += s.counts[b];
                count += s.counts[b];
            }
            q.max = s.max > q.max ? s.max : q.max;
        }
        if (count == 0) return std::nullopt;
        q.p50 = quantile(sums, (count + 1) / 2, q.max);
        q.p99 = quantile(sums, count - count / 100, q.max);
        return q;
    }

  private:
    // Eight buckets for each power of two, up to 2^25 us: 33 s.
    static constexpr std::size_t parts = 8;
    static constexpr std::size_t buckets = 24 * parts;
    static constexpr std::int64_t whole_seconds = window_seconds - 1;

    struct Second {
        std::int64_t number = INT64_MIN / 2;
        std::int64_t max = 0;
        std::array<std::uint32_t, buckets> counts{};
    };

    static std::int64_t second_of(Instant t) { return t.value() / base::seconds(1).value(); }

    static std::size_t bucket_of(std::uint64_t micros) {
        if (micros < parts) return micros;
        auto const shift = static_cast<std::size_t>(std::bit_width(micros)) - 4;
        std::size_t const bucket = shift * parts + (micros >> shift);
        return bucket < buckets ? bucket : buckets - 1;
    }
    /// The largest number of microseconds that is in the bucket.
    static std::int64_t most_in(std::size_t bucket) {
        if (bucket < 2 * parts) return static_cast<std::int64_t>(bucket);
        std::size_t const shift = bucket / parts - 1;
        std::uint64_t const first = std::uint64_t{bucket % parts + parts} << shift;
        return static_cast<std::int64_t>(first + (std::uint64_t{1} << shift) - 1);
    }
    static std::int64_t quantile(std::array<std::uint64_t, buckets> const& sums, std::uint64_t rank,
                                 std::int64_t max) {
        std::uint64_t seen = 0;
        for (std::size_t b = 0; b + 1 < buckets; ++b) {
            seen += sums[b];
            if (seen >= rank) return most_in(b) < max ? most_in(b) : max;
        }
        return max;
    }

    Second& at(std::int64_t number) {
        Second& second = seconds_[static_cast<std::size_t>(number) % window_seconds];
        if (second.number != number) {
            second = {};
            second.number = number;
        }
        return second;
    }

    std::array<Second, window_seconds> seconds_{};
    std::uint64_t total_ = 0;
};

}  // namespace doozer::server
