#include "sim/scenario.h"

#include <cstdio>
#include <functional>
#include <sstream>

#include "sim/cluster.h"
#include "sim/simulator.h"

namespace doozer::sim {

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string const& line) {
    std::istringstream in(line.substr(0, line.find('#')));
    Words words;
    for (std::string w; in >> w;) words.push_back(w);
    return words;
}

std::int64_t number(std::string const& text) {
    return std::atoll(text.c_str());
}

Duration duration(std::string const& text) {
    return text.ends_with("ms") ? milliseconds(number(text)) : seconds(number(text));
}

class Story : public Watcher {
  public:
    explicit Story(bool trace) : trace_(trace) {}

    std::string run(std::string const& text) {
        std::istringstream in(text);
        int number_of_line = 0;
        for (std::string line; std::getline(in, line);) {
            ++number_of_line;
            Words const w = words_of(line);
            if (w.empty()) continue;
            if (std::string const bad = perform(w); !bad.empty()) {
                std::string where = "line " + std::to_string(number_of_line);
                return where.append(" (").append(line).append("): ").append(bad);
            }
        }
        if (was_day_) return "";
        return cluster_ ? finish() : "no members";
    }

    void on_reply(Address, replica::Reply const& reply) override {
        if (reply.session != session_) return;
        bool const not_done = reply.error && reply.error->code != Errc::rev_mismatch;
        (not_done ? refused_ : answered_) = true;
        found_ = reply.value ? std::string(reply.value->view()) : "";
    }
    void on_lost(Address, SessionId) override {}

  private:
    std::string perform(Words const& w) {
        std::string const& verb = w[0];
        if (verb == "day") return day(w);
        if (verb == "members" || verb == "spare" || verb == "option") return prepare(w);
        if (!cluster_) found();
        if (w.size() < 2 && verb != "heal") return "what?";
        std::string bad;
        if (verb == "expect") {
            bad = expect(w);
        } else if (verb == "run") {
            pass(duration(w[1]));
        } else if (verb == "set" || verb == "cas" || verb == "del" || verb == "read") {
            bad = request(w);
        } else if (verb == "heal" && w.size() == 1) {
            mend();
        } else {
            bad = fault(w);
        }
        if (!bad.empty()) return bad;
        return cluster_->violations().empty() ? "" : cluster_->violations().front();
    }

    /// A whole run of the simulator, by its members, seed and operations: "day 3 41 120".
    std::string day(Words const& w) {
        if (w.size() != 4 || cluster_) return "what?";
        RunResult const r =
            sim::run({std::stoul(w[1]), std::stoull(w[2]), std::stoul(w[3]), false});
        was_day_ = true;
        return r.failures.empty() ? "" : r.failures.front();
    }

    std::string prepare(Words const& w) {
        if (cluster_) return "too late for that";
        if (w[0] == "option" && w.size() == 3) {
            if (w[1] == "kick") options_.tuning.kick_after = duration(w[2]);
            if (w[1] == "suspect") options_.tuning.suspicion_cap = duration(w[2]);
            if (w[1] == "park")
                options_.tuning.park_ahead = static_cast<std::uint64_t>(number(w[2]));
            if (w[1] == "log") options_.tuning.log_bytes = static_cast<std::size_t>(number(w[2]));
            if (w[1] == "pulse") options_.pulse = duration(w[2]);
            auto const bytes = static_cast<std::size_t>(number(w[2]));
            if (w[1] == "bulk") options_.network.bounds.bulk_above = bytes;
            if (w[1] == "queue") options_.network.bounds.frames_max = bytes;
            if (w[1] == "kernel") options_.network.kernel_bytes = bytes;
            if (w[1] == "seed") prng_ = Prng(static_cast<std::uint64_t>(number(w[2])));
            if (w[1] == "pieces") options_.store.snapshot_piece_bytes = bytes;
            if (w[1] == "speed") options_.network.bytes_per_second = bytes;
            if (w[1] == "history") options_.store.history_revisions = number(w[2]);
            return "";
        }
        for (std::size_t i = 1; i < w.size(); ++i) names_ += w[i];
        (w[0] == "members" ? options_.voters : options_.spares) = w.size() - 1;
        return "";
    }

    void found() {
        cluster_.emplace(schedule_, prng_, options_);
        cluster_->watch(this);
        if (trace_) cluster_->log_to(&lines_);
        pass(milliseconds(500));
        founded_ = cluster_->agreement().newest().epoch;
    }

    [[nodiscard]] Address at(std::string const& name) const {
        std::size_t const a = names_.find(name);
        DOOZER_ASSERT(a != std::string::npos);
        return a;
    }

