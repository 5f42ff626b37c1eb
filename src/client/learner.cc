#include "client/learner.h"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "base/limits.h"
#include "client/engine.h"
#include "client/listing.h"

namespace doozer::client {
namespace {

/// Whether it can stand in a glob for nothing but itself.
bool is_name(std::string_view text) {
    auto const fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// Anybody with the right to write may write there; what can be no member's address is passed
/// over.
std::vector<net::Address> addresses_in(std::vector<Event> const& files) {
    std::vector<net::Address> addresses;
    for (Event const& file : files) {
        auto address = net::parse_address(file.value, default_port);
        if (!address.ok()) continue;
        auto const& [host, port] = address.value();
        bool const everywhere = host.empty() || host == "0.0.0.0" || host == "::";
        if (everywhere || port == 0) continue;
        addresses.push_back(std::move(address).value());
        if (addresses.size() == base::client_addresses_max) break;
    }
    return addresses;
}

bool is_loopback(net::Address const& address) {
    net::error_code not_numeric;
    auto const ip = net::asio::ip::make_address(address.host, not_numeric);
    return not_numeric ? address.host == "localhost" : ip.is_loopback();
}

}  // namespace

std::vector<net::Address> meant_for_us(std::vector<net::Address> addresses,
                                       net::Address const& server) {
    if (!is_loopback(server)) std::erase_if(addresses, is_loopback);
    return addresses;
}

Learner::Learner(Engine& engine, net::asio::io_context& io, Timing const& timing, Owner owner)
    : engine_(engine), timing_(timing), owner_(std::move(owner)), timer_(io) {}

void Learner::connected() {
    ++generation_;
    phase_ = Phase::waiting;
    was_member_ = false;
    server_.clear();
    directory_.clear();
    timer_.expires_after(timing_.learn_after);
    timer_.async_wait([this](net::error_code cancelled) {
        if (!cancelled) learn_now();
    });
}

void Learner::disconnected() {
    ++generation_;
    phase_ = Phase::off;
    timer_.cancel();
}

void Learner::learn_now() {
    if (phase_ == Phase::waiting) begin();
}

void Learner::rights_gained() {
    if (phase_ == Phase::settled && directory_.empty()) begin();
}

void Learner::ask(Call call, void (Learner::*then)(Answer const&)) {
    call.internal = true;
    if (call.verb != Verb::wait) call.deadline = Clock::now() + timing_.attempt;
    call.done = [this, then, generation = generation_](Answer const& answer) {
        if (generation == generation_) (this->*then)(answer);
    };
    engine_.submit(std::move(call));
}

void Learner::begin() {
    phase_ = Phase::asking;
    timer_.cancel();
    Call self;
    self.verb = Verb::self;
    ask(std::move(self), &Learner::told_id);
    Call name;
    name.verb = Verb::get;
    name.path = "/ctl/name";
    ask(std::move(name), &Learner::told_name);
}

void Learner::told_id(Answer const& answer) {
    if (auto const id = to_id(answer); id.ok()) server_ = *id;
}

void Learner::told_name(Answer const& answer) {
    auto const file = to_file(answer);
    if (!file.ok() || !is_name(file->value)) return settle();
    directory_ = "/ctl/ns/" + file->value;
    list();
}

void Learner::list() {
    Call call;
    call.verb = Verb::rev;
    ask(std::move(call), &Learner::told_revision);
}

void Learner::told_revision(Answer const& answer) {
    auto const rev = to_revision(answer);
    if (!rev.ok() || *rev == missing) return settle();
    rev_ = base::Revision(rev->value());
    using Members = Listing<Event>;
    Members::What what{Verb::walk, directory_ + "/*", rev_, Clock::now() + timing_.attempt,
                       to_event};
    what.internal = true;
    Members::start(engine_, std::move(what),
                   [this, generation = generation_](Result<std::vector<Event>> files) {
                       if (generation == generation_) told_members(std::move(files));
                   });
}

void Learner::told_members(Result<std::vector<Event>> files) {
    if (!files.ok()) return settle();
    auto addresses = addresses_in(*files);
    if (!addresses.empty()) owner_.learned(std::move(addresses));
    bool const is_member = std::any_of(files->begin(), files->end(), [&](Event const& file) {
        return file.path == directory_ + "/" + server_;
    });
    bool const left = std::exchange(was_member_, is_member) && !is_member;
    std::uint64_t const generation = generation_;
    watch();
    settle();
    if (left && generation == generation_) owner_.left();
}

void Learner::watch() {
    Call call;
    call.verb = Verb::wait;
    call.path = directory_ + "/*";
    call.rev = rev_.next();
    ask(std::move(call), &Learner::told_change);
}

/// Nothing is taken from the event: what is there now is asked for as a whole.
void Learner::told_change(Answer const& answer) {
    if (answer.ok()) list();
}

void Learner::settle() {
    if (std::exchange(phase_, Phase::settled) != Phase::settled) owner_.settled();
}

}  // namespace doozer::client
