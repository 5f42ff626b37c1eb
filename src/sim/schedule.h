// Virtual time: what happens next, in the order of time.
#pragma once

#include <algorithm>
#include <functional>
#include <queue>
#include <vector>

#include "base/time.h"

namespace doozer::sim {

/// Events of one time happen in the order in which they were planned.
class Schedule {
  public:
    using Instant = base::Instant;
    using Duration = base::Duration;

    [[nodiscard]] Instant now() const { return now_; }
    void at(Instant when, std::function<void()> what) {
        events_.push({std::max(when, now_), planned_++, std::move(what)});
    }
    void after(Duration wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }

    /// Does the next thing if it is due by `until` and returns true; otherwise moves the time on to
    /// `until` and returns false.
    bool run_one(Instant until) {
        if (events_.empty() || events_.top().when > until) {
            now_ = std::max(now_, until);
            return false;
        }
        now_ = events_.top().when;
        auto const what = std::move(const_cast<Event&>(events_.top()).what);
        events_.pop();
        what();
        return true;
    }

  private:
    struct Event {
        Instant when;
        std::uint64_t number;
        std::function<void()> what;
        bool operator>(Event const& o) const {
            return when != o.when ? when > o.when : number > o.number;
        }
    };
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t planned_ = 0;
    Instant now_;
};

}  // namespace doozer::sim
