#include "sim/simulator.h"

#include "sim/branches.h"
#include "sim/faults.h"
#include "sim/linearizability.h"
#include "sim/workload.h"

namespace doozer::sim {

std::vector<std::string> const& fault_kinds() {
    static std::vector<std::string> const kinds = {"cut one way",   "partition",
                                                   "pause",         "crash",
                                                   "silent crash",  "stall",
                                                   "reset",         "slow link",
                                                   "clock skew",    "tiny window",
                                                   "tiny log",      "tiny history",
                                                   "tiny pieces",   "frozen majority",
                                                   "retire",        "operator",
                                                   "stall of bulk", "half-open link",
                                                   "narrow link",   "large messages lost",
                                                   "burst",         "killed while attaching",
                                                   "force",         "two releases",
                                                   "large values",  "small bulk bound",
                                                   "long strides"};
    return kinds;
}

namespace {

constexpr Duration converge_within = seconds(60);
/// How long a client of a healthy member that is linked to a majority waits for its answer at most.
constexpr Duration answered_within = seconds(5);

class Run {
  public:
    explicit Run(RunOptions const& options)
        : options_(options),
          prng_(options.seed),
          cluster_(schedule_, prng_, cluster_options()),
          workload_(schedule_, prng_, cluster_, workload_pace()),
          faults_(schedule_, prng_, cluster_, workload_, fault_pace()) {
        if (options.trace) cluster_.log_to(&result_.lines);
        cluster_.watch(&workload_);
    }

