#include "client/dialer.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace doozer::client {
namespace {

/// How many secrets are presented again to the next server. There are two kinds, of which the
/// later may replace the earlier.
constexpr std::size_t secrets_max = 4;

/// How long the line may get that names every address that did not answer.
constexpr std::size_t reasons_bytes_max = 400;

}  // namespace

Dialer::Dialer(Context io, Target target, Timing const& timing)
    : io_(std::move(io)),
      target_(std::move(target)),
      timing_(timing),
      timer_(*io_),
      // Chance only keeps clients from returning at the same moment.
      prng_(std::random_device{}()) {
    DOOZER_ASSERT(!target_.addresses.empty() || target_.boot);
    merge();
}

// --- addresses -----------------------------------------------------------------------------------

void Dialer::add_secret(std::string secret) {
    auto& secrets = target_.credentials.secrets;
    std::erase(secrets, secret);
    secrets.push_back(std::move(secret));
    if (secrets.size() > secrets_max) secrets.erase(secrets.begin());
}

/// In an order of its own, so that the clients of one server do not all go to the same next one.
void Dialer::learned(std::vector<net::Address> addresses) {
    for (std::size_t n = addresses.size(); n > 1; --n)
        std::swap(addresses[n - 1], addresses[static_cast<std::size_t>(prng_.below(n))]);
    learned_ = std::move(addresses);
    merge();
}

void Dialer::merge() {
    all_.clear();
    for (auto const* const part : {&target_.addresses, &learned_}) {
        for (net::Address const& address : *part) {
            if (all_.size() == base::client_addresses_max) return;
            if (std::find(all_.begin(), all_.end(), address) == all_.end()) all_.push_back(address);
        }
    }
}

bool Dialer::knows_other(net::Address const& than) const {
    return std::any_of(all_.begin(), all_.end(), [&](auto const& a) { return a != than; });
}

net::Address Dialer::next_address() const {
    auto const last = last_ ? std::find(all_.begin(), all_.end(), *last_) : all_.end();
    if (last == all_.end() || last + 1 == all_.end()) return all_.front();
    return *(last + 1);
}

// --- dialling ------------------------------------------------------------------------------------

void Dialer::dial_once(Clock::time_point deadline, Done done) {
    DOOZER_ASSERT(!done_);
    mode_ = Mode::once;
    done_ = std::move(done);
    deadline_ = deadline;
    begin_round();
}

void Dialer::dial_others(net::Address const& than, Judge will_do, Done done) {
    DOOZER_ASSERT(!done_);
    DOOZER_ASSERT(knows_other(than));
    mode_ = Mode::others;
    done_ = std::move(done);
    other_than_ = than;
    will_do_ = std::move(will_do);
    tried_ = 0;
    reasons_.clear();
    try_next();
}

void Dialer::dial(bool pause_first, std::function<void(Reached)> done) {
    DOOZER_ASSERT(!done_);
    mode_ = Mode::always;
    done_ = [done = std::move(done)](Result<Reached> outcome) { done(std::move(outcome).value()); };
    failures_ = 0;
    tried_ = 0;
    // What a lookup has told may be old; what the cluster told is not.
    bool const look_up_first = target_.boot && learned_.empty();
    if (look_up_first) tried_ = all_.size();
    if (pause_first || look_up_first || all_.size() < 2) return pause();
    try_next();
}

void Dialer::stop() {
    done_ = nullptr;
    timer_.cancel();
    if (auto const attempt = std::exchange(attempt_, nullptr)) attempt->cancel();
    if (auto const lookup = std::exchange(lookup_, nullptr)) lookup->cancel();
}

void Dialer::begin_round() {
    tried_ = 0;
    reasons_.clear();
    if (target_.boot) return look_up();
    try_next();
}

void Dialer::look_up() {
    auto const now = Clock::now();
    bool const once = mode_ == Mode::once;
    auto const deadline = once ? now + (deadline_ - now) / 2 : now + 2 * timing_.attempt;
    lookup_ =
        Lookup::start(io_, *target_.boot, next_boot_++, target_.cluster_name,
                      target_.boot_credentials, deadline, [this](Result<Lookup::Addresses> found) {
                          lookup_ = nullptr;
                          if (!done_) return;
                          if (found.ok()) {
                              target_.addresses = std::move(found).value();
                              merge();
                          } else {
                              reasons_ = found.error().message();
                          }
                          try_next();
                      });
}

Clock::time_point Dialer::attempt_deadline() const {
    auto const now = Clock::now();
    if (mode_ == Mode::others) return now + timing_.attempt / 4;  // a server is there, after all
    if (mode_ == Mode::always) return now + timing_.attempt;
    auto const left = static_cast<int>(all_.size() - tried_);
    return now + (deadline_ - now) / left;
}

bool Dialer::is_over() const {
    return tried_ >= all_.size();
}

void Dialer::try_next() {
    if (is_over()) return round_failed();
    auto const deadline = attempt_deadline();
    auto const address = next_address();
    last_ = address;
    ++tried_;
    if (mode_ == Mode::others && address == other_than_) return try_next();
    attempt_ = Attempt::start(io_, address, target_.credentials, deadline,
                              [this](Result<Reached> outcome) { tried(std::move(outcome)); });
}

void Dialer::tried(Result<Reached> outcome) {
    attempt_ = nullptr;
    if (!done_) return;
    if (mode_ == Mode::others && outcome.ok() && !will_do_(outcome.value())) {
        outcome->link->close();
        outcome = Error{Errc::connect_failed, net::to_string(outcome->address) + ": another store"};
    }
    bool const refused = !outcome.ok() && outcome.error().code != Errc::connect_failed;
    if (outcome.ok() || (mode_ == Mode::once && refused)) {
        auto const done = std::exchange(done_, nullptr);
        return done(std::move(outcome));
    }
    if (reasons_.size() < reasons_bytes_max) {
        if (!reasons_.empty()) reasons_ += "; ";
        reasons_ += outcome.error().message();
    }
    try_next();
}

void Dialer::round_failed() {
    if (mode_ == Mode::always) return pause();
    if (reasons_.size() > reasons_bytes_max) {
        reasons_.resize(reasons_bytes_max);
        reasons_ += "...";
    }
    auto const done = std::exchange(done_, nullptr);
    done(Error{Errc::connect_failed, reasons_});
}

void Dialer::pause() {
    auto const span = std::min(timing_.delay_min * (1 + failures_), timing_.delay_max);
    ++failures_;
    auto const spread = static_cast<std::uint64_t>((span - timing_.delay_min).count());
    auto const extra = static_cast<std::int64_t>(prng_.below(spread + 1));
    timer_.expires_after(timing_.delay_min + std::chrono::milliseconds(extra));
    timer_.async_wait([this](net::error_code cancelled) {
        if (cancelled || !done_) return;
        if (is_over()) return begin_round();
        try_next();
    });
}

}  // namespace doozer::client
