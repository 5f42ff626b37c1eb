#include "client/watch.h"

#include <utility>

#include "client/answer.h"

namespace doozer {

using client::Call;
using client::Engine;

namespace {

std::size_t bytes_of(Result<Event> const& event) {
    return event.ok() ? event->path.size() + event->value.size() : 0;
}

/// The refusals of WAIT with what they mean for a watch.
Error explained(Error error, Revision wanted) {
    if (error.code == Errc::too_late)
        error.detail = "events from revision " + std::to_string(wanted.value()) +
                       " on are missing: the server's history begins later";
    return error;
}

}  // namespace

void Watch::State::start(Self const& self, std::optional<Revision> from) {
    self->asking = true;
    self->loop->run_soon([self, from](Engine* engine) {
        if (engine == nullptr) return self->deliver(client::closed_error());
        if (auto refused = self->loop->refusal_of(self->glob.size()))
            return self->deliver(*std::move(refused));
        if (!from) return ask_for_present(self, *engine);
        self->wanted = *from;
        ask(self, engine);
    });
}

void Watch::State::ask_for_present(Self const& self, Engine& engine) {
    Call call;
    call.verb = base::Verb::rev;
    call.done = [self, &engine](client::Answer const& answer) {
        auto const rev = client::to_revision(answer);
        if (!rev.ok()) return self->deliver(rev.error());
        self->wanted = rev->next();
        ask(self, &engine);
    };
    self->outstanding = engine.submit(std::move(call));
}

void Watch::State::ask(Self const& self, Engine* engine) {
    if (engine == nullptr) return self->deliver(client::closed_error());
    {
        std::lock_guard const lock(self->mutex);
        if (self->cancelled) return;
        self->asking = true;
    }
    Call call;
    call.verb = base::Verb::wait;
    call.path = self->glob;
    call.rev = base::Revision(self->wanted.value());
    call.done = [self, engine](client::Answer const& answer) {
        answered(self, engine, client::to_event(answer));
    };
    self->outstanding = engine->submit(std::move(call));
}

void Watch::State::answered(Self const& self, Engine* engine, Result<Event> outcome) {
    bool const other_store = !outcome.ok() && outcome.error().code == Errc::other_store;
    if (other_store && self->loop->begins_anew()) return begin_anew(self, *engine, outcome.error());
    if (!outcome.ok()) return self->deliver(explained(outcome.error(), self->wanted));
    if (outcome->rev < self->wanted)
        return self->deliver(Error{Errc::bad_response, "the server sent an event from before"});
    self->wanted = outcome->rev.next();
    self->deliver(std::move(outcome));
    go_on(self, engine);
}

void Watch::State::go_on(Self const& self, Engine* engine) {
    {
        std::lock_guard const lock(self->mutex);
        self->asking = self->has_room();
        if (!self->asking) return;
    }
    ask(self, engine);
}

/// From the new store's first change on, if its history holds that, else from the present one on.
/// Found out before the user hears of it: who then lists what is there misses no change.
void Watch::State::begin_anew(Self const& self, Engine& engine, Error const& notice) {
    Revision const present(engine.seen().value());
    if (present == missing) {
        self->wanted = Revision(1);
        self->deliver(notice, false);
        return go_on(self, &engine);
    }
    Call call;
    call.verb = base::Verb::stat;
    call.path = "/";
    call.rev = base::Revision(1);
    call.done = [self, &engine, present, notice](client::Answer const& answer) {
        self->wanted = answer.ok() ? Revision(1) : present.next();
        self->deliver(notice, false);
        go_on(self, &engine);
    };
    self->outstanding = engine.submit(std::move(call));
}

bool Watch::State::has_room() const {
    return waiting.size() < watch_events_waiting_max && waiting_bytes < watch_bytes_waiting_max;
}

/// Hands over an event or an error; `is_end`: whether an error is the end.
void Watch::State::deliver(Result<Event> outcome, bool is_end) {
    if (call_back(outcome, is_end)) return;
    std::lock_guard const lock(mutex);
    if (cancelled || end) return;
    if (outcome.ok() || !is_end) {
        waiting_bytes += bytes_of(outcome);
        waiting.push_back(std::move(outcome));
    } else {
        end = outcome.error();
    }
    changed.notify_all();
}

bool Watch::State::call_back(Result<Event> const& outcome, bool is_end) {
    std::lock_guard const running(calling);
    if (!on_event) return false;
    {
        std::lock_guard const lock(mutex);
        if (cancelled) return true;
    }
    on_event(outcome);
    if (!outcome.ok() && is_end) on_event = nullptr;
    return true;
}

Result<Event> Watch::State::next(Self const& self,
                                 std::optional<std::chrono::milliseconds> timeout) {
    if (self->loop->on_thread())
        return Error{Errc::would_deadlock, "a blocking call from within a callback"};
    std::unique_lock lock(self->mutex);
    auto const something = [&] { return self->cancelled || !self->waiting.empty() || self->end; };
    if (!timeout)
        self->changed.wait(lock, something);
    else if (!self->changed.wait_for(lock, *timeout, something))
        return Error{Errc::timeout, "no event in time"};
    if (self->cancelled) return client::closed_error();
    if (self->waiting.empty()) return *self->end;
    Result<Event> event = std::move(self->waiting.front());
    self->waiting.pop_front();
    self->waiting_bytes -= bytes_of(event);
    if (!self->asking && !self->end && self->has_room()) {
        self->asking = true;
        lock.unlock();
        self->loop->run_soon([self](Engine* engine) { ask(self, engine); });
    }
    return event;
}

void Watch::State::cancel(Self const& self) {
    {
        std::lock_guard const lock(self->mutex);
        if (self->cancelled) return;
        self->cancelled = true;
        self->changed.notify_all();
    }
    self->loop->run_soon([self](Engine* engine) {
        if (engine == nullptr) return;
        engine->abandon(self->outstanding);
        // Not within the function itself: tasks run between callbacks.
        std::lock_guard const running(self->calling);
        self->on_event = nullptr;
    });
    if (self->loop->on_thread()) return;
    std::lock_guard const running(self->calling);
    self->on_event = nullptr;
}

// --- the public face ---------------------------------------------------------------------------

Watch::Watch(std::shared_ptr<State> state) : state_(std::move(state)) {}
Watch::Watch(Watch&&) noexcept = default;

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this == &other) return *this;
    if (state_) State::cancel(state_);
    state_ = std::move(other.state_);
    return *this;
}

Watch::~Watch() {
    if (state_) State::cancel(state_);
}

void Watch::cancel() {
    State::cancel(state_);
}

Result<Event> Watch::next(std::optional<std::chrono::milliseconds> timeout) {
    return State::next(state_, timeout);
}

}  // namespace doozer
