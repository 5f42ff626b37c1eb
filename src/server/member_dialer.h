// Keeps dialling those to whom a link is wanted and missing: at any time one attempt each, begun
// again after a short random pause, as often as it takes. An address that does not answer delays no
// other.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/prng.h"
#include "base/time.h"
#include "net/address.h"
#include "net/asio.h"
#include "net/resolver.h"

namespace doozer::server {

/// Whom to dial: an address as it was written, "host:port", and who should be there if that is
/// known.
struct MemberTarget {
    std::string address;
    std::optional<base::ProcessId> id = {};

    bool operator==(MemberTarget const&) const = default;
};

struct MemberDialTimes {
    base::Duration attempt = base::seconds(2);  ///< to find the address and connect
    base::Duration pause_min = base::milliseconds(50);
    base::Duration pause_max = base::milliseconds(500);
    /// After an attempt that a person or another process has to do something about.
    base::Duration pause_hopeless = base::seconds(2);
};

/// One target and what became of the attempts to reach it.
struct MemberAim {
    std::string name;  ///< of this aim, among the others
    MemberTarget target;
    net::Address address = {};
    bool valid = false;            ///< the address is one
    base::ProcessId reached = {};  ///< who was found there last
    std::string reported = {};     ///< the last failure that was told
    std::uint64_t attempt = 0;     ///< the one under way; 0 = none
    base::Instant due{0};          ///< when the attempt is over, or the next begins
};

class MemberDialer {
  public:
    /// Called by the loop only, never from within a call of the dialer.
    struct Callbacks {
        /// Whether nothing is missing for now. Called at any time.
        std::function<bool(MemberAim const&)> is_reached;
        /// Which of the addresses may be connected to at all; why none may is told if none is left.
        std::function<std::string(std::vector<net::tcp::endpoint>&)> select;
        /// The attempt goes on, as long as it takes, until found(), failed() or refused().
        std::function<void(MemberAim const&, net::tcp::socket)> on_connected;
        /// Once for every reason in a row.
        std::function<void(MemberAim const&, std::string const& why)> on_failed;
    };

    MemberDialer(net::asio::io_context& loop, MemberDialTimes times, std::uint64_t seed,
                 Callbacks callbacks);

    /// Those and no others. Attempts that are under way for others are given up.
    void want(std::vector<MemberTarget> const& targets);
    /// Gives up all attempts and begins anew.
    void restart();

    /// The attempt is over: somebody was found, or it failed for this reason.
    void found(std::string const& aim, base::ProcessId const& id);
    void failed(std::string const& aim, std::string const& why, bool hopeless);
    /// The attempt has ended with an answer, which the caller tells, if it is news. `soon`: it will
    /// be another one next time.
    void refused(std::string const& aim, std::string const& line, bool soon);

    /// Somebody who was reached may be so no longer.
    void look_again() { arm(base::Instant(0)); }

    [[nodiscard]] MemberAim const* aim(std::string const& name) const;

  private:
    void look();
    void arm(base::Instant at);
    void arm_for_next();
    void drop_socket(std::string const& name);
    void begin(MemberAim& aim, base::Instant now);
    void resolved(std::string const& name, std::uint64_t attempt, net::Resolved found);
    void connect(std::string const& name, std::uint64_t attempt,
                 std::vector<net::tcp::endpoint> const& endpoints);
    void pause(MemberAim& aim, bool hopeless);
    MemberAim* find(std::string const& name, std::uint64_t attempt);

    net::asio::io_context& loop_;
    MemberDialTimes times_;
    base::Prng prng_;
    Callbacks callbacks_;
    std::map<std::string, MemberAim> aims_;
    std::map<std::string, std::shared_ptr<net::tcp::socket>> sockets_;  // that connect
    std::uint64_t last_attempt_ = 0;
    net::asio::steady_timer timer_;
    base::Instant armed_ = base::never;
    std::shared_ptr<int> alive_ = std::make_shared<int>();  // handlers do nothing without it
    net::Resolver resolver_;
};

}  // namespace doozer::server
