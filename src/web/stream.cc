#include "web/stream.h"

#include <algorithm>
#include <utility>

#include "web/connection.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {

Stream::~Stream() {
    server().schedule().remove(session());
}

void Stream::follow(store::Glob glob, Revision from) {
    glob_ = std::move(glob);
    next_ = from;
    server().schedule().add(session(), *this);
    wait();
}

bool Stream::has_room() {
    return connection().queued_bytes() <= web_output_bytes_pause;
}

/// Nothing is spent on the stream until a change comes that it wants to know.
void Stream::wait() {
    Request request;
    request.verb = Verb::wait;
    request.path = glob_->text();
    request.rev = next_;
    ask(request);
}

void Stream::answered(std::vector<replica::Reply>& replies) {
    replica::Reply const& reply = replies[0];
    if (reply.error) {
        over_ = true;
        return too_late();
    }
    next_ = *reply.rev;
    Instant const now = host().clock();
    server().schedule().due(session(), rests_until_, now);
}

void Stream::serve(Instant now) {
    if (over_) return;
    if (!is_ready_for_more()) {
        blocked_ = true;
        return;
    }
    store::Store const& store = host().store();
    if (next_ < store.first_revision() || next_ > store.revision().next()) {
        over_ = true;
        return too_late();
    }
    std::uint64_t matches = 0;
    Revision const end(std::min(store.revision().value(),
                                next_.value() + std::int64_t{web_events_per_service} - 1));
    while (next_ <= end && has_room()) {
        store::Event const event = store.event(next_, event_path_);
        ++next_;
        if (!glob_->matches(event.path)) continue;
        ++matches;
        tell(event);
    }
    told();
    server().count_events(matches);
    rests_until_ = now + StreamSchedule::rest;
    if (next_ > store.revision()) return wait();
    server().schedule().due(session(), rests_until_, now);
}

void Stream::on_drained() {
    if (!has_room() || !std::exchange(blocked_, false)) return;
    server().schedule().due(session(), rests_until_, host().clock());
}

}  // namespace doozer::web
