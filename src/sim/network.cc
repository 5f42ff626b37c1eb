#include "sim/network.h"

namespace doozer::sim {

void Schedule::at(Instant when, std::function<void()> what) {
    events_.push({std::max(when, now_), planned_++, std::move(what)});
}

bool Schedule::run_one(Instant until) {
    if (events_.empty() || events_.top().when > until) {
        now_ = std::max(now_, until);
        return false;
    }
    now_ = events_.top().when;
    auto const what = std::move(const_cast<Event&>(events_.top()).what);
    events_.pop();
    what();
    return true;
}

Network::Network(Schedule& schedule, Prng& prng, Hosts& hosts, std::size_t addresses)
    : schedule_(schedule),
      prng_(prng),
      hosts_(hosts),
      addresses_(addresses),
      wires_(addresses * addresses),
      pairs_(addresses * addresses),
      listening_(addresses, false) {}

void Network::start(Address a) {
    listening_[a] = true;
    // Whatever connection is left belongs to a process that was here before.
    reconnect(a);
}

void Network::stop(Address a, bool silent) {
    listening_[a] = false;
    for (Address b = 0; b < addresses_; ++b) {
        if (b == a || !pair(a, b).up) continue;
        std::uint64_t const generation = pair(a, b).generation;
        Duration const notice = silent ? dead_after : microseconds(200);
        schedule_.after(notice, [this, a, b, generation] {
            if (pair(a, b).up && pair(a, b).generation == generation) reset(a, b);
        });
    }
}

void Network::reconnect(Address a) {
    for (Address b = 0; b < addresses_; ++b) {
        if (b != a) reset(a, b);
    }
}

void Network::look(Address a) {
    for (Address b = 0; b < addresses_; ++b) {
        if (b != a && !pair(a, b).up) try_connect(a, b);
    }
}

void Network::send(Address from, Address to, Message message) {
    if (!pair(from, to).up) return;
    transmit(from, to, std::move(message));
}

void Network::transmit(Address from, Address to, Message message) {
    Wire& w = wire(from, to);
    Duration const jitter(
        w.jitter > Duration(0)
            ? static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>(w.jitter.value())))
            : 0);
    w.last = std::max(w.last, schedule_.now() + w.delay + jitter);
    std::uint64_t const generation = pair(from, to).generation;
    schedule_.at(w.last, [this, from, to, generation, m = std::move(message)] {
        if (!pair(from, to).up || pair(from, to).generation != generation) return;
        if (wire(from, to).cut) {
            wire(from, to).held.push_back(m);
        } else {
            hosts_.arrive(to, from, m);
        }
    });
}

void Network::cut(Address from, Address to) {
    wire(from, to).cut = true;
    std::uint64_t const generation = pair(from, to).generation;
    schedule_.after(dead_after, [this, from, to, generation] {
        bool const same = pair(from, to).up && pair(from, to).generation == generation;
        if (same && wire(from, to).cut) reset(from, to);
    });
}

void Network::heal(Address from, Address to) {
    Wire& w = wire(from, to);
    if (!w.cut) return;
    w.cut = false;
    // At once, since what was sent after them is on its way, and nothing overtakes.
    std::uint64_t const generation = pair(from, to).generation;
    for (Message const& m : std::exchange(w.held, {})) {
        if (pair(from, to).up && pair(from, to).generation == generation)
            hosts_.arrive(to, from, m);
    }
}

void Network::heal_all() {
    for (Address a = 0; a < addresses_; ++a) {
        for (Address b = 0; b < addresses_; ++b) {
            if (a != b) heal(a, b);
        }
    }
}

void Network::reset(Address a, Address b) {
    Pair& p = pair(a, b);
    if (p.up) {
        p.up = false;
        ++p.generation;
        wire(a, b).held.clear();
        wire(b, a).held.clear();
        hosts_.link_down(a, b);
        hosts_.link_down(b, a);
    }
    try_connect(a, b);
}

void Network::stall(Address from, Address to, Duration how_long) {
    Wire& w = wire(from, to);
    w.last = std::max(w.last, schedule_.now() + how_long);
}

void Network::set_delay(Address from, Address to, Duration delay, Duration jitter) {
    wire(from, to).delay = delay;
    wire(from, to).jitter = jitter;
}

void Network::try_connect(Address a, Address b) {
    if (pair(a, b).trying) return;
    pair(a, b).trying = true;
    Duration const wait = milliseconds(5 + static_cast<std::int64_t>(prng_.below(100)));
    schedule_.after(wait, [this, a, b] {
        Pair& p = pair(a, b);
        p.trying = false;
        if (p.up || !listening_[a] || !listening_[b]) return;
        if (!hosts_.wants(a, b) && !hosts_.wants(b, a)) return;
        if (wire(a, b).cut || wire(b, a).cut) return try_connect(a, b);
        p.up = true;
        ++p.generation;
        wire(a, b).last = wire(b, a).last = schedule_.now();
        hosts_.link_up(a, b);
        hosts_.link_up(b, a);
    });
}

}  // namespace doozer::sim