    void pass(Duration d) {
        Instant const until = schedule_.now() + d;
        while (schedule_.run_one(until)) {
        }
        if (trace_) {
            for (std::string const& line : lines_) std::printf("    %s\n", line.c_str());
            lines_.clear();
        }
    }

    /// On a connection of its own; answers to earlier requests are ignored from now on.
    std::string request(Words const& w) {
        if (w.size() < 3) return "what?";
        Address const a = at(w[1]);
        if (!cluster_->serving(a)) return w[1] + " does not serve";
        answered_ = refused_ = false;
        found_.clear();
        session_ = cluster_->open(a);
        std::size_t const equals = std::min(w[2].find('='), w[2].size());
        std::string const path = path_of(w[2].substr(0, equals));
        std::string const value = value_of(w[2].substr(std::min(equals + 1, w[2].size())));
        Request r;
        r.path = path;
        r.verb = w[0] == "read" ? Verb::get : w[0] == "del" ? Verb::del : Verb::set;
        r.linear = w[0] == "read";
        if (r.verb == Verb::set) r.value = value;
        if (!r.linear) r.rev = w[0] == "cas" && w.size() > 3 ? Revision(number(w[3])) : clobber;
        cluster_->request(a, session_, r);
        return "";
    }

    /// "@1000" is 1000 bytes.
    [[nodiscard]] std::string value_of(std::string const& text) const {
        if (text.size() < 2 || text.front() != '@') return text;
        std::string const rest = text.substr(1);
        if (names_.find(rest) != std::string::npos) return cluster_->core(at(rest)).me().str();
        return std::string(static_cast<std::size_t>(number(rest)), 'x');
    }

    /// "k" is "/k"; "@a" is the id of a.
    [[nodiscard]] std::string path_of(std::string key) const {
        if (!key.starts_with('/')) key.insert(0, "/");
        for (std::size_t mark = key.find('@'); mark != std::string::npos; mark = key.find('@')) {
            std::string const id = cluster_->core(at(key.substr(mark + 1, 1))).me().str();
            key.replace(mark, 2, id);
        }
        return key;
    }

    std::string fault(Words const& w) {
        Network& net = cluster_->network();
        Address const a = at(w[1]);
        std::string const& verb = w[0];
        if (verb == "crash") {
            cluster_->crash(a, w.size() > 2);
        } else if (verb == "start") {
            cluster_->start(a);
        } else if (verb == "pause") {
            cluster_->pause(a);
        } else if (verb == "force") {
            cluster_->force(a);
        } else if (verb == "retire") {
            cluster_->retire(a);
        } else if (verb == "resume") {
            cluster_->resume(a);
        } else if (verb == "part") {
            part(w);
        } else if (verb == "slow" && w.size() > 2) {
            for (Address b = 0; b < names_.size(); ++b) {
                net.set_delay(a, b, duration(w[2]), milliseconds(1));
                net.set_delay(b, a, duration(w[2]), milliseconds(1));
            }
        } else if (verb == "cut" && w.size() > 2) {
            net.cut(a, at(w[2]));
        } else if (verb == "heal" && w.size() > 2) {
            net.heal(a, at(w[2]));
        } else if (verb == "reset" && w.size() > 2) {
            net.reset(a, at(w[2]));
        } else if (verb == "halfopen" && w.size() > 2) {
            net.half_open(a, at(w[2]));
        } else if (verb == "speed" && w.size() > 2) {
            set_speed(a, static_cast<std::uint64_t>(number(w[2])));
        } else if (verb == "large" && w.size() > 3) {
            net.lose_large(a, at(w[2]), static_cast<std::size_t>(number(w[3])));
        } else if (verb == "stall" && w.size() > 4 && w[4] == "bulk") {
            net.stall_bulk(a, at(w[2]), duration(w[3]));
        } else if (verb == "stall" && w.size() > 3) {
            net.stall(a, at(w[2]), duration(w[3]));
        } else {
            return "what?";
        }
        return "";
    }

    /// Bytes a second, of all that it sends and gets.
    void set_speed(Address a, std::uint64_t speed) {
        for (Address b = 0; b < names_.size(); ++b) {
            cluster_->network().set_speed(a, b, speed);
            cluster_->network().set_speed(b, a, speed);
        }
    }

    void part(Words const& w) {
        auto const inside = [&](Address a) {
            return std::find(w.begin() + 1, w.end(), names_.substr(a, 1)) != w.end();
        };
        for (Address a = 0; a < names_.size(); ++a) {
            for (Address b = 0; b < names_.size(); ++b) {
                if (inside(a) != inside(b)) cluster_->network().cut(a, b);
            }
        }
    }

