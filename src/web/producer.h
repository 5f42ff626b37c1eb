// An answer that is made in steps: the schedule asks for the next step when the connection has room
// for it and it is this answer's turn. So the size of an answer costs its client time, and nobody
// else memory or time.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "web/exchange.h"
#include "web/piecewise.h"
#include "web/stream_schedule.h"

namespace doozer::web {

class Producer : public Exchange {
  public:
    explicit Producer(Call call);
    ~Producer() override;

    /// Makes the next step. Called by StreamSchedule.
    void serve(Instant now);

    void on_drained() override;
    [[nodiscard]] std::size_t held_bytes() const override { return item_.charge(); }

  protected:
    enum class Next {
        item,      ///< `item` is the next to be told
        none_yet,  ///< to be asked again: the budget may be spent, or something was prepared
        later,     ///< ready() will be called
        end        ///< there is nothing more
    };
    /// What comes next.
    virtual Next next(Item& item, StepBudget& budget) = 0;
    /// A part of an item was made: the first one if `begins`, the last one if `ends`.
    virtual void put(std::string_view part, bool begins, bool ends) = 0;
    /// A step is over.
    virtual void served(bool /*ended*/) {}

    /// next() is to be called, `not_before` at the earliest.
    void ready(Instant not_before = Instant(0));
    /// Whether what comes next is not a part of the item before it.
    [[nodiscard]] bool is_between_items() const { return item_.is_done(); }
    /// serve() does nothing any more.
    void end() { over_ = true; }
    /// When the step under way began.
    [[nodiscard]] Instant now() const { return now_; }

  private:
    bool make_step(StepBudget& budget);

    Item item_;
    Instant now_;
    bool begins_ = false;   // nothing of the item was made yet
    bool is_due_ = false;   // the schedule will call
    bool blocked_ = false;  // the client has to take something first
    bool over_ = false;
};

/// One JSON document. If it turns out to be small it is sent with its length, and in chunks if not.
class JsonAnswer : public Producer {
  public:
    using Producer::Producer;

    [[nodiscard]] std::size_t held_bytes() const override {
        return Producer::held_bytes() + body_.capacity();
    }

  protected:
    /// Answers with nothing but the item. What is in it is told at once if it is small.
    void respond_item(HttpResponse head, Item item, std::size_t value_bytes);
    /// Answers with an error if nothing was sent yet. False: the client has had a part already.
    bool try_to_refuse(Error const& error);

    Next next(Item& item, StepBudget& budget) override;
    void put(std::string_view part, bool begins, bool ends) override;
    void served(bool ended) override;

  private:
    HttpResponse head_;
    std::optional<Item> only_;  // of respond_item()
    std::string body_;          // what was made and not sent yet
    bool head_sent_ = false;
};

template <typename Clock>
void StreamSchedule::serve(Clock clock, bool loop_is_idle) {
    Instant now = clock();
    saved_ = std::min(saved_ + (now - served_until_).value() / share, saved_max.value());
    if (loop_is_idle) saved_ = std::max(saved_, idle_time.value());
    while (!resting_.empty() && resting_.begin()->first <= now) {
        ready_.push_back(resting_.begin()->second);
        resting_.erase(resting_.begin());
    }
    while (saved_ > 0 && !ready_.empty()) {
        SessionId const id = ready_.front();
        ready_.pop_front();
        auto const found = producers_.find(id);
        if (found == producers_.end()) continue;
        found->second->serve(now);
        Instant const after = clock();
        saved_ -= (after - now).value();
        now = after;
    }
    served_until_ = now;
}

}  // namespace doozer::web
