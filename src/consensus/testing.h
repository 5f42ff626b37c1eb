// For tests: a few cores side by side, links whose messages are delivered when the test says so,
// and an application that only writes down what it is told.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "consensus/core.h"
#include "consensus/core_invariants.h"
#include "consensus/small_application.h"

namespace doozer::consensus {

/// Writes down payloads. "voters:a,b,c" makes a, b and c the voters.
class Notebook : public SmallApplication {
  public:
    Applied apply(Batch const& batch) override {
        std::string const text(batch.payload().view());
        lines_.push_back(text);
        Hasher h;
        for (std::string const& line : lines_) h.bytes(line);
        Applied applied;
        applied.fingerprint = h.digest().low;
        if (text.starts_with("voters:")) {
            applied.voters.emplace();
            for (std::size_t i = 7; i < text.size(); i += 2) {
                applied.voters->emplace_back(text.substr(i, 1));
            }
        }
        return applied;
    }
    Applied force(MemberId survivor) override {
        return apply(Batch(survivor, Oseq(1), Bytes("forced")));
    }
    [[nodiscard]] Bytes snapshot() const override {
        std::string all;
        for (std::string const& line : lines_) all += line + "\n";
        return Bytes(all);
    }
    bool install(Bytes const& snapshot) override {
        if (snapshot.view() == "garbage") return false;
        lines_.clear();
        std::string line;
        for (char const c : snapshot.view()) {
            if (c != '\n') {
                line += c;
                continue;
            }
            lines_.push_back(line);
            line.clear();
        }
        return true;
    }
    [[nodiscard]] std::vector<std::string> const& lines() const { return lines_; }

  private:
    std::vector<std::string> lines_;
};

/// Members "a", "b", ... Time stands still unless the test lets it pass.
class Bench {
  public:
    struct Member {
        Core core;
        Notebook notebook;
        CoreInvariants invariants;
        Output last;
        std::vector<std::uint64_t> reads_ready;
        std::vector<std::uint64_t> reads_refused;
        std::vector<Ignored> ignored;
        bool dead = false;
    };

    explicit Bench(std::string const& voters, std::string const& owners = "",
                   Tuning const& tuning = {}) {
        for (char const c : voters) start.voters.emplace_back(std::string(1, c));
        for (char const c : owners.empty() ? voters : owners) {
            start.owners.emplace_back(std::string(1, c));
        }
        for (char const c : voters) add(c, Core(MemberId(std::string(1, c)), start, tuning));
        for (auto const& [x, m] : members) {
            for (auto const& [y, n] : members) {
                if (x < y) link(x, y);
            }
        }
        settle();
    }
    void follow(char name, Tuning const& tuning = {}) {
        add(name, Core(MemberId(std::string(1, name)), {}, tuning));
    }
    Core const& core(char c) const { return members.at(c).core; }
    std::vector<std::string> const& lines(char c) const { return members.at(c).notebook.lines(); }

    void link(char a, char b) {
        up[{a, b}] = up[{b, a}] = true;
        step(a, LinkUp{id(b)});
        step(b, LinkUp{id(a)});
    }
    void unlink(char a, char b) {
        for (auto const& [x, y] : {std::pair(a, b), std::pair(b, a)}) {
            up[{x, y}] = false;
            wire[{x, y}].clear();
            step(x, LinkDown{id(y)});
        }
    }
    void kill(char c) {
        members.at(c).dead = true;
        for (auto& [pair, queue] : wire) {
            if (pair.first == c || pair.second == c) queue.clear();
        }
        for (auto const& [other, m] : members) {
            if (other != c && up[{c, other}]) unlink(c, other);
        }
    }
    void submit(char c, std::string const& text) {
        step(c, Submit{Bytes(text)});
        turn(c);
    }
    void turn(char c) { step(c, EndOfTurn{}); }
    /// Delivers what waits on one link.
    void deliver(char from, char to) {
        for (Message const& m : std::exchange(wire[{from, to}], {})) receive(from, to, m);
        turn(to);
    }
    void receive(char from, char to, Message const& m) { step(to, Receive{id(from), m}); }
    /// Delivers everything that is not held back until nothing is on its way.
    void settle() {
        bool moved = true;
        while (moved) {
            moved = false;
            for (auto& [pair, queue] : wire) {
                if (queue.empty() || held[pair]) continue;
                moved = true;
                deliver(pair.first, pair.second);
            }
        }
    }
    void hold(char from, char to, bool yes = true) { held[{from, to}] = yes; }
    /// Time passes in small pieces; whatever is sent arrives.
    void pass(Duration d) {
        Instant const until = now + d;
        while (now < until) {
            now = std::min(until, now + milliseconds(2));
            for (auto const& [c, m] : members) {
                step(c, Tick{});
                turn(c);
            }
            settle();
        }
    }
    void step(char c, Input const& input) {
        Member& m = members.at(c);
        if (m.dead) return;
        m.last = m.core.step(now, input, m.notebook);
        if (auto const bad = m.invariants.check(m.core)) violations.push_back(*bad);
        for (Send const& s : m.last.sends) {
            char const to = s.to.text[0];
            if (up[{c, to}] && !members.at(to).dead) wire[{c, to}].push_back(s.message);
        }
        m.ignored.insert(m.ignored.end(), m.last.ignored.begin(), m.last.ignored.end());
        m.reads_ready.insert(m.reads_ready.end(), m.last.reads_ready.begin(),
                             m.last.reads_ready.end());
        m.reads_refused.insert(m.reads_refused.end(), m.last.reads_refused.begin(),
                               m.last.reads_refused.end());
    }
    static MemberId id(char c) { return MemberId(std::string(1, c)); }

    Configuration start{Lineage{7, 7}, Epoch(1), {}, {}};
    Instant now{1'000'000'000};
    std::map<char, Member> members;
    std::map<std::pair<char, char>, std::vector<Message>> wire;
    std::map<std::pair<char, char>, bool> up;
    std::map<std::pair<char, char>, bool> held;
    std::vector<std::string> violations;

  private:
    void add(char name, Core core) {
        members.emplace(name, Member{std::move(core), {}, {}, {}, {}, {}, {}, false});
    }
};

}  // namespace doozer::consensus
