// The processes of a simulated cluster: each is the real core, a small store, and a stand-in for
// the replica's rules of membership. Every step of every process is checked.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "consensus/core_invariants.h"
#include "sim/checkers.h"
#include "sim/key_value.h"
#include "sim/network.h"
#include "wire/flight_recorder.h"

namespace doozer::sim {

struct ClusterOptions {
    std::size_t voters = 3;
    std::size_t spares = 0;  // addresses beyond those of the first voters
    Tuning tuning;
    bool skewed_clocks = false;
    bool housekeeping = true;  // kick, rejoin, replace by themselves
    std::optional<wire::FlightRecorder::Bounds> recorded = {};  // none: nothing is
};

/// Who hears of what processes do. Called from within a step's aftermath.
class Watcher {
  public:
    virtual ~Watcher() = default;
    virtual void on_change(Address at, Change const& change) = 0;  // applied at its origin
    virtual void on_read_ready(Address at, std::uint64_t token) = 0;
    virtual void on_read_refused(Address at, std::uint64_t token) = 0;
    /// Commands of this origin that will never be applied, or of which nobody can tell.
    virtual void on_returned(Address at, Bytes const& payload) = 0;
    virtual void on_lost(Address at) = 0;
};

class Cluster : public Hosts {
  public:
    Cluster(Schedule& schedule, Prng& prng, ClusterOptions const& options);

    void watch(Watcher* watcher) { watcher_ = watcher; }
    // --- what may be done to it
    void crash(Address a, bool silent);
    void start(Address a);  // an empty process that follows
    void pause(Address a);
    void resume(Address a);
    bool submit(Address a, std::vector<Command> const& commands);
    void read(Address a, std::uint64_t token);
    void tick(Address a);

    // --- what may be asked
    [[nodiscard]] std::size_t addresses() const { return processes_.size(); }
    [[nodiscard]] bool alive(Address a) const { return processes_[a] != nullptr; }
    [[nodiscard]] bool paused(Address a) const { return alive(a) && processes_[a]->paused; }
    [[nodiscard]] Core const& core(Address a) const { return processes_[a]->core; }
    [[nodiscard]] KeyValue const& store(Address a) const { return processes_[a]->store; }
    [[nodiscard]] std::optional<Address> address_of(MemberId id) const;
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] Agreement const& agreement() const { return agreement_; }
    [[nodiscard]] Revision founded() const { return founded_; }
    [[nodiscard]] std::vector<std::string> const& violations() const { return violations_; }
    [[nodiscard]] std::map<std::string, std::uint64_t> const& counts() const { return counts_; }
    /// A digest of every message that ever arrived: two runs of one seed have the same.
    [[nodiscard]] Digest trace() const { return trace_.digest(); }
    void log_to(std::vector<std::string>* lines) { lines_ = lines; }
    /// What the flight recorder of this process has. REQUIRES: alive, and the option.
    [[nodiscard]] std::string recording(Address a) const {
        return processes_[a]->recorder->dump(core(a));
    }
    /// Could the cluster go on if this process were lost now?
    [[nodiscard]] bool can_lose(Address a) const;
    /// All living processes hold the same and wait for nothing.
    [[nodiscard]] bool converged() const;

    // --- from the network
    void link_up(Address at, Address peer) override;
    void link_down(Address at, Address peer) override;
    void arrive(Address at, Address from, Message const& message) override;

  private:
    struct Process {
        MemberId id;
        Core core;
        KeyValue store;
        CoreInvariants invariants;
        std::uint64_t life = 0;
        std::map<Address, MemberId> links;
        bool paused = false;
        std::vector<Input> kernel;  // what arrives while paused
        std::int64_t rate = 1000;   // of its clock, in thousandths
        bool turn_planned = false;
        Instant tick_at = never;  // virtual time
        std::optional<MemberId> replaces;
        Instant asked_at;
        bool was_voter = false;
        Epoch entered;
        Ballot accepted;
        std::optional<wire::FlightRecorder> recorder = {};
    };
    MemberId new_id(Address a);
    void boot(Address a, std::unique_ptr<Process> process);
    void input(Address a, Input input);
    void step(Address a, Input const& input);
    Output core_step(Process& p, Input const& input);
    void aftermath(Address a, Output const& out);
    void check(Address a);
    void plan_tick(Address a, Instant local_wake);
    [[nodiscard]] Instant local_time(Process const& p) const;
    void keep_house(Address a);
    void kick_silent(Process& p, Address a);
    void leave(Process& p, Address a);
    void join(Process& p, Address a);
    void violation(Address a, std::string const& what);
    void say(std::string const& line);

    Schedule& schedule_;
    Prng& prng_;
    ClusterOptions options_;
    Network network_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<std::optional<MemberId>> last_id_;  // at each address
    std::vector<std::uint64_t> lives_;
    Agreement agreement_;
    Revision founded_;
    Watcher* watcher_ = nullptr;
    std::vector<std::string> violations_;
    std::map<std::string, std::uint64_t> counts_;
    std::vector<std::string>* lines_ = nullptr;
    Hasher trace_;
    std::uint64_t next_life_ = 0;
};

}  // namespace doozer::sim
