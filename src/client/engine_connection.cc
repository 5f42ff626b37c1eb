// One server after the other: what becomes of each request when a connection is lost, and how the
// engine leaves a server that cannot do what is asked without losing anything.
#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"
#include "client/answer.h"
#include "client/engine.h"

namespace doozer::client {

void Engine::connected(Reached reached) {
    DOOZER_ASSERT(!link_);
    DOOZER_ASSERT(writes_sent_ == 0);
    ++connections_;
    server_ = std::move(reached.address);
    connected_at_ = Clock::now();
    {
        std::lock_guard const lock(address_mutex_);
        address_ = net::to_string(server_);
    }
    link_ = std::move(reached.link);
    Link::Owner owner;
    owner.frame = [this](std::string_view body) { frame(body); };
    owner.sent = [this] { flush(); };
    owner.lost = [this](std::string const&) { connection_lost(); };
    link_->set_owner(std::move(owner));
    // One that was asked for on the connection before is asked for again on this one.
    if (heartbeat_asked_) heartbeat_asked_ = Clock::now();
    arm_heartbeat(Clock::now() + timing_.heartbeat_after);
    server_rev_ = reached.rev;
    catching_up_to_ = seen_;
    judge_store(std::move(reached.store));
    if (is_foreign_) {
        look_again_ = {};
        want_other();
    } else {
        if (server_rev_ < catching_up_to_) arm_catch_up();
        seen_ = std::max(seen_, server_rev_);
        if (learns_) learner_.connected();
    }
    flush_soon();
}

void Engine::connection_lost() {
    bool const lived = Clock::now() - connected_at_ >= timing_.delay_max;
    dialer_.stop();
    std::optional<Reached> found = std::exchange(found_, std::nullopt);
    Left const left = leave_connection();
    if (found)
        connected(*std::move(found));
    else
        dialer_.dial(!lived, [this](Reached reached) { connected(std::move(reached)); });
    tell(left, "the connection was lost before the answer");
}

/// What is asked of this server becomes what is to be asked of the next one. Returns what does not.
Engine::Left Engine::leave_connection() {
    if (auto const link = std::exchange(link_, nullptr)) link->close();
    sending_.clear();
    for (auto* const timer : {&heartbeat_timer_, &drain_timer_, &catch_up_timer_}) timer->cancel();
    moving_ = Moving::no;
    is_behind_ = false;
    is_foreign_ = false;
    writes_sent_ = 0;
    learner_.disconnected();
    Left left;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        Slot const& s = slots_[slot];
        if (s.state == Slot::State::sent && s.call.is_write()) {
            left.unknown.push_back(id_of(slot));
            answered_upto_ = std::max(answered_upto_, s.sequence);
        }
    }
    queue_.clear();
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        Slot& s = slots_[slot];
        if (s.state == Slot::State::abandoned) release(slot);
        if (s.state == Slot::State::free) continue;
        if (s.call.internal) {
            left.internal.push_back(id_of(slot));
        } else if (s.state == Slot::State::refused && comes_too_late(s)) {
            left.refused.push_back(id_of(slot));
        } else if (s.state != Slot::State::sent || !s.call.is_write()) {
            s.state = Slot::State::queued;
            queue_.push_back(id_of(slot));
        }
    }
    std::sort(queue_.begin(), queue_.end(),
              [](CallId const& a, CallId const& b) { return a.sequence < b.sequence; });
    return left;
}

/// Whether a write that was refused would, if it were sent again, come behind one that was called
/// after it.
bool Engine::comes_too_late(Slot const& s) const {
    return s.call.is_write() && s.sequence < answered_upto_;
}

