// The processes of a simulated cluster: each is the real replica, so the real core and store. Every
// step of every process is checked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "consensus/core_invariants.h"
#include "replica/replica.h"
#include "sim/checkers.h"
#include "sim/force_watch.h"
#include "sim/network.h"
#include "sim/observed_steps.h"
#include "wire/flight_recorder.h"

namespace doozer::sim {

struct ClusterOptions {
    std::size_t voters = 3;
    std::size_t spares = 0;  // addresses beyond those of the first voters
    Tuning tuning;
    store::StoreLimits store = {.history_revisions = 2000};
    Duration pulse = milliseconds(500);
    bool skewed_clocks = false;
    bool encoded = true;  // messages go through the codec of the member links, and have a size
    NetworkOptions network;
    std::size_t value_bytes_max = base::value_bytes_default;
    /// How many releases there are, each with rules of its own. All processes begin with the first;
    /// one that starts later is of any.
    std::size_t releases = 1;
    std::optional<wire::FlightRecorder::Bounds> recorded = {};  // none: nothing is
};

/// Who hears of what processes do. Called behind a step of one.
class Watcher {
  public:
    virtual ~Watcher() = default;
    virtual void on_reply(Address at, replica::Reply const& reply) = 0;
    /// The session is gone, and what it waits for is not answered.
    virtual void on_lost(Address at, SessionId session) = 0;
};

class Cluster : public Hosts {
  public:
    /// A cluster in which all voters of the options vote and own lanes.
    Cluster(Schedule& schedule, Prng& prng, ClusterOptions const& options);

    void watch(Watcher* watcher) { watcher_ = watcher; }
    // --- what may be done to it
    void crash(Address a, bool silent);
    void start(Address a);  // an empty process that attaches to the others
    void pause(Address a);
    void resume(Address a);
    /// The operator's order to go on alone.
    void force(Address a);
    void retire(Address a);
    /// From now on this process sends what others have sent as its own words, with bytes changed.
    void lie(Address a) { liar_.emplace(Liar{a, {}, 0}); }
    [[nodiscard]] std::uint64_t lies() const { return liar_ ? liar_->told : 0; }
    /// It was told to retire, and its process would end now. REQUIRES: alive(a).
    [[nodiscard]] bool retired(Address a) const {
        return processes_[a]->replica.retired(local_time(*processes_[a]));
    }
    /// SIGTERM, as server/node_stop.cc has it: the process retires, and ends once it has left.
    void stop_gracefully(Address a);
    /// A client's connection; its requests are answered by the watcher's on_reply().
    SessionId open(Address a);
    void close(Address a, SessionId session);
    /// REQUIRES: serving(a), and the session is one of its own.
    void request(Address a, SessionId session, Request const& request);

    // --- what may be asked
    [[nodiscard]] ClusterOptions const& options() const { return options_; }
    [[nodiscard]] std::size_t founders() const { return options_.voters; }
    /// Another number for each process that has ever started.
    [[nodiscard]] std::uint64_t life(Address a) const { return processes_[a]->life; }
    /// A line in the trace.
    void note(std::string const& line) { say(line); }
    [[nodiscard]] std::size_t addresses() const { return processes_.size(); }
    [[nodiscard]] bool alive(Address a) const { return processes_[a] != nullptr; }
    [[nodiscard]] bool paused(Address a) const { return alive(a) && processes_[a]->paused; }
    [[nodiscard]] bool serving(Address a) const {
        return alive(a) && processes_[a]->replica.serving();
    }
    [[nodiscard]] Core const& core(Address a) const { return replica(a).core(); }
    [[nodiscard]] store::Store const& store(Address a) const { return replica(a).store(); }
    [[nodiscard]] replica::Replica const& replica(Address a) const {
        return processes_[a]->replica;
    }
    /// The newest content of a file in the copy of this process; "" if there is none.
    [[nodiscard]] std::string content(Address a, std::string const& path) const;
    [[nodiscard]] std::optional<Address> address_of(MemberId id) const;
    [[nodiscard]] static std::string address_text(Address a);
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] Network const& network() const { return network_; }
    /// The number of the lineage whose copy this process holds, or held last.
    [[nodiscard]] std::size_t branch(Address a) const {
        return agreement_.number_of(processes_[a]->lineage);
    }
    [[nodiscard]] Agreement const& agreement() const { return agreement_; }
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
    /// All voters live, and as many as there can be. REQUIRES: converged().
    [[nodiscard]] bool complete() const;