    // --- expectations
    std::string expect(Words w) {
        Duration wait;
        if (auto const within = std::find(w.begin(), w.end(), "within"); within != w.end()) {
            if (within + 1 == w.end()) return "within what?";
            wait = duration(*(within + 1));
            w.erase(within, within + 2);
        }
        Instant const until = schedule_.now() + wait;
        for (;;) {
            std::string const bad = judge(w);
            if (bad.empty() || schedule_.now() >= until) return bad;
            pass(milliseconds(1));
        }
    }

    [[nodiscard]] std::vector<Address> places(Words const& w) const {
        std::vector<Address> all;
        auto const on = std::find(w.begin(), w.end(), "on");
        for (auto i = on; i != w.end(); ++i) {
            if (i != on) all.push_back(at(*i));
        }
        if (!all.empty()) return all;
        for (Address a = 0; a < names_.size(); ++a) {
            if (cluster_->alive(a)) all.push_back(a);
        }
        return all;
    }

    std::string judge(Words const& w) {
        std::string const& what = w[1];
        if (what == "answered") return answered_ ? "" : "no answer";
        if (what == "refused") return refused_ ? "" : "not refused";
        if (what == "unanswered") return answered_ ? "an answer" : "";
        if (what == "found") return found_ == w[2] ? "" : "found " + found_;
        std::uint64_t const seals =
            cluster_->counts().contains("sealed") ? cluster_->counts().at("sealed") : 0;
        if (what == "seals") {
            return seals == std::stoull(w[2]) ? "" : std::to_string(seals) + " seals";
        }
        if (what == "fewer") {
            return seals < std::stoull(w[3]) ? "" : std::to_string(seals) + " seals";
        }
        if (what == "retired") return cluster_->retired(at(w[2])) ? "" : "not retired";
        for (Address const a : places(w)) {
            if (!cluster_->alive(a)) return names_.substr(a, 1) + " is dead";
            std::string const is = what == "voters" || what == "owners" || what == "epoch"
                                       ? configuration(a, w)
                                       : content(a, what);
            if (!is.empty()) return names_.substr(a, 1) + " has " + is;
        }
        return "";
    }

    std::string content(Address a, std::string const& what) const {
        std::size_t const equals = what.find('=');
        std::string const value = cluster_->content(a, path_of(what.substr(0, equals)));
        return value == what.substr(equals + 1) ? "" : "\"" + value + "\"";
    }

    std::string configuration(Address a, Words const& w) const {
        Configuration const& c = cluster_->core(a).configuration();
        if (w[1] == "epoch") {
            std::uint64_t const epoch = c.epoch.value() - founded_.value() + 1;
            return epoch == std::stoull(w[2]) ? "" : "epoch " + std::to_string(epoch);
        }
        std::string wanted;
        for (std::size_t i = 2; i < w.size() && w[i] != "on"; ++i) wanted += w[i];
        std::string is;
        for (Address x = 0; x < names_.size(); ++x) {
            if (!cluster_->alive(x)) continue;
            MemberId const id = cluster_->core(x).me();
            bool const in =
                w[1] == "voters" ? c.voter_index(id).has_value() : c.lane_owned_by(id).has_value();
            if (in) is += names_[x];
        }
        std::size_t const listed = w[1] == "voters" ? c.voters.size() : c.owners.size();
        if (listed != is.size()) is += " and dead ones";
        return is == wanted ? "" : w[1] + " " + is;
    }

    void mend() {
        cluster_->network().heal_all();
        for (Address a = 0; a < names_.size(); ++a) {
            for (Address b = 0; b < names_.size(); ++b) {
                cluster_->network().set_delay(a, b, microseconds(100), microseconds(20));
                cluster_->network().set_speed(a, b, options_.network.bytes_per_second);
            }
            if (cluster_->paused(a)) cluster_->resume(a);
        }
    }

    std::string finish() {
        mend();
        Instant const until = schedule_.now() + seconds(60);
        while (schedule_.now() < until && cluster_->violations().empty()) {
            pass(milliseconds(137));
            if (cluster_->converged()) return "";
        }
        return cluster_->violations().empty() ? "at the end the members do not converge"
                                              : cluster_->violations().front();
    }

    bool trace_;
    Schedule schedule_;
    Prng prng_{1};
    ClusterOptions options_;
    std::string names_;
    std::optional<Cluster> cluster_;
    Epoch founded_;  // the first of the story
    SessionId session_{0};
    bool answered_ = false;
    bool refused_ = false;
    bool was_day_ = false;
    std::string found_;
    std::vector<std::string> lines_;
};

}  // namespace

std::string run_scenario(std::string const& text, bool trace) {
    return Story(trace).run(text);
}

}  // namespace doozer::sim
