#include "sim/network.h"

#include <utility>

namespace doozer::sim {

namespace {

/// As in server/member_dialer.h and member_links.h.
constexpr Duration pause_min = milliseconds(50);
constexpr std::uint64_t pause_spread = 450'000'000;  // nanoseconds: half a second at most
constexpr Duration greeting_within = seconds(2);
constexpr Duration settled_after = seconds(1);
/// Data that nobody acknowledges for this long ends its connection. Source: member_connection.cc.
constexpr Duration unheard = seconds(3);

Duration sum(Duration a, Duration b) {
    return Duration(a.value() + b.value());
}

}  // namespace

Network::Network(Schedule& schedule, Prng& prng, Hosts& hosts, std::size_t addresses,
                 NetworkOptions const& options)
    : schedule_(schedule),
      prng_(prng),
      hosts_(hosts),
      addresses_(addresses),
      options_(options),
      paths_(addresses * addresses),
      ends_(addresses * addresses),
      listening_(addresses, false),
      vanished_(addresses, false) {
    for (Path& p : paths_) p.speed = options.bytes_per_second;
}

// --- processes -------------------------------------------------------------------------------

void Network::start(Address a) {
    listening_[a] = true;
    vanished_[a] = false;
    for (Address b = 0; b < addresses_; ++b) {
        if (b == a) continue;
        end(a, b) = End{};
        dial(a, b, true);
        if (end(b, a).link == 0) dial(b, a, true);
    }
}

void Network::stop(Address a, bool silent) {
    listening_[a] = false;
    vanished_[a] = silent;
    for (Address b = 0; b < addresses_; ++b) {
        if (b == a) continue;
        end(a, b) = End{};
        std::uint64_t const link = end(b, a).link;
        if (link == 0) continue;
        if (silent) {
            watch(b, a);
            continue;
        }
        schedule_.after(microseconds(200), [this, a, b, link] {
            if (end(b, a).link == link && !path(a, b).cut) take_down(b, a, false);
        });
    }
}

void Network::reconnect(Address a) {
    for (Address b = 0; b < addresses_; ++b) {
        if (b != a && end(a, b).link != 0) take_down(a, b, true);
    }
    look(a);
}

void Network::look(Address a) {
    for (Address b = 0; b < addresses_; ++b) {
        if (b != a && end(a, b).link == 0) dial(a, b, true);
    }
}

void Network::stop_reading(Address a) {
    for (Address b = 0; b < addresses_; ++b) {
        if (b == a) continue;
        note_change(b, a);
        watch(b, a);
    }
}

void Network::read_again(Address a) {
    for (Address b = 0; b < addresses_; ++b) {
        if (b == a) continue;
        note_change(b, a);
        release(b, a);
        watch(a, b);
    }
}

// --- links come about ------------------------------------------------------------------------

void Network::dial(Address a, Address b, bool at_once) {
    End& e = end(a, b);
    if (std::exchange(e.dialling, true)) return;
    auto const chance = static_cast<std::int64_t>(prng_.below(pause_spread));
    Duration const wait =
        at_once ? microseconds(500 + chance % 10'000) : sum(pause_min, Duration(chance));
    schedule_.after(wait, [this, a, b] { dial_now(a, b); });
}

void Network::dial_now(Address a, Address b) {
    End& e = end(a, b);
    e.dialling = false;
    // A process that starts dials, and is dialled.
    if (e.link != 0 || e.greeting != 0 || !listening_[a] || !listening_[b]) return;
    if (!hosts_.wants(a, b)) return;
    bool const way = !path(a, b).cut && !path(b, a).cut && hosts_.reads(a) && hosts_.reads(b);
    if (!way) return dial(a, b, false);
    std::uint64_t const link = ++links_;
    e.greeting = link;
    schedule_.after(greeting_within, [this, a, b, link] {
        if (end(a, b).greeting != link) return;
        end(a, b).greeting = 0;
        dial(a, b, false);
    });
    Duration const connect = sum(travel(a, b), travel(b, a));
    schedule_.after(sum(connect, travel(a, b)), [this, a, b, link] { greet(a, b, link); });
}

/// The greeting of `a` is at `b`.
void Network::greet(Address a, Address b, std::uint64_t link) {
    if (end(a, b).greeting != link) return;
    if (!listening_[b] || path(a, b).cut || !hosts_.reads(b)) return;  // no answer within its time
    Duration const back = travel(b, a);
    if (end(b, a).link != 0 && !has_precedence(b, a, false)) {
        schedule_.after(back, [this, a, b, link] {
            if (end(a, b).greeting != link) return;
            end(a, b).greeting = 0;
            dial(a, b, false);
        });
        return;
    }
    schedule_.after(back, [this, a, b, link] { greet_back(a, b, link); });
    bring_up(b, a, link, false);
}

void Network::greet_back(Address a, Address b, std::uint64_t link) {
    End& e = end(a, b);
    if (e.greeting != link || path(b, a).cut || !hosts_.reads(a)) return;
    e.greeting = 0;
    if (e.link != 0 && !has_precedence(a, b, true)) return tell_closed(a, b, link);
    bring_up(a, b, link, true);
}

/// As MemberLinks::has_precedence().
bool Network::has_precedence(Address at, Address peer, bool dialled) const {
    End const& e = end(at, peer);
    if (dialled == e.dialled) return true;
    if (schedule_.now() - e.since > settled_after) return true;
    return dialled == (at < peer);
}

void Network::bring_up(Address at, Address peer, std::uint64_t link, bool dialled) {
    if (end(at, peer).link != 0) take_down(at, peer, true);
    End& e = end(at, peer);
    e.link = link;
    e.dialled = dialled;
    e.deaf = false;
    e.since = e.heard = schedule_.now();
    Path& p = path(at, peer);
    p.streams = {};
    p.numbered = p.newest = 0;
    // The greeting of the accepting end is on its way: nothing overtakes it.
    if (!dialled) p.streams[frames].last = schedule_.now() + p.delay + p.jitter;
    hosts_.link_up(at, peer);
}

// --- links go away ---------------------------------------------------------------------------

void Network::take_down(Address at, Address peer, bool tell) {
    End& e = end(at, peer);
    if (!hosts_.reads(at) && prng_.one_in(2)) release(peer, at);  // it finds it before the reset
    std::uint64_t const link = std::exchange(e.link, 0);
    if (link == 0) return;
    if (tell && !e.deaf) tell_closed(at, peer, link);
    path(at, peer).streams = {};
    hosts_.link_down(at, peer);
    dial(at, peer, true);
}

void Network::tell_closed(Address at, Address peer, std::uint64_t link) {
    Instant const when =
        std::max(path(at, peer).streams[frames].last, schedule_.now() + travel(at, peer));
    schedule_.at(when, [this, at, peer, link] {
        if (end(peer, at).link == link && !path(at, peer).cut) take_down(peer, at, false);
    });
}

void Network::watch(Address at, Address peer) {
    End& e = end(at, peer);
    if (e.link == 0 || std::exchange(e.watched, true)) return;
    schedule_.at(e.heard + dead_after, [this, at, peer] { look_whether_dead(at, peer); });
}

bool Network::is_impeded(Address from, Address to) const {
    Path const& p = path(from, to);
    return !listening_[from] || !hosts_.reads(from) || end(from, to).link != end(to, from).link ||
           is_stopped(p, to, 0) || end(from, to).deaf || p.large != static_cast<std::size_t>(-1) ||
           p.streams[frames].last > schedule_.now() + milliseconds(500);
}

void Network::look_whether_dead(Address at, Address peer) {
    End& e = end(at, peer);
    e.watched = false;
    if (e.link == 0 || !hosts_.reads(at)) return;
    if (schedule_.now() >= e.heard + dead_after) return take_down(at, peer, true);
    if (is_impeded(peer, at)) watch(at, peer);
}

void Network::reset(Address a, Address b) {
    take_down(a, b, false);
    take_down(b, a, false);
    dial(a, b, true);
    dial(b, a, true);
}

void Network::half_open(Address at, Address peer) {
    if (!connected(at, peer)) return;
    end(peer, at).deaf = true;
    take_down(at, peer, false);
    watch(peer, at);
}

// --- messages --------------------------------------------------------------------------------

Duration Network::travel(Address from, Address to) {
    Path const& p = path(from, to);
    if (p.jitter <= Duration(0)) return p.delay;
    auto const chance = prng_.below(static_cast<std::uint64_t>(p.jitter.value()));
    return sum(p.delay, Duration(static_cast<std::int64_t>(chance)));
}

void Network::send(Address from, Address to, Parcel parcel) {
    End const& e = end(from, to);
    if (e.link == 0) return;
    wire::MemberRoute const route = wire::route_of(parcel.message);
    bool const by_bulk = options_.bounds.is_bulk(route, parcel.bytes);
    Stream& s = path(from, to).streams[by_bulk ? bulk : frames];
    auto const waiting = [&] {
        std::size_t const out = options_.kernel_bytes + (s.sent.empty() ? 0 : s.sent.front());
        return s.waiting > out ? s.waiting - out : 0;
    };
    if (by_bulk && options_.bounds.drops_bulk(route, waiting(), parcel.bytes)) return;
    transmit(from, to, by_bulk ? bulk : frames, std::move(parcel));
    if (by_bulk || !options_.bounds.cuts_off(waiting())) return;
    schedule_.after(Duration(0), [this, from, to, link = e.link] {
        if (end(from, to).link != link) return;
        ++cut_off_;
        take_down(from, to, true);
    });
}

void Network::transmit(Address from, Address to, Kind kind, Parcel parcel) {
    Path& p = path(from, to);
    Stream& s = p.streams[kind];
    if (kind == bulk && !s.made) {
        // It has to be connected, and both ends have to greet.
        Stream& back = path(to, from).streams[bulk];
        Instant const ready = schedule_.now() + Duration(4 * p.delay.value());
        s.made = back.made = true;
        s.free_at = std::max(s.free_at, ready);
        back.free_at = std::max(back.free_at, ready);
    }
    s.free_at = std::max(s.free_at, schedule_.now());
    if (p.speed > 0) {
        s.free_at =
            s.free_at + Duration(static_cast<std::int64_t>(parcel.bytes * 1'000'000'000 / p.speed));
    }
    s.last = std::max(s.last, s.free_at + travel(from, to));
    s.sent.push_back(parcel.bytes);
    s.waiting += parcel.bytes;
    schedule_.at(s.last,
                 [this, from, to, kind,
                  c = Carried{end(from, to).link, ++p.numbered, std::move(parcel)}]() mutable {
                     come(from, to, kind, std::move(c));
                 });
}

/// A message has come to the end of its way, unless something is in it.
void Network::come(Address from, Address to, Kind kind, Carried carried) {
    Path& p = path(from, to);
    Stream& s = p.streams[kind];
    bool const stopped = is_stopped(p, to, carried.parcel.bytes);
    if (!stopped && s.held.empty()) return deliver(from, to, kind, std::move(carried));
    bool const first = s.held.empty() && hosts_.reads(to);
    std::uint64_t const link = carried.link;
    s.held.push_back(std::move(carried));
    if (first) {
        schedule_.after(unheard,
                        [this, from, to, kind, link] { give_up_held(from, to, kind, link); });
    }
}

/// The sender's kernel gives up a connection whose data is not acknowledged.
void Network::give_up_held(Address from, Address to, Kind kind, std::uint64_t link) {
    Stream const& s = path(from, to).streams[kind];
    bool const same = !s.held.empty() && s.held.front().link == link;
    if (same && hosts_.reads(to) && end(from, to).link == link) take_down(from, to, true);
}

void Network::deliver(Address from, Address to, Kind kind, Carried carried) {
    Path& p = path(from, to);
    if (end(from, to).link == carried.link && !p.streams[kind].sent.empty()) {
        Stream& s = p.streams[kind];
        s.waiting -= s.sent.front();
        s.sent.pop_front();
    }
    End& e = end(to, from);
    if (end(from, to).deaf && end(from, to).link == carried.link) return;
    if (e.link != carried.link) return answer_by_reset(from, to, carried.link);
    if (kind == frames) e.heard = schedule_.now();
    if (carried.number < p.newest) ++overtakings_;
    p.newest = std::max(p.newest, carried.number);
    hosts_.arrive(to, from, std::move(carried.parcel));
}

/// The receiver knows no such connection.
void Network::answer_by_reset(Address from, Address to, std::uint64_t link) {
    if (end(to, from).greeting == link || vanished_[to] || end(from, to).link != link) return;
    schedule_.after(travel(to, from), [this, from, to, link] {
        if (end(from, to).link == link && !path(to, from).cut) take_down(from, to, false);
    });
}

/// Whatever is not stopped any more arrives at once, since what was sent after it is on its way.
void Network::release(Address from, Address to) {
    for (Kind const kind : {frames, bulk}) {
        std::deque<Carried>& held = path(from, to).streams[kind].held;
        std::deque<Carried> now = std::exchange(held, {});
        while (!now.empty() && !path(from, to).cut &&
               now.front().parcel.bytes <= path(from, to).large) {
            Carried carried = std::move(now.front());
            now.pop_front();
            deliver(from, to, kind, std::move(carried));
        }
        if (now.empty()) continue;
        for (Carried& c : path(from, to).streams[kind].held) now.push_back(std::move(c));
        path(from, to).streams[kind].held = std::move(now);
    }
}

// --- what is done to it ----------------------------------------------------------------------

void Network::cut(Address from, Address to) {
    path(from, to).cut = true;
    note_change(from, to);
    watch(to, from);
}

void Network::heal(Address from, Address to) {
    if (!std::exchange(path(from, to).cut, false)) return;
    note_change(from, to);
    release(from, to);
}

void Network::heal_all() {
    for (Address a = 0; a < addresses_; ++a) {
        for (Address b = 0; b < addresses_; ++b) {
            if (a == b) continue;
            heal(a, b);
            lose_large(a, b, static_cast<std::size_t>(-1));
        }
    }
}

void Network::lose_large(Address from, Address to, std::size_t above) {
    if (std::exchange(path(from, to).large, above) != above) note_change(from, to);
    release(from, to);
    watch(to, from);
}

void Network::stall(Address from, Address to, Duration how_long) {
    Stream& s = path(from, to).streams[frames];
    s.last = std::max(s.last, schedule_.now() + how_long);
    note_change(from, to);
    watch(to, from);
}

void Network::stall_bulk(Address from, Address to, Duration how_long) {
    Stream& s = path(from, to).streams[bulk];
    s.last = std::max(s.last, schedule_.now() + how_long);
    note_change(from, to);
}

void Network::set_delay(Address from, Address to, Duration delay, Duration jitter) {
    if (std::exchange(path(from, to).delay, delay) != delay) note_change(from, to);
    path(from, to).jitter = jitter;
}

void Network::set_speed(Address from, Address to, std::uint64_t bytes_per_second) {
    if (std::exchange(path(from, to).speed, bytes_per_second) != bytes_per_second) {
        note_change(from, to);
    }
}

bool Network::is_clear(Address from, Address to) const {
    Path const& p = path(from, to);
    Instant const soon = schedule_.now() + milliseconds(10);
    auto const is_idle = [&](Stream const& s) { return s.free_at <= soon && s.last <= soon; };
    return !p.cut && p.large == static_cast<std::size_t>(-1) && !end(from, to).deaf &&
           hosts_.reads(to) && p.delay <= milliseconds(1) && p.speed == options_.bytes_per_second &&
           std::all_of(p.streams.begin(), p.streams.end(), is_idle);
}

std::optional<Instant> Network::clear_since(Address a, Address b) const {
    if (!connected(a, b) || !is_clear(a, b) || !is_clear(b, a)) return std::nullopt;
    return std::max({path(a, b).changed, path(b, a).changed, end(a, b).since, end(b, a).since});
}

}  // namespace doozer::sim