    // --- from the network
    void link_up(Address at, Address peer) override;
    void link_down(Address at, Address peer) override;
    void arrive(Address at, Address from, Parcel parcel) override;
    [[nodiscard]] bool wants(Address a, Address b) const override;
    [[nodiscard]] bool reads(Address a) const override { return !paused(a); }

  private:
    struct Process {
        /// REQUIRES: the options name the observed steps as the recorder.
        Process(replica::Options options, std::unique_ptr<wire::FlightRecorder> r,
                std::unique_ptr<ObservedSteps> s)
            : id(options.identity.id),
              recorder(std::move(r)),
              steps(std::move(s)),
              replica(std::move(options)) {}
        ProcessId id;
        std::unique_ptr<wire::FlightRecorder> recorder;
        std::unique_ptr<ObservedSteps> steps;
        replica::Replica replica;
        replica::Effects effects;
        CoreInvariants invariants;
        std::uint64_t life = 0;
        std::map<Address, ProcessId> links;
        std::vector<replica::Target> targets;
        bool paused = false;
        std::vector<std::function<void()>> kernel;  // what arrives while paused
        std::int64_t rate = 1000;                   // of its clock, in thousandths
        bool turn_planned = false;
        bool leaving = false;
        bool may_leave = false;           // an order to go on leaves behind what is not handed over
        std::optional<Fork> fork;         // that is being made, within a step
        BatchContent taken;               // of that fork
        std::optional<ForceWatch> order;  // to go on alone
        bool may_go = false;              // it retires, or an operator gives its slot to others
        Instant wake_at = never;          // virtual time
        Revision checked;                 // the newest revision that was compared
        std::uint64_t compared = 0;       // how many batches were applied when fingerprints were
        Lineage lineage;
        Epoch entered;
        Ballot accepted;
    };
    struct Liar {
        Address at;
        std::deque<std::string> heard;  // what was sent last by anybody
        std::uint64_t told;             // that could be read
    };
    ProcessId new_id(Address a);
    void boot(Address a, bool founds);
    void found();
    void input(Address a, replica::Input input);
    void step(Address a, replica::Input const& input);
    void end_turn(Address a);
    void plan_turn(Address a);
    void plan_wake(Address a);
    void perform(Address a);
    void watch_trace(Address a);
    void begin_fork(Address a);
    void end_fork(Address a);
    ObservedSteps::Hooks hooks(Address a);
    void exit_if_outdated(Address a);
    void look_whether_retired(Address a);
    Parcel pack(Address a, Message& message);
    void make_lie(bool lies);
    void leave(Address a);
    void check(Address a);
    void check_changes(Process& p, Address a);
    void note_operator(Address a, std::string_view slot);
    void check_removals(Address a, Configuration const& next);
    [[nodiscard]] std::size_t count_missing(MemberId id, Configuration const& c) const;
    [[nodiscard]] Instant local_time(Process const& p) const;
    /// Does it if the process still lives then.
    void later(Address a, Duration wait, std::function<void()> what);
    void violation(Address a, std::string const& what);
    void say(std::string const& line);

    Schedule& schedule_;
    Prng& prng_;
    ClusterOptions options_;
    Network network_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<std::uint64_t> lives_;
    Agreement agreement_;
    Attendance attendance_;
    Watcher* watcher_ = nullptr;
    std::vector<std::string> violations_;
    std::map<std::string, std::uint64_t> counts_;
    std::vector<std::string>* lines_ = nullptr;
    std::string encoded_;  // used again with each message
    Hasher trace_;
    std::optional<Liar> liar_;
    std::uint64_t next_life_ = 0;
    SessionId next_session_{1};
};

}  // namespace doozer::sim
