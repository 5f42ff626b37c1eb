// Finds a server that answers, among the addresses of a URI, those that a lookup tells, and those
// that the cluster itself has told.
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

/// Goes around the addresses, first those of the URI and then what was learned, each time going on
/// behind the last one tried.
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

    using Done = std::function<void(Result<Reached>)>;
    /// Every address once. Error: connect_failed with the reasons, or the refusal of a secret.
    void dial_once(Clock::time_point deadline, Done done);
    using Judge = std::function<bool(Reached const&)>;
    /// Every address but this one, once, until a server answers that will do. Error:
    /// connect_failed. REQUIRES: there are others.
    void dial_others(net::Address const& than, Judge will_do, Done done);
    /// Until a server answers, with a short pause before every round; before the first one only if
    /// `pause_first`, or if there is but one address.
    void dial(bool pause_first, std::function<void(Reached)> done);
    void stop();

    /// Presents this secret, too, from the next attempt on.
    void add_secret(std::string secret);

    /// What the cluster told; what it told before is forgotten.
    void learned(std::vector<net::Address> addresses);
    [[nodiscard]] bool knows_other(net::Address const& than) const;

  private:
    void begin_round();
    void look_up();
    void try_next();
    void tried(Result<Reached> outcome);
    void round_failed();
    void pause();
    void merge();
    [[nodiscard]] net::Address next_address() const;
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] Clock::time_point attempt_deadline() const;

    Context io_;
    Target target_;
    Timing timing_;
    asio::steady_timer timer_;
    base::Prng prng_;
    std::vector<net::Address> learned_;
    std::vector<net::Address> all_;  // target_.addresses and learned_, each once
    std::optional<net::Address> last_;
    std::size_t next_boot_ = 0;
    std::shared_ptr<Attempt> attempt_;
    std::shared_ptr<Lookup> lookup_;

    // What is being done at the moment.
    enum class Mode { once, others, always } mode_ = Mode::once;
    Done done_;
    Clock::time_point deadline_;  // of once
    net::Address other_than_;     // of others
    Judge will_do_;               // of others
    std::size_t tried_ = 0;       // addresses of this round
    int failures_ = 0;            // rounds since dial()
    std::string reasons_;
};

}  // namespace doozer::client
