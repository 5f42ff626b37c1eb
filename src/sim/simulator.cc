#include "sim/simulator.h"

#include "sim/linearizability.h"
#include "sim/workload.h"

namespace doozer::sim {

std::vector<std::string> const& fault_kinds() {
    static std::vector<std::string> const kinds = {
        "cut one way", "partition",    "pause",           "crash",      "silent crash",
        "stall",       "reset",        "slow link",       "clock skew", "tiny window",
        "tiny log",    "tiny history", "frozen majority", "retire",     "operator"};
    return kinds;
}

namespace {

constexpr Duration converge_within = seconds(60);

class Run {
  public:
    explicit Run(RunOptions const& options)
        : options_(options),
          prng_(options.seed),
          cluster_(schedule_, prng_, cluster_options()),
          workload_(schedule_, prng_, cluster_, 4, 2) {
        if (options.trace) cluster_.log_to(&result_.lines);
        cluster_.watch(&workload_);
    }

    RunResult go() {
        schedule_.after(milliseconds(300), [this] { workload_.start(); });
        plan_fault();
        Instant const give_up = Instant(0) + seconds(600);
        while (!enough() && schedule_.now() < give_up && good()) schedule_.run_one(give_up);
        if (good() && !enough()) fail("the clients got nowhere");
        faults_over_ = true;
        end_retired();
        if (good() && prng_.one_in(2)) check_liveness();
        if (good()) check_convergence();
        for (std::string const& v : cluster_.violations()) fail(v);
        for (std::string const& w :
             check_history(workload_.ops(), workload_.watches(), cluster_.agreement().log())) {
            fail(w);
        }
        for (std::string const& w : check_linearizability(workload_.ops()).wrong) fail(w);
        result_.operations = workload_.ops().size();
        result_.epochs = cluster_.agreement().epochs();
        result_.counts = cluster_.counts();
        result_.seals = result_.counts["sealed"];
        result_.trace = cluster_.trace();
        return std::move(result_);
    }

  private:
    ClusterOptions cluster_options() {
        ClusterOptions o;
        o.voters = options_.members;
        o.spares = prng_.below(3);
        o.tuning.kick_after = milliseconds(1500 + static_cast<std::int64_t>(prng_.below(2500)));
        o.tuning.readmit_after = milliseconds(200);
        o.tuning.park_ahead = prng_.one_in(2) ? 65'536 : 1 + prng_.below(64);
        o.skewed_clocks = prng_.one_in(3);
        if (o.skewed_clocks) ++result_.faults["clock skew"];
        if (prng_.one_in(3)) {
            ++result_.faults["tiny window"];
            o.tuning.window_batches = 1 + prng_.below(2);
        }
        if (prng_.one_in(3)) {
            ++result_.faults["tiny log"];
            o.tuning.log_bytes = 200 + prng_.below(2000);
            o.tuning.decided_bytes = 1 + prng_.below(1000);
        }
        if (prng_.one_in(3)) {
            ++result_.faults["tiny history"];
            o.store.history_revisions = 50 + static_cast<std::int64_t>(prng_.below(50));
        }
        if (prng_.one_in(2)) {
            ++result_.faults["tiny pieces"];
            o.store.snapshot_piece_bytes = 200 + prng_.below(5000);
        }
        return o;
    }

    [[nodiscard]] bool good() const {
        return cluster_.violations().empty() && result_.failures.empty();
    }
    void fail(std::string const& what) { result_.failures.push_back(what); }

    [[nodiscard]] bool enough() const {
        return workload_.finished() >= options_.operations && faults_ >= 5;
    }

    // --- faults
    void plan_fault() {
        Duration const wait = milliseconds(20 + static_cast<std::int64_t>(prng_.below(400)));
        schedule_.after(wait, [this] {
            if (faults_over_) return;
            inject();
            plan_fault();
        });
    }

    Address any() { return prng_.below(cluster_.addresses()); }
    Duration some_time(std::int64_t most_ms) {
        return milliseconds(
            1 + static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>(most_ms))));
    }
    void count(char const* kind) {
        ++result_.faults[kind];
        ++faults_;
        if (options_.trace) {
            result_.lines.push_back(std::to_string(schedule_.now().value() / 1000) + "us FAULT " +
                                    kind);
        }
    }

    void inject() {
        Address const a = any();
        Address const b = any();
        std::int64_t const longest = prng_.one_in(4) ? 6000 : 400;
        std::uint64_t const dice = prng_.below(9);
        if (dice == 0 && a != b) {
            count("cut one way");
            cut_for(a, b, some_time(longest));
        } else if (dice == 1) {
            partition(some_time(longest));
        } else if (dice == 2 && cluster_.alive(a) && !cluster_.paused(a)) {
            count("pause");
            cluster_.pause(a);
            schedule_.after(some_time(longest), [this, a] { resume(a); });
        } else if (dice == 3) {
            crash(a);
        } else if (dice == 4 && a != b) {
            count("stall");
            cluster_.network().stall(a, b, some_time(1000));
        } else if (dice == 5 && a != b) {
            count("reset");
            cluster_.network().reset(a, b);
        } else if (dice == 6 && a != b) {
            count("slow link");
            slow_for(a, some_time(longest));
        } else if (dice == 7 && !cluster_.alive(a)) {
            cluster_.start(a);
        } else if (dice == 8) {
            operate(a);
        }
    }

