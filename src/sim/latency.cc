#include "sim/latency.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>

#include "sim/cluster.h"

namespace doozer::sim {

namespace {

constexpr Duration one_way = microseconds(100);
constexpr Duration round_trip = microseconds(200);
constexpr Duration slow_one_way = milliseconds(25);

/// One client at each of some members, which writes again as soon as it is answered.
class Writers : public Watcher {
  public:
    explicit Writers(std::size_t members) : cluster_(schedule_, prng_, options(members)) {
        cluster_.watch(this);
        for (Address a = 0; a < members; ++a) {
            for (Address b = 0; b < members; ++b) {
                cluster_.network().set_delay(a, b, one_way, Duration(0));
            }
        }
        pass(seconds(2));
    }

    void write_at(Address a) {
        SessionId const session = cluster_.open(a);
        at_[session] = a;
        write(session);
    }
    void slow_down(Address a) {
        for (Address b = 0; b < cluster_.addresses(); ++b) {
            cluster_.network().set_delay(a, b, slow_one_way, Duration(0));
            cluster_.network().set_delay(b, a, slow_one_way, Duration(0));
        }
    }
    void pass(Duration d) {
        Instant const until = schedule_.now() + d;
        while (schedule_.run_one(until)) continue;
    }
    void forget() {
        latencies_.clear();
        answered_ = schedule_.now();
        longest_gap_ = Duration(0);
    }

    void on_reply(Address, replica::Reply const& reply) override {
        auto const at = at_.find(reply.session);
        if (at == at_.end()) return;
        if (at->second == watched_) {
            latencies_.push_back(schedule_.now() - asked_[reply.session]);
            longest_gap_ = std::max(longest_gap_, schedule_.now() - answered_);
            answered_ = schedule_.now();
        }
        SessionId const session = reply.session;
        schedule_.after(Duration(1), [this, session] { write(session); });
    }
    void on_lost(Address a, SessionId) override {
        std::erase_if(at_, [&](auto const& s) { return s.second == a; });
    }

    Cluster& cluster() { return cluster_; }
    /// Whose client's latencies are taken.
    void watch(Address a) { watched_ = a; }
    [[nodiscard]] Duration longest_gap() const { return longest_gap_; }
    [[nodiscard]] double percentile(double share) {
        if (latencies_.empty()) return -1;
        std::sort(latencies_.begin(), latencies_.end());
        auto const i = static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1));
        return static_cast<double>(latencies_[i].value()) / static_cast<double>(round_trip.value());
    }

  private:
    static ClusterOptions options(std::size_t members) {
        ClusterOptions o;
        o.voters = members;
        o.pulse = seconds(3600);
        o.encoded = false;
        return o;
    }
    void write(SessionId session) {
        auto const at = at_.find(session);
        if (at == at_.end() || !cluster_.serving(at->second)) return;
        asked_[session] = schedule_.now();
        Request r;
        r.verb = Verb::set;
        r.path = "/k";
        r.value = "v";
        r.rev = clobber;
        cluster_.request(at->second, session, r);
    }

    Schedule schedule_;
    Prng prng_{1};
    Cluster cluster_;
    std::map<SessionId, Address> at_;
    std::map<SessionId, Instant> asked_;
    Address watched_ = 0;
    std::vector<Duration> latencies_;
    Instant answered_;
    Duration longest_gap_;
};

std::string line(char const* what, Writers& w) {
    char text[160];
    std::snprintf(text, sizeof text, "%-48s median %6.2f, 99 %% %6.2f round trips", what,
                  w.percentile(0.5), w.percentile(0.99));
    return text;
}

std::string latency(char const* what, std::size_t members, std::function<void(Writers&)> const& set,
                    Address watched = 0) {
    Writers w(members);
    w.watch(watched);
    set(w);
    w.pass(seconds(3));
    w.forget();
    w.pass(seconds(2));
    return line(what, w);
}

std::string gap(char const* what, std::size_t members, bool victim_writes) {
    Writers w(members);
    w.write_at(0);
    if (victim_writes) w.write_at(1);
    w.pass(seconds(2));
    w.forget();
    double const t = static_cast<double>(w.cluster().core(0).suspicion_time().value());
    w.cluster().crash(1, true);
    w.pass(seconds(2));
    char text[160];
    std::snprintf(text, sizeof text, "%-48s longest gap %5.2f T (T = %.1f ms)", what,
                  static_cast<double>(w.longest_gap().value()) / t, t / 1e6);
    return text;
}

}  // namespace

std::vector<std::string> measure_latency(std::size_t members) {
    return {
        latency("one hot member", members, [](Writers& w) { w.write_at(0); }),
        latency("all hot", members,
                [&](Writers& w) {
                    for (Address a = 0; a < members; ++a) w.write_at(a);
                }),
        latency("one slow by 50 ms, idle", members,
                [](Writers& w) {
                    w.slow_down(1);
                    w.write_at(0);
                }),
        latency("one slow by 50 ms and writing: the others", members,
                [](Writers& w) {
                    w.slow_down(1);
                    w.write_at(0);
                    w.write_at(1);
                }),
        latency(
            "one slow by 50 ms and writing: its own", members,
            [](Writers& w) {
                w.slow_down(1);
                w.write_at(0);
                w.write_at(1);
            },
            1),
        latency("one dead", members,
                [](Writers& w) {
                    w.write_at(0);
                    w.cluster().crash(1, true);
                }),
        gap("a member dies that was idle", members, false),
        gap("a member dies that was writing", members, true),
    };
}

}  // namespace doozer::sim