    RunResult go() {
        schedule_.after(milliseconds(300), [this] { workload_.start(); });
        faults_.begin();
        Instant const give_up = Instant(0) + seconds(options_.calm ? 100'000 : 900);
        while (!enough() && schedule_.now() < give_up && good()) schedule_.run_one(give_up);
        if (good() && !enough()) fail("the clients got nowhere");
        faults_.end();
        end_disasters();
        if (good() && prng_.one_in(2)) check_liveness();
        if (good()) check_convergence();
        if (good()) check_answers();
        judge();
        result_.duration = schedule_.now() - Instant(0);
        result_.epochs = cluster_.agreement().epochs();
        result_.counts = cluster_.counts();
        result_.seals = result_.counts["sealed"];
        result_.trace = cluster_.trace();
        result_.injected = faults_.injected();
        for (auto const& [kind, times] : faults_.by_kind()) result_.faults[kind] += times;
        return std::move(result_);
    }

  private:
    /// Everything that was seen, against everything that must be true.
    void judge() {
        for (std::string const& v : cluster_.violations()) fail(v);
        for (std::string const& f : faults_.failures()) fail(f);
        auto const& ops = workload_.ops();
        auto const& watches = workload_.watches();
        for (std::string const& w : check_forks(ops, watches, cluster_.agreement())) fail(w);
        for (History const& h : branches_of(ops, watches, cluster_.agreement())) {
            for (std::string const& w : check_history(h.ops, h.watches, h.log)) fail(w);
            for (std::string const& w : check_linearizability(h.ops).wrong) fail(w);
        }
        result_.operations = workload_.ops().size();
    }

    void count_option(char const* kind) { ++result_.faults[kind]; }

    ClusterOptions cluster_options() {
        ClusterOptions o;
        o.voters = options_.members;
        o.spares = prng_.below(3);
        o.tuning.kick_after = milliseconds(1500 + static_cast<std::int64_t>(prng_.below(2500)));
        o.tuning.readmit_after = milliseconds(200);
        o.tuning.park_ahead = prng_.one_in(2) ? 65'536 : 1 + prng_.below(64);
        if (prng_.one_in(8)) {  // slots pass every power of two that somebody might count in
            count_option("long strides");
            o.tuning.park_ahead = std::uint64_t{1} << (15 + prng_.below(26));
        }
        o.skewed_clocks = prng_.one_in(3);
        if (o.skewed_clocks) count_option("clock skew");
        if (prng_.one_in(3)) {
            count_option("tiny window");
            o.tuning.window_batches = 1 + prng_.below(2);
        }
        if (prng_.one_in(3)) {
            count_option("tiny log");
            o.tuning.log_bytes = 200 + prng_.below(2000);
            o.tuning.decided_bytes = 1 + prng_.below(1000);
        }
        if (prng_.one_in(3)) {
            count_option("tiny history");
            o.store.history_revisions = 50 + static_cast<std::int64_t>(prng_.below(50));
        }
        if (prng_.one_in(2)) {
            count_option("tiny pieces");
            o.store.snapshot_piece_bytes = 200 + prng_.below(5000);
        }
        if (prng_.one_in(3)) {
            count_option("two releases");
            o.releases = 2;
        }
        choose_sizes(o);
        if (options_.calm) slow_down(o);
        return o;
    }

    /// Real sizes with the real bounds are rare, since they take long. In most runs values are
    /// small and so is the bound above which messages are bulk.
    void choose_sizes(ClusterOptions& o) {
        if (prng_.one_in(2)) {
            count_option("small bulk bound");
            o.network.bounds.bulk_above = prng_.below(600);
        }
        if (prng_.one_in(2)) o.network.bytes_per_second = 1'000'000 + prng_.below(50'000'000);
        if (options_.calm || !prng_.one_in(16)) return;
        count_option("large values");
        value_bytes_ = 1 + prng_.below(base::MiB);
        o.value_bytes_max = base::MiB;
        o.store.history_bytes = 2 * base::MiB + prng_.below(64 * base::MiB);
        o.store.tree_bytes = 16 * base::MiB;
        o.network.bytes_per_second = 100'000'000 + prng_.below(1'000'000'000);
        o.network.kernel_bytes = prng_.below(4 * base::MiB);
    }

    /// Less is said where nothing happens, so that years pass quickly.
    static void slow_down(ClusterOptions& o) {
        o.pulse = seconds(20);
        o.tuning.ping_every = seconds(1);
        o.tuning.kick_after = seconds(20);
    }

    [[nodiscard]] Workload::Pace workload_pace() const {
        Workload::Pace pace;
        if (options_.calm) pace.think = milliseconds(7600);
        pace.large_one_in = value_bytes_ > 0 ? 4 : 16;
        pace.value_bytes = value_bytes_ > 0 ? value_bytes_ : 2000;
        return pace;
    }
    [[nodiscard]] Faults::Pace fault_pace() const {
        Faults::Pace pace;
        if (options_.calm) pace = {seconds(4), seconds(50)};
        return pace;
    }

    [[nodiscard]] bool good() const {
        return cluster_.violations().empty() && result_.failures.empty() &&
               faults_.failures().empty();
    }
    void fail(std::string const& what) { result_.failures.push_back(what); }

    [[nodiscard]] bool enough() const {
        return workload_.finished() >= options_.operations && faults_.injected() >= 5;
    }

    // --- afterwards
    void pass(Duration d) {
        Instant const until = schedule_.now() + d;
        while (good() && schedule_.run_one(until)) {
        }
    }

    /// A majority that is connected and awake, of every configuration that still matters to it.
    [[nodiscard]] std::optional<std::vector<Address>> pick_majority() {
        Configuration const newest = cluster_.agreement().newest();
        std::vector<Address> living;
        for (MemberId const id : newest.voters) {
            if (auto const a = cluster_.address_of(id)) living.push_back(*a);
        }
        while (living.size() > newest.majority()) {
            living.erase(living.begin() + static_cast<std::ptrdiff_t>(prng_.below(living.size())));
        }
        if (living.size() < newest.majority()) return std::nullopt;
        bool const somebody_is_there = std::any_of(living.begin(), living.end(), [&](Address a) {
            return cluster_.core(a).epoch() == newest.epoch;
        });
        for (Address const a : living) {
            if (!somebody_is_there) return std::nullopt;
            if (cluster_.core(a).epoch() == Epoch(0)) return std::nullopt;
        }
        return living;
    }

    void check_liveness() {
        auto const chosen = pick_majority();
        if (!chosen) return;
        faults_.count("frozen majority");
        auto const inside = [&](Address a) {
            return std::find(chosen->begin(), chosen->end(), a) != chosen->end();
        };
        for (Address a = 0; a < cluster_.addresses(); ++a) {
            for (Address b = 0; b < cluster_.addresses(); ++b) {
                if (a == b) continue;
                if (inside(a) && inside(b)) {
                    cluster_.network().heal(a, b);
                } else if (prng_.one_in(2)) {
                    cluster_.network().cut(a, b);
                }
            }
        }
        for (Address const a : *chosen) {
            faults_.normal_speed(a);
            faults_.resume(a);
            for (Address const b : *chosen) {
                cluster_.network().lose_large(a, b, static_cast<std::size_t>(-1));
            }
        }
        pass(std::max(seconds(1), Network::linked_within));  // and for stalls to end
        Instant const start = schedule_.now();
        std::vector<std::size_t> writes;
        for (Address const a : *chosen) {
            if (auto const w = workload_.write_at(a, seconds(600))) writes.push_back(*w);
        }
        Duration patience = ClusterOptions{}.tuning.suspicion_cap;
        for (Address const a : *chosen) {
            patience = std::max(patience, cluster_.core(a).suspicion_time());
        }
        Duration const limit(5 * patience.value());
        auto const committed = [&] {
            return std::any_of(writes.begin(), writes.end(), [&](std::size_t w) {
                return workload_.ops()[w].state == OpState::done;
            });
        };
        while (good() && !committed() && schedule_.run_one(start + limit)) {
        }
        // A kick that was on its way may have made one of the frozen needed: a majority no more.
        if (good() && !committed() && !majority_of_newest(*chosen)) return;
        if (good() && !committed()) fail("liveness: no write within 5 T by a connected majority");
        result_.liveness_checked = true;
        result_.longest_gap = schedule_.now() - start;
        await_answers(writes, [&] { return majority_of_newest(*chosen); });
    }

    /// Each of these is answered, whatever the answer; or the members are no majority any more.
    template <typename Majority>
    void await_answers(std::vector<std::size_t> const& writes, Majority is_majority) {
        auto const unanswered = [&] {
            return std::find_if(writes.begin(), writes.end(), [&](std::size_t w) {
                return workload_.ops()[w].state == OpState::pending;
            });
        };
        Instant const until = schedule_.now() + answered_within;
        while (good() && unanswered() != writes.end() && schedule_.run_one(until)) {
        }
        if (!good() || unanswered() == writes.end() || !is_majority()) return;
        fail("a client of a healthy member of a connected majority is not answered within 5 s");
    }

    /// When all is well again every process answers.
    void check_answers() {
        std::vector<std::size_t> writes;
        for (Address a = 0; a < cluster_.addresses(); ++a) {
            if (!cluster_.alive(a) || !cluster_.serving(a)) continue;
            if (auto const w = workload_.write_at(a, seconds(600))) writes.push_back(*w);
        }
        await_answers(writes, [] { return true; });
    }

    /// What operators have begun they bring to its end, on a network that is whole.
    void end_disasters() {
        if (faults_.is_over()) return;
        faults_.mend();
        Instant const until = schedule_.now() + seconds(400);
        while (good() && !faults_.is_over() && schedule_.run_one(until)) {
        }
        if (good() && !faults_.is_over()) fail("what an operator has ordered does not come about");
    }

    [[nodiscard]] bool majority_of_newest(std::vector<Address> const& chosen) const {
        Configuration const newest = cluster_.agreement().newest();
        auto const inside = std::count_if(chosen.begin(), chosen.end(), [&](Address a) {
            return newest.voter_index(cluster_.core(a).me()).has_value();
        });
        return static_cast<std::size_t>(inside) >= newest.majority();
    }

    void check_convergence() {
        workload_.stop();
        faults_.mend();
        Instant const until = schedule_.now() + converge_within;
        while (good() && schedule_.now() < until) {
            pass(milliseconds(137));  // in no step with what is done regularly
            if (cluster_.converged() && cluster_.complete()) return;
        }
        if (good() && !cluster_.converged()) return fail("the members do not converge");
        if (good()) fail("who lives does not vote, although there are slots" + slots());
    }

    std::string slots() {
        std::string all;
        for (auto const& slot : cluster_.replica(faults_.any_alive()).state().slots()) {
            all.append(", ").append(slot.path).append("=").append(slot.content);
        }
        return all;
    }

    RunOptions options_;
    RunResult result_;
    Prng prng_;
    std::size_t value_bytes_ = 0;  // of large values in this run; 0: there are none
    Schedule schedule_;
    Cluster cluster_;
    Workload workload_;
    Faults faults_;
};

}  // namespace

RunResult run(RunOptions const& options) {
    return Run(options).go();
}

}  // namespace doozer::sim
