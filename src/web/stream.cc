#include "web/stream.h"

#include <utility>

#include "web/server.h"

namespace doozer::web {
namespace {

/// What a step of matching a glob counts for, in bytes looked at.
constexpr std::size_t glob_step_work = 16;

}  // namespace

Stream::~Stream() {
    if (follows_) server().count_stream(-1);
}

void Stream::follow(store::Glob glob, Revision from) {
    glob_ = std::move(glob);
    next_ = from;
    if (!std::exchange(follows_, true)) server().count_stream(1);
}

/// Nothing is spent on the stream until a change comes that it wants to know.
void Stream::wait() {
    waits_ = true;
    Request request;
    request.verb = Verb::wait;
    request.path = glob_->text();
    request.rev = next_;
    ask(request);
}

void Stream::answered(std::vector<replica::Reply>& replies) {
    replica::Reply const& reply = replies[0];
    waits_ = false;
    lost_ = reply.error.has_value();
    if (!lost_) next_ = *reply.rev;
    // What happens meanwhile is gathered.
    ready(now() + StreamSchedule::rest);
}

Stream::Found Stream::find_event(store::Event& event, StepBudget& budget) {
    if (waits_) return Found::later;
    store::Store const& store = host().store();
    if (lost_ || next_ < store.first_revision()) return Found::too_late;
    // The store was replaced by a copy that does not know what this stream has told.
    if (began_ && next_ > store.revision().next()) return Found::too_late;
    if (next_ > store.revision()) {
        wait();
        return Found::later;
    }
    event = store.event(next_, event_path_);
    ++next_;
    began_ = true;
    budget.look_at(glob_->cost(event.path) * glob_step_work);
    if (!glob_->matches(event.path)) return Found::none_yet;
    server().count_events(1);
    return Found::event;
}

}  // namespace doozer::web