/// Last of all, since what is called here may submit more.
void Engine::tell(Left const& left, char const* why) {
    auto const is_there = [this](CallId id) {
        return slots_[id.slot].sequence == id.sequence &&
               slots_[id.slot].state != Slot::State::free;
    };
    for (CallId const id : left.internal)
        if (is_there(id)) complete(id.slot, Error{Errc::connect_failed, why});
    for (CallId const id : left.refused)
        if (is_there(id)) complete(id.slot, Error(slots_[id.slot].call.refusal));
    for (CallId const id : left.unknown)
        if (is_there(id)) complete(id.slot, unknown_outcome(why));
}

// --- a better server -----------------------------------------------------------------------------

Learner::Owner Engine::learner_owner() {
    Learner::Owner owner;
    owner.learned = [this](std::vector<net::Address> addresses) {
        dialer_.learned(meant_for_us(std::move(addresses), server_));
    };
    owner.settled = [this] {
        if (moving_ == Moving::learning) look_for_other();
    };
    owner.left = [this] { want_other(); };
    return owner;
}

/// This server has not done it, and will not; another may.
void Engine::refused(std::size_t slot, Error error) {
    Call& call = slots_[slot].call;
    auto& before = call.refused_by;
    bool const again = std::find(before.begin(), before.end(), server_) != before.end();
    call.refusal = std::move(error);
    slots_[slot].state = Slot::State::refused;
    if (again) return give_up(slot);
    before.push_back(server_);
    want_other();
}

/// A call that was refused is over.
void Engine::give_up(std::size_t slot) {
    DOOZER_ASSERT(slots_[slot].state == Slot::State::refused);
    Call const call = take_call(slot);
    drop(slot);
    call.done(Error(call.refusal));
}

void Engine::want_other() {
    if (moving_ != Moving::no || !link_) return;
    if (Clock::now() < look_again_) return stay();
    // What another cluster says of its members is of no use.
    if (!learns_ || is_foreign_ || learner_.settled()) return look_for_other();
    moving_ = Moving::learning;
    learner_.learn_now();
}

void Engine::look_for_other() {
    if (!dialer_.knows_other(server_)) return stay();
    moving_ = Moving::looking;
    auto const has_our_store = [this](Reached const& reached) {
        bool const is_known = store_.is_known() && reached.store.is_known();
        return !is_known || reached.store.continues(store_, seen_);
    };
    dialer_.dial_others(server_, has_our_store, [this](Result<Reached> outcome) {
        if (!outcome.ok()) return stay();
        found_other(std::move(outcome).value());
    });
}

void Engine::found_other(Reached reached) {
    moving_ = Moving::draining;
    Link::Owner owner;
    owner.frame = [](std::string_view) {};
    owner.lost = [this](std::string const&) {
        found_.reset();
        drain_timer_.cancel();
        look_for_other();
    };
    reached.link->set_owner(std::move(owner));
    found_ = std::move(reached);
    drain_timer_.expires_after(timing_.drain);
    drain_timer_.async_wait([this](net::error_code cancelled) {
        if (!cancelled && moving_ == Moving::draining) move();
    });
    move_if_drained();
}

void Engine::move_if_drained() {
    if (moving_ == Moving::draining && writes_sent_ == 0) move();
}

void Engine::move() {
    DOOZER_ASSERT(found_);
    Reached found = *std::exchange(found_, std::nullopt);
    Left const left = leave_connection();
    connected(std::move(found));
    tell(left, "the server that it was sent to takes no more writes");
}

/// There is no better one, for now.
void Engine::stay() {
    moving_ = Moving::no;
    auto const now = Clock::now();
    if (now >= look_again_) look_again_ = now + timing_.search_again;
    if (begins_anew_ && (is_foreign_ || (is_behind_ && !is_same_store_))) return begin_anew();
    std::vector<CallId> over;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot)
        if (slots_[slot].state == Slot::State::refused) over.push_back(id_of(slot));
    for (CallId const id : over) {
        Slot const& s = slots_[id.slot];
        if (s.sequence == id.sequence && s.state == Slot::State::refused) give_up(id.slot);
    }
    flush_soon();
}

}  // namespace doozer::client
