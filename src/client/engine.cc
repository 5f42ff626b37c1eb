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

Error unknown_outcome(char const* why) {
    return Error{Errc::unknown_outcome,
                 std::string("it is not known whether the write was done: ") + why};
}

}  // namespace

Engine::Engine(Context io, Dialer::Target target, Timing const& timing)
    : io_(std::move(io)),
      timing_(timing),
      dialer_(io_, std::move(target), timing),
      deadline_timer_(*io_),
      heartbeat_timer_(*io_) {}

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

void Engine::abandon(CallId id) {
    if (id.slot >= slots_.size() || slots_[id.slot].sequence != id.sequence) return;
    Slot& s = slots_[id.slot];
    if (s.state != Slot::State::queued && s.state != Slot::State::sent) return;
    Call const dropped = take_call(id.slot);
    if (s.state == Slot::State::queued) return release(id.slot);
    s.state = Slot::State::abandoned;
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

void Engine::flush() {
    if (!link_ || link_->sending()) return;
    while (!queue_.empty() && sending_.size() < base::client_send_bytes) {
        CallId const id = queue_.front();
        queue_.pop_front();
        if (!is_queued(id)) continue;
        append_request(id.slot);
        slots_[id.slot].state = Slot::State::sent;
    }
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
    wire::append_request(sending_, request);
}

// --- the connection ------------------------------------------------------------------------------

void Engine::connected(Reached reached) {
    DOOZER_ASSERT(!link_);
    ++connections_;
    {
        std::lock_guard const lock(address_mutex_);
        address_ = net::to_string(reached.address);
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
    flush_soon();
}

void Engine::connection_lost() {
    if (auto const link = std::exchange(link_, nullptr)) link->close();
    sending_.clear();
    heartbeat_timer_.cancel();
    std::vector<CallId> again;
    std::vector<std::size_t> unknown;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        Slot& s = slots_[slot];
        if (s.state == Slot::State::abandoned) release(slot);
        if (s.state != Slot::State::sent) continue;
        if (s.call.is_write()) {
            unknown.push_back(slot);
        } else {
            s.state = Slot::State::queued;
            again.push_back(id_of(slot));
        }
    }
    std::sort(again.begin(), again.end(),
              [](CallId const& a, CallId const& b) { return a.sequence < b.sequence; });
    queue_.insert(queue_.begin(), again.begin(), again.end());
    dialer_.dial([this](Reached reached) { connected(std::move(reached)); });
    // Last: what is called here may submit more.
    for (std::size_t const slot : unknown)
        complete(slot, unknown_outcome("the connection was lost before the answer"));
}

void Engine::shutdown() {
    if (closed_) return;
    closed_ = true;
    dialer_.stop();
    if (auto const link = std::exchange(link_, nullptr)) link->close();
    deadline_timer_.cancel();
    heartbeat_timer_.cancel();
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
            return answer(slot, response);
        case Slot::State::abandoned:
            return release(slot);
        case Slot::State::free:
        case Slot::State::queued:
            return connection_lost();
    }
}

void Engine::answer(std::size_t slot, base::Response const& response) {
    if (response.err_code) return complete(slot, refusal(response));
    Call const& call = slots_[slot].call;
    if (call.verb == Verb::access && call.value) dialer_.add_secret(*call.value);
    complete(slot, response);
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
        std::size_t const slot = std::get<2>(*deadlines_.begin());
        Slot& s = slots_[slot];
        bool const was_sent = s.state == Slot::State::sent;
        Call const call = take_call(slot);
        if (was_sent)
            s.state = Slot::State::abandoned;
        else
            release(slot);
        if (was_sent && call.is_write())
            call.done(unknown_outcome("no answer in time"));
        else
            call.done(Error{Errc::timeout, "no answer in time"});
    }
    arm_deadlines();
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
