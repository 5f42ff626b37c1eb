// When each event stream and each page has its turn. A thousand of them that all want to hear of
// every change must not slow the changes down: together they get a share of the loop's time and no
// more, and each waits a moment after it was served, in which what happens is gathered.
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

class Stream;

class StreamSchedule {
  public:
    void add(SessionId id, Stream& stream) { streams_[id] = &stream; }
    void remove(SessionId id) { streams_.erase(id); }
    [[nodiscard]] std::size_t size() const { return streams_.size(); }

    /// To be served as soon as possible, `not_before` at the earliest.
    void due(SessionId id, Instant not_before, Instant now) {
        if (not_before <= now) {
            ready_.push_back(id);
        } else {
            resting_.emplace(not_before, id);
        }
    }

    /// Serves those that are due, as far as their share of time goes. `clock()` tells the time.
    template <typename Clock>
    void serve(Clock clock);

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
    static constexpr Duration saved_max = milliseconds(5);
    static constexpr Duration refill_time = milliseconds(1);

    std::unordered_map<SessionId, Stream*> streams_;
    std::deque<SessionId> ready_;
    std::multimap<Instant, SessionId> resting_;
    Instant served_until_;
    std::int64_t saved_ = saved_max.value();
};

}  // namespace doozer::web
