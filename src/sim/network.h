// Virtual time, and a network between processes at fixed addresses that is as hostile as TCP
// allows: a connection keeps its order and loses nothing while it lives, but it may be slow, stand
// still, pass nothing in one direction, or break and lose whatever was on its way.
#pragma once

#include <deque>
#include <functional>
#include <queue>
#include <vector>

#include "base/prng.h"
#include "consensus/core.h"

namespace doozer::sim {

using namespace consensus;

/// What happens next, in the order of time; at one time in the order it was planned.
class Schedule {
  public:
    [[nodiscard]] Instant now() const { return now_; }
    void at(Instant when, std::function<void()> what);
    void after(Duration wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }
    /// Does the next thing if it is due by `until`; else time passes until then, and it is false.
    bool run_one(Instant until);

  private:
    struct Event {
        Instant when;
        std::uint64_t number;
        std::function<void()> what;
        bool operator>(Event const& o) const {
            return when != o.when ? when > o.when : number > o.number;
        }
    };
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t planned_ = 0;
    Instant now_;
};

using Address = std::size_t;

/// Who is told of what arrives. Called from within the schedule.
class Hosts {
  public:
    virtual ~Hosts() = default;
    virtual void link_up(Address at, Address peer) = 0;
    virtual void link_down(Address at, Address peer) = 0;
    virtual void arrive(Address at, Address from, Message const& message) = 0;
    /// Whether the process at `a` wants a link to whoever is at `b`.
    [[nodiscard]] virtual bool wants(Address a, Address b) const = 0;
};

class Network {
  public:
    Network(Schedule& schedule, Prng& prng, Hosts& hosts, std::size_t addresses);

    /// A process listens here from now on, and connects to all others.
    void start(Address a);
    /// The process is gone; the others notice by a reset, or (silent) only when they miss it.
    void stop(Address a, bool silent);
    /// The process drops its connections and makes new ones.
    void reconnect(Address a);
    /// The process wants other links than before.
    void look(Address a);
    void send(Address from, Address to, Message message);

    void cut(Address from, Address to);  // one way
    void heal(Address from, Address to);
    void heal_all();
    void reset(Address a, Address b);
    void stall(Address from, Address to, Duration how_long);
    void set_delay(Address from, Address to, Duration delay, Duration jitter);
    [[nodiscard]] bool is_cut(Address from, Address to) const { return wire(from, to).cut; }
    [[nodiscard]] bool connected(Address a, Address b) const { return pair(a, b).up; }
    /// A connection over which nothing has come for this long is given up.
    static constexpr Duration dead_after = seconds(2);

  private:
    struct Wire {  // one direction
        Duration delay = microseconds(100);
        Duration jitter = microseconds(20);
        Instant last;  // nothing overtakes
        bool cut = false;
        std::deque<Message> held;  // on their way when it was cut
    };
    struct Pair {
        std::uint64_t generation = 0;
        bool up = false;
        bool trying = false;
    };
    Wire& wire(Address from, Address to) { return wires_[from * addresses_ + to]; }
    [[nodiscard]] Wire const& wire(Address from, Address to) const {
        return wires_[from * addresses_ + to];
    }
    Pair& pair(Address a, Address b) {
        return pairs_[std::min(a, b) * addresses_ + std::max(a, b)];
    }
    [[nodiscard]] Pair const& pair(Address a, Address b) const {
        return pairs_[std::min(a, b) * addresses_ + std::max(a, b)];
    }
    void transmit(Address from, Address to, Message message);
    void try_connect(Address a, Address b);

    Schedule& schedule_;
    Prng& prng_;
    Hosts& hosts_;
    std::size_t addresses_;
    std::vector<Wire> wires_;
    std::vector<Pair> pairs_;
    std::vector<bool> listening_;
};

}  // namespace doozer::sim
