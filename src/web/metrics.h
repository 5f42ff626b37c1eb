// What a process counts about itself: plain numbers that the event loop adds to, turned into text
// only when somebody asks.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/client_message.h"
#include "base/error.h"
#include "base/time.h"

namespace doozer::web {

using namespace base;

/// How often a value was within each power of two.
template <std::size_t Buckets>
struct Histogram {
    /// counts[i]: values below 2^i that are not below 2^(i-1); the last has all that are larger.
    std::array<std::uint64_t, Buckets> counts{};
    std::uint64_t sum = 0;

    void add(std::uint64_t value) {
        auto const bucket = static_cast<std::size_t>(std::bit_width(value));
        ++counts[bucket < Buckets ? bucket : Buckets - 1];
        sum += value;
    }
    [[nodiscard]] std::uint64_t count() const {
        std::uint64_t all = 0;
        for (std::uint64_t const n : counts) all += n;
        return all;
    }
};

/// Spans of time in units of 1,024 ns, about a microsecond: up to 34 s in powers of two.
using TimeHistogram = Histogram<26>;
inline constexpr int time_unit_shift = 10;

inline void add_time(TimeHistogram& histogram, Duration span) {
    std::int64_t const nanoseconds = span.value() < 0 ? 0 : span.value();
    histogram.add(static_cast<std::uint64_t>(nanoseconds) >> time_unit_shift);
}

/// The verbs and results that are told apart; the last of each is for all others.
inline constexpr std::array metric_verbs{
    Verb::get,    Verb::set,  Verb::del,  Verb::rev,    Verb::wait,   Verb::nop,   Verb::walk,
    Verb::getdir, Verb::stat, Verb::self, Verb::access, Verb::status, Verb::force, Verb::list};
inline constexpr std::array metric_results{Errc::tag_in_use,  Errc::unknown_verb, Errc::readonly,
                                           Errc::too_late,    Errc::rev_mismatch, Errc::bad_path,
                                           Errc::missing_arg, Errc::range,        Errc::notdir,
                                           Errc::isdir,       Errc::noent,        Errc::other};
inline constexpr std::size_t verb_slots = metric_verbs.size() + 1;
inline constexpr std::size_t result_slots = metric_results.size() + 1;

/// The place of a verb among metric_verbs.
constexpr std::size_t verb_slot(Verb verb) {
    switch (verb) {
        case Verb::get:
            return 0;
        case Verb::set:
            return 1;
        case Verb::del:
            return 2;
        case Verb::rev:
            return 3;
        case Verb::wait:
            return 4;
        case Verb::nop:
            return 5;
        case Verb::walk:
            return 6;
        case Verb::getdir:
            return 7;
        case Verb::stat:
            return 8;
        case Verb::self:
            return 9;
        case Verb::access:
            return 10;
        case Verb::status:
            return 11;
        case Verb::force:
            return 12;
        case Verb::list:
            return 13;
    }
    return verb_slots - 1;
}

/// 0 for no error, or one more than the place of the code among metric_results.
constexpr std::size_t result_slot(std::optional<Error> const& error) {
    if (!error) return 0;
    for (std::size_t i = 0; i < metric_results.size(); ++i) {
        if (metric_results[i] == error->code) return i + 1;
    }
    return metric_results.size();
}

/// Counted all the time. What only grows is never taken back.
struct Metrics {
    std::array<std::array<std::uint64_t, result_slots>, verb_slots> requests{};
    std::array<TimeHistogram, verb_slots> latency{};
    Histogram<21> batch_changes;  ///< changes in one batch, up to a million
    std::uint64_t batch_bytes = 0;
    std::uint64_t bytes_read = 0;  ///< of client connections
    std::uint64_t bytes_written = 0;
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;
    TimeHistogram commit_time;       ///< of the changes that came in here, from arrival to answer
    std::uint64_t epochs = 0;        ///< that began while this process was there
    std::uint64_t seals = 0;         ///< that were decided here
    std::uint64_t suspicions = 0;    ///< asked to close an epoch, since nothing moved
    std::uint64_t demotions = 0;     ///< proposed: of owners that held others up
    std::uint64_t readmissions = 0;  ///< proposed: of voters that had no lane
    TimeHistogram turn_time;         ///< how long the loop was at work without looking for more
    TimeHistogram timer_delay;       ///< how late a timer was that should come once a second
    std::uint64_t web_connections_accepted = 0;
    std::uint64_t web_requests = 0;
    std::uint64_t web_events = 0;  ///< changes sent to event streams and pages

    void answered(Verb verb, std::optional<Error> const& error, Duration took) {
        std::size_t const slot = verb_slot(verb);
        ++requests[slot][result_slot(error)];
        add_time(latency[slot], took);
    }
};

/// The cluster as this process sees it.
struct ClusterGauges {
    /// Another member, by its id.
    struct Other {
        std::string id;
        bool up = false;
        std::optional<std::int64_t> lag;  ///< in changes
        std::optional<Duration> rtt;
    };
    std::uint64_t epoch = 0;
    bool quorum = false;
    bool member = false;
    std::size_t members = 0;
    std::size_t followers = 0;
    std::size_t free_slots = 0;
    std::vector<Other> others;
};

/// Measured at the moment somebody asks.
struct Gauges {
    ClusterGauges cluster;
    std::size_t connections = 0;
    std::size_t waiting = 0;         ///< requests that wait for their answer
    std::size_t buffered_bytes = 0;  ///< of client connections
    std::size_t resident_bytes = 0;
};

}  // namespace doozer::web
