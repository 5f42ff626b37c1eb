// What goes on and on: server-sent events and pages. Both are told of changes by the replica's
// WAIT and read them from the history, so that nothing is kept for those that are slow.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "store/event.h"
#include "store/glob.h"
#include "web/exchange.h"
#include "web/stream_schedule.h"

namespace doozer::web {

class Stream : public Exchange {
  public:
    explicit Stream(Call call) : Exchange(std::move(call)) {}
    ~Stream() override;

    /// Tells what happened since it was last served, as far as one turn goes.
    void serve(Instant now);

    void on_drained() override;

  protected:
    /// Changes from `from` on that match are told.
    void follow(store::Glob glob, Revision from);
    void answered(std::vector<replica::Reply>& replies) override;

    [[nodiscard]] Revision next() const { return next_; }
    [[nodiscard]] bool has_room();

    virtual void tell(store::Event const& event) = 0;
    /// All that was told in one service.
    virtual void told() {}
    /// Whether what was told before is on its way, so that more may come.
    virtual bool is_ready_for_more() { return has_room(); }
    /// The history does not reach back to what comes next.
    virtual void too_late() = 0;

  private:
    void wait();

    std::optional<store::Glob> glob_;
    Revision next_;
    Instant rests_until_;
    bool blocked_ = false;  // the client has to take something first
    bool over_ = false;
    std::string event_path_;
};

template <typename Clock>
void StreamSchedule::serve(Clock clock) {
    Instant now = clock();
    saved_ = std::min(saved_ + (now - served_until_).value() / share, saved_max.value());
    while (!resting_.empty() && resting_.begin()->first <= now) {
        ready_.push_back(resting_.begin()->second);
        resting_.erase(resting_.begin());
    }
    while (saved_ > 0 && !ready_.empty()) {
        SessionId const id = ready_.front();
        ready_.pop_front();
        auto const found = streams_.find(id);
        if (found == streams_.end()) continue;
        found->second->serve(now);
        Instant const after = clock();
        saved_ -= (after - now).value();
        now = after;
    }
    served_until_ = now;
}

}  // namespace doozer::web
