// Finds a server that answers, among the addresses of a URI or those that a lookup tells.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "client/attempt.h"
#include "client/lookup.h"
#include "doozer/uri.h"

namespace doozer::client {

/// Goes around the addresses, in the order given, each time going on behind the last one tried.
class Dialer {
  public:
    struct Target {
        std::vector<net::Address> addresses = {};
        Credentials credentials = {};
        /// Look up `cluster_name` there, before every round.
        std::optional<Uri> boot = {};
        std::string cluster_name = {};
        Credentials boot_credentials = {};
    };

    Dialer(Context io, Target target, Timing const& timing);

    /// Every address once. Error: connect_failed with the reasons, or the refusal of a secret.
    void dial_once(Clock::time_point deadline, std::function<void(Result<Reached>)> done);
    /// Until a server answers, with a short pause before every attempt.
    void dial(std::function<void(Reached)> done);
    void stop();

    /// Presents this secret, too, from the next attempt on.
    void add_secret(std::string secret);

  private:
    void begin_round();
    void look_up();
    void try_next();
    void tried(Result<Reached> outcome);
    void round_failed();
    void pause();
    [[nodiscard]] Clock::time_point attempt_deadline() const;

    Context io_;
    Target target_;
    Timing timing_;
    asio::steady_timer timer_;
    base::Prng prng_;
    std::size_t next_ = 0;
    std::size_t next_boot_ = 0;
    std::shared_ptr<Attempt> attempt_;
    std::shared_ptr<Lookup> lookup_;

    // What is being done at the moment.
    std::function<void(Result<Reached>)> done_;
    std::optional<Clock::time_point> deadline_;  // set = every address once
    std::size_t tried_ = 0;                      // addresses of this round
    int failures_ = 0;                           // attempts since dial()
    std::string reasons_;
};

}  // namespace doozer::client
