#include "journal/stream.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "base/limits.h"

namespace doozer::journal {

struct Stream::State {
    using Self = std::shared_ptr<State>;

    explicit State(Client& client_) : client(client_) {}

    /// Asks for as much as there is room for.
    static void ask(Self const& self);
    static void answered(Self const& self, std::uint64_t generation, Revision asked,
                         Result<Event> outcome);
    void deliver();
    [[nodiscard]] bool has_room() const {
        return waiting.size() < base::persist_events_waiting_max &&
               waiting_bytes < base::persist_bytes_waiting_max;
    }

    Client& client;
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    bool started = false;
    std::uint64_t generation = 0;  // of start(); answers of an earlier one are dropped
    Revision next{1};              // to be delivered
    Revision to_ask{1};
    std::size_t outstanding = 0;
    std::map<Revision, Result<Arrived>> early;  // by the revision asked for
    std::vector<Arrived> waiting;
    std::size_t waiting_bytes = 0;
    std::optional<Error> end;
    bool woken = false;
};

void Stream::State::ask(Self const& self) {
    std::vector<Revision> revisions;
    std::uint64_t generation = 0;
    {
        std::lock_guard const lock(self->mutex);
        generation = self->generation;
        while (self->started && !self->end && self->outstanding < base::persist_waits_max &&
               self->has_room()) {
            revisions.push_back(self->to_ask);
            self->to_ask = self->to_ask.next();
            ++self->outstanding;
        }
    }
    // Without the lock: a client that is closed answers at once.
    for (Revision const rev : revisions)
        self->client.async_wait("/**", rev, {}, [self, generation, rev](Result<Event> outcome) {
            answered(self, generation, rev, std::move(outcome));
        });
}

void Stream::State::answered(Self const& self, std::uint64_t generation, Revision asked,
                             Result<Event> outcome) {
    {
        std::lock_guard const lock(self->mutex);
        if (generation != self->generation) return;
        --self->outstanding;
        if (outcome.ok() && outcome->rev < asked)
            outcome = Error{Errc::bad_response, "the server sent an event from before"};
        if (outcome.ok())
            self->early.emplace(asked,
                                Arrived{std::move(outcome).value(), self->client.connections()});
        else
            self->early.emplace(asked, outcome.error());
        self->deliver();
    }
    ask(self);
}

/// What has come in order can be taken. REQUIRES: the lock.
void Stream::State::deliver() {
    while (!end && !early.empty() && early.begin()->first <= next) {
        auto first = early.extract(early.begin());
        if (first.key() < next) continue;
        if (!first.mapped().ok()) {
            end = first.mapped().error();
        } else {
            Arrived& arrived = *first.mapped();
            next = arrived.event.rev.next();
            if (to_ask < next) to_ask = next;
            waiting_bytes += arrived.event.path.size() + arrived.event.value.size();
            waiting.push_back(std::move(arrived));
        }
        changed.notify_all();
    }
}

Stream::Stream(Client& client) : state_(std::make_shared<State>(client)) {}

/// Also stops ask(): an answer may have come that is just about to ask for more. It would ask under
/// the new generation and be refused at once by a client that is closed, and ask again from within
/// that refusal, and so on until the stack ends, since what would end the stream, the answer for
/// `next`, is of the generation before and dropped.
Stream::~Stream() {
    std::lock_guard const lock(state_->mutex);
    state_->started = false;
    ++state_->generation;
}

void Stream::start(Revision from) {
    {
        std::lock_guard const lock(state_->mutex);
        state_->started = true;
        ++state_->generation;
        state_->next = state_->to_ask = from;
        state_->outstanding = 0;
        state_->early.clear();
        state_->waiting.clear();
        state_->waiting_bytes = 0;
        state_->end.reset();
    }
    State::ask(state_);
}

Stream::Batch Stream::take(std::chrono::milliseconds timeout) {
    Batch batch;
    {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait_for(lock, timeout, [this] {
            return !state_->waiting.empty() || state_->end || state_->woken;
        });
        state_->woken = false;
        std::swap(batch.events, state_->waiting);
        state_->waiting_bytes = 0;
        batch.end = state_->end;
    }
    State::ask(state_);
    return batch;
}

void Stream::pause(std::chrono::milliseconds time) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, time, [this] { return state_->woken; });
}

void Stream::wake() {
    std::lock_guard const lock(state_->mutex);
    state_->woken = true;
    state_->changed.notify_all();
}

}  // namespace doozer::journal
