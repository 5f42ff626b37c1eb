#include "client/engine.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "client/answer.h"
#include "wire/client_codec.h"

namespace doozer::client {
namespace {

/// How many places of calls that are over the queue may hold before they are removed.
constexpr std::size_t queue_slack = 64;

}  // namespace

Engine::Engine(Context io, Dialer::Target target, Timing const& timing, bool learns,
               bool begins_anew)
    : io_(std::move(io)),
      timing_(timing),
      dialer_(io_, std::move(target), timing),
      learner_(*this, *io_, timing, learner_owner()),
      learns_(learns),
      deadline_timer_(*io_),
      heartbeat_timer_(*io_),
      drain_timer_(*io_),
      catch_up_timer_(*io_),
      begins_anew_(begins_anew) {}

void Engine::start(Clock::time_point deadline, std::function<void(Result<Done>)> started) {
    dialer_.dial_once(deadline, [this, started = std::move(started)](Result<Reached> outcome) {
        if (!outcome.ok()) return started(outcome.error());
        connected(std::move(outcome).value());
        started(Done{});
    });
}

std::string Engine::address() const {
    std::lock_guard const lock(address_mutex_);
    return address_;
}

// --- slots ---------------------------------------------------------------------------------------

void Engine::count(Call const& call) {
    ++outstanding_;
    outstanding_bytes_ += call.bytes();
}

void Engine::uncount(Call const& call) {
    --outstanding_;
    outstanding_bytes_ -= call.bytes();
}

CallId Engine::submit(Call call) {
    count(call);
    return submit_counted(std::move(call));
}

CallId Engine::submit_counted(Call call) {
    if (closed_) {
        uncount(call);
        call.done(closed_error());
        return {};
    }
    if (free_.empty()) {
        free_.push_back(slots_.size());
        slots_.emplace_back();
    }
    std::size_t const slot = free_.back();
    free_.pop_back();
    Slot& s = slots_[slot];
    DOOZER_ASSERT(s.state == Slot::State::free);
    s.state = Slot::State::queued;
    s.keeps_tag = false;
    s.sequence = ++sequence_;
    s.call = std::move(call);
    queue_.push_back(id_of(slot));
    // Calls that time out while there is no connection leave their places in the queue behind.
    if (queue_.size() > 2 * outstanding_ + queue_slack)
        std::erase_if(queue_, [this](CallId id) { return !is_queued(id); });
    if (s.call.deadline) {
        deadlines_.emplace(*s.call.deadline, s.sequence, slot);
        if (std::get<1>(*deadlines_.begin()) == s.sequence) arm_deadlines();
    }
    flush_soon();
    return id_of(slot);
}

Call Engine::take_call(std::size_t slot) {
    Slot& s = slots_[slot];
    if (s.call.deadline) deadlines_.erase({*s.call.deadline, s.sequence, slot});
    outstanding_bytes_ -= s.call.bytes();
    return std::move(s.call);
}

void Engine::release(std::size_t slot) {
    DOOZER_ASSERT(slots_[slot].state != Slot::State::free);
    slots_[slot].state = Slot::State::free;
    free_.push_back(slot);
    --outstanding_;
}

void Engine::complete(std::size_t slot, Answer const& answer) {
    Call const call = take_call(slot);
    release(slot);
    call.done(answer);
}

/// Of a call that nobody waits for any more: its tag stays taken while the server may answer it.
void Engine::drop(std::size_t slot) {
    Slot& s = slots_[slot];
    bool const keeps_tag =
        s.state == Slot::State::sent || (s.state == Slot::State::refused && s.keeps_tag);
    if (!keeps_tag) return release(slot);
    s.state = Slot::State::abandoned;
}

void Engine::abandon(CallId id) {
    if (id.slot >= slots_.size() || slots_[id.slot].sequence != id.sequence) return;
    Slot& s = slots_[id.slot];
    if (s.state == Slot::State::free || s.state == Slot::State::abandoned) return;
    Call const dropped = take_call(id.slot);
    drop(id.slot);
}

// --- sending -------------------------------------------------------------------------------------

void Engine::flush_soon() {
    if (flush_posted_ || !link_) return;
    flush_posted_ = true;
    asio::post(*io_, [this] {
        flush_posted_ = false;
        flush();
    });
}

bool Engine::is_queued(CallId id) const {
    Slot const& s = slots_[id.slot];
    return s.sequence == id.sequence && s.state == Slot::State::queued;
}

/// While another server is looked for, this one gets nothing that it cannot do.
bool Engine::may_send(Call const& call) const {
    return moving_ == Moving::no || call.internal || !call.needs_member();
}

void Engine::flush() {
    if (!link_ || link_->sending()) return;
    std::vector<CallId> held;
    while (!queue_.empty() && sending_.size() < base::client_send_bytes) {
        CallId const id = queue_.front();
        queue_.pop_front();
        if (!is_queued(id)) continue;
        Slot& s = slots_[id.slot];
        if (!may_send(s.call)) {
            held.push_back(id);
            continue;
        }
        if (auto why = why_not_here(s.call)) {
            refused(id.slot, *std::move(why));
            if (!link_) break;
            continue;
        }
        append_request(id.slot);
        s.state = Slot::State::sent;
        writes_sent_ += s.call.is_write() ? 1 : 0;
    }
    queue_.insert(queue_.begin(), held.begin(), held.end());
    if (!sending_.empty()) Link::send(link_, sending_);
}

void Engine::append_request(std::size_t slot) {
    Call const& call = slots_[slot].call;
    base::Request request;
    request.tag = base::Tag(static_cast<std::int32_t>(slot + 1));
    request.verb = call.verb;
    request.path = call.path;
    request.value = call.value;
    request.offset = call.offset;
    request.rev = call.rev;
    request.linear = call.linear;
    if (call.looks_at_newest()) request.min_rev = seen_;
    // A write does not wait for it, but is told what was applied.
    if (call.is_write()) request.min_rev = base::missing;
    wire::append_request(sending_, request);
}

// --- the end ------------------------------------------------------------------------------------

void Engine::shutdown() {
    if (closed_) return;
    closed_ = true;
    dialer_.stop();
    learner_.disconnected();
    if (auto const link = std::exchange(link_, nullptr)) link->close();
    if (auto const found = std::exchange(found_, std::nullopt)) found->link->close();
    for (auto* const timer : {&deadline_timer_, &heartbeat_timer_, &drain_timer_, &catch_up_timer_})
        timer->cancel();
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        Slot& s = slots_[slot];
        if (s.state == Slot::State::abandoned) release(slot);
        if (s.state == Slot::State::free) continue;
        bool const sent_write = s.state == Slot::State::sent && s.call.is_write();
        complete(slot, sent_write ? unknown_outcome("the client was closed before the answer")
                                  : closed_error());
    }
}

