// When each answer that is made in steps has its turn. A thousand streams that all want to hear of
// every change, or large listings, must not slow the changes down: together they get a share of the
// loop's time, and all of the time that nobody else wants.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/ids.h"
#include "base/time.h"

namespace doozer::web {

using namespace base;

class Producer;

class StreamSchedule {
  public:
    void add(SessionId id, Producer& producer) { producers_[id] = &producer; }
    void remove(SessionId id) { producers_.erase(id); }

    /// To be served as soon as possible, `not_before` at the earliest.
    void due(SessionId id, Instant not_before, Instant now) {
        if (not_before <= now) {
            ready_.push_back(id);
        } else {
            resting_.emplace(not_before, id);
        }
    }

    /// Serves those that are due, as far as their share of time goes, and for a moment in any case
    /// if nobody else wants the time. `clock()` tells the time.
    template <typename Clock>
    void serve(Clock clock, bool loop_is_idle);

    [[nodiscard]] bool has_ready() const { return !ready_.empty(); }

    /// When to come again; nothing if nobody is due.
    [[nodiscard]] std::optional<Instant> next(Instant now) const {
        if (!ready_.empty()) return now + refill_time;
        if (!resting_.empty()) return resting_.begin()->first;
        return std::nullopt;
    }

    /// How long a stream rests after it was served.
    static constexpr Duration rest = milliseconds(50);

  private:
    /// One part in so many of the time is theirs, of which this much can be saved up.
    static constexpr std::int64_t share = 5;
    static constexpr Duration saved_max = milliseconds(2);
    static constexpr Duration refill_time = milliseconds(1);
    /// What they get at once when the loop has nothing else to do: short, since somebody else's
    /// request may arrive meanwhile.
    static constexpr Duration idle_time = microseconds(250);

    std::unordered_map<SessionId, Producer*> producers_;
    std::deque<SessionId> ready_;
    std::multimap<Instant, SessionId> resting_;
    Instant served_until_;
    std::int64_t saved_ = saved_max.value();
};

}  // namespace doozer::web
