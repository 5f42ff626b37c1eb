// A bad day: what goes wrong around a simulated cluster, and what its operators do to it. Nothing
// is done that a cluster need not survive; a majority is lost only when an operator forces a
// survivor on afterwards.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/cluster.h"
#include "sim/workload.h"

namespace doozer::sim {

class Faults {
  public:
    struct Pace {
        Duration between_min = milliseconds(20);
        Duration between_spread = milliseconds(400);
    };
    Faults(Schedule& schedule, Prng& prng, Cluster& cluster, Workload& workload, Pace pace)
        : schedule_(schedule), prng_(prng), cluster_(cluster), workload_(workload), pace_(pace) {}

    /// One fault after the other from now on, until end().
    void begin() { plan(); }
    void end() { over_ = true; }
    /// Nothing is in the way any more: networks are whole, processes awake, orders carried out.
    void mend();
    /// A disaster is over when its survivor is forced on and nobody is left behind.
    [[nodiscard]] bool is_over() const { return !disaster_ && !retiring_; }

    void count(char const* kind);
    void normal_speed(Address a);
    void resume(Address a);
    [[nodiscard]] Address any_alive();
    [[nodiscard]] std::size_t injected() const { return injected_; }
    [[nodiscard]] std::map<std::string, std::uint64_t> const& by_kind() const { return kinds_; }
    [[nodiscard]] std::vector<std::string> const& failures() const { return failures_; }

  private:
    /// The majority is lost, and this one is to go on alone.
    struct Disaster {
        Address survivor = 0;
        SessionId session{0};
        Lineage before;
        Instant since;
        bool forced = false;
    };
    void plan();
    void inject();
    void inject_in_network(std::uint64_t dice, Address a, Address b, std::int64_t longest);
    void operate(Address a);
    void cut_for(Address a, Address b, Duration how_long);
    void partition(Duration how_long);
    void crash(Address a);
    void retire(Address a);
    void end_retired();
    void start_again(Address a);
    void start(Address a);
    void slow_for(Address a, Duration how_long);
    void narrow_for(Address a, Duration how_long);
    void lose_large_for(Address a, Address b, Duration how_long);
    void begin_disaster();
    void force_on();
    void restart_left_behind();
    void later(Duration wait, std::function<void()> what);

    Address any() { return prng_.below(cluster_.addresses()); }
    Duration some_time(std::int64_t most_ms) {
        return milliseconds(
            1 + static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>(most_ms))));
    }

    Schedule& schedule_;
    Prng& prng_;
    Cluster& cluster_;
    Workload& workload_;
    Pace pace_;
    std::map<std::string, std::uint64_t> kinds_;
    std::vector<std::string> failures_;
    std::size_t injected_ = 0;
    std::optional<Address> retiring_;  // one at a time
    std::optional<Disaster> disaster_;
    bool over_ = false;
};

}  // namespace doozer::sim
