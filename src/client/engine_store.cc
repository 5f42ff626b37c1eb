// Which store a server serves and how far it is: when a client must not take its word.
#include <algorithm>
#include <string>
#include <utility>

#include "base/status_part.h"
#include "client/answer.h"
#include "client/engine.h"

namespace doozer::client {

// --- the store -----------------------------------------------------------------------------------

/// A server that comes back empty, or an address that another cluster has taken, would answer
/// revisions of the old store from the new one, or wait for them without end.
void Engine::judge_store(StoreIdentity store) {
    is_same_store_ = store_.is_known() && store.is_known() && store.continues(store_, seen_);
    is_foreign_ = store_.is_known() && store.is_known() && !is_same_store_;
    if (is_foreign_) {
        foreign_ = std::move(store);
    } else if (store.is_known()) {
        store_ = std::move(store);
    }
}

/// A secret that is presented later may give the right to ask.
void Engine::ask_for_store() {
    if (store_.is_known() || is_foreign_) return;
    Call call;
    call.verb = Verb::status;
    call.path = base::status_lineage;
    call.internal = true;
    call.done = [this, connection = connections()](Answer const& answer) {
        if (connection != connections() || !answer.ok()) return;
        judge_store(parse_store(answer.value().value.value_or(std::string_view())));
    };
    submit(std::move(call));
}

/// Whether a call is about the store that the client has met: not one that only says what a file
/// shall be from now on.
bool Engine::relies_on_store(Call const& call) const {
    if (call.internal) return false;
    switch (call.verb) {
        case Verb::get:
        case Verb::stat:
        case Verb::getdir:
        case Verb::walk:
        case Verb::wait:
            return true;
        case Verb::set:
        case Verb::del:
            return call.rev > base::missing;
        default:
            return false;
    }
}

std::optional<Error> Engine::why_not_here(Call const& call) const {
    if (is_foreign_ && relies_on_store(call)) return other_store_error();
    if (is_behind_ && waits_for_ever(call)) return behind_error();
    return std::nullopt;
}

Error Engine::other_store_error() const {
    std::string detail = net::to_string(server_) + " has another store than the one that this " +
                         "client has used: ";
    if (is_foreign_)
        detail += "it was founded anew, or is another cluster (lineage " + foreign_.lineage +
                  " instead of " + store_.lineage + ")";
    else
        detail += "it is at revision " + std::to_string(server_rev_.value()) + ", but revision " +
                  std::to_string(catching_up_to_.value()) + " was met before";
    return Error{Errc::other_store, std::move(detail)};
}

/// There is no server with the old store, and Options::begin_anew is set.
void Engine::begin_anew() {
    Error const error = other_store_error();
    store_ = is_foreign_ ? std::move(foreign_) : StoreIdentity{};
    is_foreign_ = is_behind_ = false;
    is_same_store_ = store_.is_known();
    seen_ = catching_up_to_ = server_rev_;
    std::vector<CallId> over;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        Slot& s = slots_[slot];
        bool const is_about_old = s.state == Slot::State::queued && relies_on_store(s.call);
        if (!is_about_old && s.state != Slot::State::refused) continue;
        s.state = Slot::State::refused;
        if (relies_on_store(s.call)) s.call.refusal = error;
        over.push_back(id_of(slot));
    }
    if (learns_) learner_.connected();
    for (CallId const id : over) {
        Slot const& s = slots_[id.slot];
        if (s.sequence == id.sequence && s.state == Slot::State::refused) give_up(id.slot);
    }
    flush_soon();
}

// --- a server that is behind ---------------------------------------------------------------------

void Engine::arm_catch_up() {
    catch_up_timer_.expires_after(timing_.catch_up);
    catch_up_timer_.async_wait([this](net::error_code cancelled) {
        if (cancelled || !link_) return;
        Call call;
        call.verb = Verb::rev;
        call.internal = true;
        call.done = [this, connection = connections()](Answer const& answer) {
            if (connection == connections() && answer.ok()) look_whether_behind(answer);
        };
        submit(std::move(call));
    });
}

void Engine::look_whether_behind(Answer const& answer) {
    server_rev_ = answer.value().rev.value_or(base::missing);
    is_behind_ = server_rev_ < catching_up_to_;
    if (!is_behind_) return;
    arm_catch_up();
    std::vector<CallId> waiting;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot)
        if (slots_[slot].state == Slot::State::sent && waits_for_ever(slots_[slot].call))
            waiting.push_back(id_of(slot));
    for (CallId const id : waiting) {
        Slot& s = slots_[id.slot];
        if (s.sequence != id.sequence || s.state != Slot::State::sent) continue;
        s.keeps_tag = true;  // the server may answer it one day
        refused(id.slot, behind_error());
    }
}

/// Whether it is to be answered from a state that was met elsewhere, and that this server lacks.
bool Engine::waits_for_ever(Call const& call) const {
    if (call.internal || call.is_write()) return false;
    // A server of the same store gets there one day. Of another one nobody knows that.
    if (call.verb == Verb::wait) return !is_same_store_;
    if (call.rev) return *call.rev > server_rev_ && *call.rev <= catching_up_to_;
    return call.looks_at_newest();
}

Error Engine::behind_error() const {
    return Error{Errc::behind, net::to_string(server_) + " is at revision " +
                                   std::to_string(server_rev_.value()) +
                                   ", but this client has met revision " +
                                   std::to_string(catching_up_to_.value()) +
                                   ": it lags, or what was there before is lost"};
}

}  // namespace doozer::client
