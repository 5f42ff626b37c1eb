#include "client/dialer.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/assert.h"

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
}

void Dialer::add_secret(std::string secret) {
    auto& secrets = target_.credentials.secrets;
    std::erase(secrets, secret);
    secrets.push_back(std::move(secret));
    if (secrets.size() > secrets_max) secrets.erase(secrets.begin());
}

void Dialer::dial_once(Clock::time_point deadline, std::function<void(Result<Reached>)> done) {
    DOOZER_ASSERT(!done_);
    done_ = std::move(done);
    deadline_ = deadline;
    begin_round();
}

void Dialer::dial(std::function<void(Reached)> done) {
    DOOZER_ASSERT(!done_);
    done_ = [done = std::move(done)](Result<Reached> outcome) { done(std::move(outcome).value()); };
    deadline_.reset();
    failures_ = 0;
    // The addresses that are left of the round may be good; a name is looked up anew.
    if (target_.boot) tried_ = target_.addresses.size();
    pause();
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
    auto const deadline = deadline_ ? now + (*deadline_ - now) / 2 : now + 2 * timing_.attempt;
    lookup_ =
        Lookup::start(io_, *target_.boot, next_boot_++, target_.cluster_name,
                      target_.boot_credentials, deadline, [this](Result<Lookup::Addresses> found) {
                          lookup_ = nullptr;
                          if (!done_) return;
                          if (found.ok())
                              target_.addresses = std::move(found).value();
                          else
                              reasons_ = found.error().message();
                          try_next();
                      });
}

Clock::time_point Dialer::attempt_deadline() const {
    auto const now = Clock::now();
    if (!deadline_) return now + timing_.attempt;
    auto const left = static_cast<int>(target_.addresses.size() - tried_);
    return now + (*deadline_ - now) / left;
}

void Dialer::try_next() {
    if (tried_ >= target_.addresses.size()) return round_failed();
    auto const deadline = attempt_deadline();
    auto const address = target_.addresses[next_++ % target_.addresses.size()];
    ++tried_;
    attempt_ = Attempt::start(io_, address, target_.credentials, deadline,
                              [this](Result<Reached> outcome) { tried(std::move(outcome)); });
}

void Dialer::tried(Result<Reached> outcome) {
    attempt_ = nullptr;
    if (!done_) return;
    bool const refused = !outcome.ok() && outcome.error().code != Errc::connect_failed;
    if (outcome.ok() || (deadline_ && refused)) {
        auto const done = std::exchange(done_, nullptr);
        return done(std::move(outcome));
    }
    if (!reasons_.empty()) reasons_ += "; ";
    reasons_ += outcome.error().message();
    if (deadline_) return try_next();
    pause();
}

void Dialer::round_failed() {
    if (!deadline_) return pause();
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
        if (tried_ >= target_.addresses.size()) return begin_round();
        try_next();
    });
}

}  // namespace doozer::client