    /// An operator makes a slot, gives it away or takes it away, or overwrites an address.
    void operate(Address a) {
        if (!cluster_.serving(a) || cluster_.paused(a) || retiring_) return;
        std::string path = "/ctl/cal/" + std::to_string(prng_.below(options_.members + 1));
        auto const holder = cluster_.address_of(MemberId(cluster_.content(a, path)));
        if (holder && !cluster_.can_lose(*holder)) return;
        count("operator");
        Request r;
        r.verb = holder && prng_.one_in(4) ? Verb::del : Verb::set;
        if (prng_.one_in(8)) {
            path = "/ctl/node/" + cluster_.core(any_alive()).me().str() + "/addr";
            r.verb = Verb::set;
        }
        store::Store const& store = cluster_.store(a);
        r.path = path;
        r.rev = store.find(store::Path::trusted(path), store.revision()).rev;
        if (r.verb == Verb::set) r.value = prng_.one_in(4) ? "rubbish" : "";
        SessionId const session = cluster_.open(a);
        cluster_.request(a, session, r);
        cluster_.close(a, session);
    }

    Address any_alive() {
        Address a = any();
        while (!cluster_.alive(a)) a = (a + 1) % cluster_.addresses();
        return a;
    }

    void resume(Address a) {
        if (cluster_.paused(a)) cluster_.resume(a);
    }

    void cut_for(Address a, Address b, Duration how_long) {
        cluster_.network().cut(a, b);
        schedule_.after(how_long, [this, a, b] {
            if (!faults_over_) cluster_.network().heal(a, b);
        });
    }

    void partition(Duration how_long) {
        count("partition");
        std::uint64_t const side = prng_.next();
        for (Address a = 0; a < cluster_.addresses(); ++a) {
            for (Address b = 0; b < cluster_.addresses(); ++b) {
                if (((side >> a) & 1U) != ((side >> b) & 1U)) cut_for(a, b, how_long);
            }
        }
    }

    /// Only while the rest can go on: what a lost majority knew is lost, and nothing can help.
    void crash(Address a) {
        if (!cluster_.alive(a) || !cluster_.can_lose(a) || retiring_) return;
        if (prng_.one_in(4)) return retire(a);
        bool const silent = prng_.one_in(2);
        count(silent ? "silent crash" : "crash");
        cluster_.crash(a, silent);
        start_again(a);
    }

    /// It is told to end, and ends when it has left, or after a while all the same.
    void retire(Address a) {
        count("retire");
        retiring_ = a;
        cluster_.retire(a);
        schedule_.after(some_time(3000), [this] { end_retired(); });
    }

    void end_retired() {
        if (!retiring_) return;
        Address const a = *retiring_;
        if (cluster_.paused(a)) cluster_.resume(a);
        if (cluster_.alive(a) && !cluster_.can_lose(a)) {
            if (!faults_over_) schedule_.after(milliseconds(200), [this] { end_retired(); });
            return;
        }
        retiring_.reset();
        if (cluster_.alive(a)) cluster_.crash(a, false);
        if (!faults_over_) start_again(a);
    }

    void start_again(Address a) {
        if (prng_.one_in(4)) return;
        schedule_.after(some_time(3000), [this, a] {
            if (!cluster_.alive(a)) cluster_.start(a);
        });
    }

    void slow_for(Address a, Duration how_long) {
        for (Address b = 0; b < cluster_.addresses(); ++b) {
            cluster_.network().set_delay(a, b, milliseconds(50), milliseconds(5));
            cluster_.network().set_delay(b, a, milliseconds(50), milliseconds(5));
        }
        schedule_.after(how_long, [this, a] { normal_speed(a); });
    }
    void normal_speed(Address a) {
        for (Address b = 0; b < cluster_.addresses(); ++b) {
            cluster_.network().set_delay(a, b, microseconds(100), microseconds(20));
            cluster_.network().set_delay(b, a, microseconds(100), microseconds(20));
        }
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
        count("frozen majority");
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
            normal_speed(a);
            resume(a);
        }
        pass(std::max(seconds(1), Network::linked_within));  // and for stalls to end
        Instant const start = schedule_.now();
        std::vector<std::size_t> writes;
        for (Address const a : *chosen) {
            if (auto const w = workload_.write_at(a)) writes.push_back(*w);
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
        cluster_.network().heal_all();
        for (Address a = 0; a < cluster_.addresses(); ++a) {
            normal_speed(a);
            resume(a);
        }
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
        for (auto const& slot : cluster_.replica(any_alive()).state().slots()) {
            all.append(", ").append(slot.path).append("=").append(slot.content);
        }
        return all;
    }

    RunOptions options_;
    RunResult result_;
    Prng prng_;
    Schedule schedule_;
    Cluster cluster_;
    Workload workload_;
    std::size_t faults_ = 0;
    std::optional<Address> retiring_;  // one at a time
    bool faults_over_ = false;
};

}  // namespace

RunResult run(RunOptions const& options) {
    return Run(options).go();
}

}  // namespace doozer::sim
