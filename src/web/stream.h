// What goes on and on: server-sent events and pages. Both are told of changes by the replica's
// WAIT and read them from the history, so that nothing is kept for those that are slow.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "store/event.h"
#include "store/glob.h"
#include "web/producer.h"

namespace doozer::web {

class Stream : public Producer {
  public:
    using Producer::Producer;
    ~Stream() override;

    [[nodiscard]] bool is_stream() const override { return follows_; }

  protected:
    /// find_event() finds the changes from `from` on that match.
    void follow(store::Glob glob, Revision from);
    void answered(std::vector<replica::Reply>& replies) override;

    enum class Found {
        event,     ///< the next that matches
        none_yet,  ///< to be asked again
        later,     ///< it is waited for
        too_late   ///< the history does not reach back to it
    };
    /// REQUIRES: follow(). The event's path is valid until the next call.
    Found find_event(store::Event& event, StepBudget& budget);

  private:
    void wait();

    std::optional<store::Glob> glob_;
    Revision next_;
    bool follows_ = false;
    bool waits_ = false;
    bool lost_ = false;
    bool began_ = false;  // an event was looked at
    std::string event_path_;
};

}  // namespace doozer::web