// --- answers -------------------------------------------------------------------------------------

void Engine::frame(std::string_view body) {
    auto const decoded = wire::decode_response(body);
    // Bytes that make no sense, or an answer to nothing: this server cannot be talked to.
    if (!decoded.ok() || !decoded.value().tag) return connection_lost();
    base::Response const& response = decoded.value();
    auto const tag = response.tag->value();
    if (tag < 1 || static_cast<std::size_t>(tag) > slots_.size()) return connection_lost();
    auto const slot = static_cast<std::size_t>(tag) - 1;
    switch (slots_[slot].state) {
        case Slot::State::sent:
            answer(slot, response);
            return move_if_drained();
        case Slot::State::abandoned:
            return release(slot);
        case Slot::State::refused:
            if (!slots_[slot].keeps_tag) return connection_lost();
            return answer(slot, response);
        case Slot::State::free:
        case Slot::State::queued:
            return connection_lost();
    }
}

void Engine::answer(std::size_t slot, base::Response const& response) {
    Slot const& s = slots_[slot];
    if (s.call.is_write()) --writes_sent_;
    if (response.err_code == base::Errc::readonly && s.call.needs_member())
        return refused(slot, refusal(response));
    if (s.call.is_write()) answered_upto_ = std::max(answered_upto_, s.sequence);
    note_seen(s.call, response);
    if (response.err_code) return complete(slot, refusal(response));
    if (s.call.verb == Verb::access && s.call.value) {
        dialer_.add_secret(*s.call.value);
        learner_.rights_gained();
        ask_for_store();
    }
    complete(slot, response);
}

void Engine::note_seen(Call const& call, base::Response const& response) {
    if (is_foreign_) return;
    if (response.applied) seen_ = std::max(seen_, *response.applied);
    if (response.err_code) return;
    if (response.rev) seen_ = std::max(seen_, *response.rev);
    bool const looks_at_rev = call.rev && !call.is_write() && call.verb != Verb::wait;
    if (looks_at_rev) seen_ = std::max(seen_, *call.rev);
}

// --- time ----------------------------------------------------------------------------------------

void Engine::arm_deadlines() {
    if (deadlines_.empty()) return;
    deadline_timer_.expires_at(std::get<0>(*deadlines_.begin()));
    deadline_timer_.async_wait([this](net::error_code cancelled) {
        if (!cancelled && !closed_) expire();
    });
}

void Engine::expire() {
    auto const now = Clock::now();
    while (!deadlines_.empty() && std::get<0>(*deadlines_.begin()) <= now) {
        Deadline const first = *deadlines_.begin();
        std::size_t const slot = std::get<2>(first);
        Slot& s = slots_[slot];
        bool const was_sent = s.state == Slot::State::sent;
        bool const was_refused = s.state == Slot::State::refused;
        Call const call = take_call(slot);
        drop(slot);
        if (was_refused) {
            call.done(Error(call.refusal));
        } else if (was_sent && call.is_write()) {
            --writes_sent_;
            answered_upto_ = std::max(answered_upto_, std::get<1>(first));
            call.done(unknown_outcome("no answer in time"));
        } else {
            call.done(Error{Errc::timeout, "no answer in time"});
        }
    }
    arm_deadlines();
    move_if_drained();
}

void Engine::arm_heartbeat(Clock::time_point at) {
    heartbeat_timer_.expires_at(at);
    heartbeat_timer_.async_wait([this](net::error_code cancelled) {
        if (!cancelled && link_) heartbeat();
    });
}

void Engine::heartbeat() {
    auto const now = Clock::now();
    auto const next = link_->last_heard() + timing_.heartbeat_after;
    if (now < next) return arm_heartbeat(next);
    auto const patience = timing_.silence_max - timing_.heartbeat_after;
    if (heartbeat_asked_ && now >= *heartbeat_asked_ + patience) return connection_lost();
    if (!heartbeat_asked_) {
        heartbeat_asked_ = now;
        Call call;
        call.verb = Verb::rev;
        call.done = [this](Answer const&) { heartbeat_asked_.reset(); };
        submit(std::move(call));
    }
    arm_heartbeat(*heartbeat_asked_ + patience);
}

}  // namespace doozer::client
