#include "sim/faults.h"

#include <algorithm>

namespace doozer::sim {

void Faults::plan() {
    auto const spread = static_cast<std::uint64_t>(pace_.between_spread.value());
    Duration const wait(pace_.between_min.value() + static_cast<std::int64_t>(prng_.below(spread)));
    schedule_.after(wait, [this] {
        if (over_) return;
        inject();
        plan();
    });
}

void Faults::later(Duration wait, std::function<void()> what) {
    schedule_.after(wait, [this, what = std::move(what)] {
        if (!over_) what();
    });
}

void Faults::count(char const* kind) {
    ++kinds_[kind];
    ++injected_;
    cluster_.note(std::string("FAULT ") + kind);
}

Address Faults::any_alive() {
    Address a = any();
    while (!cluster_.alive(a)) a = (a + 1) % cluster_.addresses();
    return a;
}

void Faults::inject() {
    Address const a = any();
    Address const b = any();
    std::int64_t const longest = prng_.one_in(4) ? 6000 : 400;
    std::uint64_t const dice = prng_.below(16);
    if (dice == 0 && cluster_.alive(a) && !cluster_.paused(a)) {
        count("pause");
        cluster_.pause(a);
        schedule_.after(some_time(longest), [this, a] { resume(a); });
    } else if (dice == 1) {
        crash(a);
    } else if (dice == 2 && !cluster_.alive(a)) {
        start(a);
    } else if (dice == 3) {
        operate(a);
    } else if (dice == 4 && prng_.one_in(4)) {
        begin_disaster();
    } else if (dice == 5 && cluster_.serving(a)) {
        count("burst");
        workload_.burst(a, 1 + prng_.below(16));
    } else if (dice == 6) {
        partition(some_time(longest));
    } else if (a != b) {
        inject_in_network(dice, a, b, longest);
    }
}

void Faults::inject_in_network(std::uint64_t dice, Address a, Address b, std::int64_t longest) {
    Network& network = cluster_.network();
    if (dice == 7) {
        count("cut one way");
        cut_for(a, b, some_time(longest));
    } else if (dice == 8) {
        count("stall");
        network.stall(a, b, some_time(1000));
    } else if (dice == 9) {
        count("stall of bulk");
        network.stall_bulk(a, b, some_time(longest));
    } else if (dice == 10) {
        count("reset");
        network.reset(a, b);
    } else if (dice == 11) {
        count("slow link");
        slow_for(a, some_time(longest));
    } else if (dice == 12) {
        count("half-open link");
        network.half_open(a, b);
    } else if (dice == 13) {
        lose_large_for(a, b, some_time(longest));
    } else if (dice == 14) {
        narrow_for(a, some_time(longest));
    }
}

/// An operator makes a slot, gives it away or takes it away, or overwrites an address.
void Faults::operate(Address a) {
    if (!cluster_.serving(a) || cluster_.paused(a) || !is_over()) return;
    std::string path = "/ctl/cal/" + std::to_string(prng_.below(cluster_.founders() + 1));
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

void Faults::resume(Address a) {
    if (cluster_.paused(a)) cluster_.resume(a);
}

void Faults::cut_for(Address a, Address b, Duration how_long) {
    cluster_.network().cut(a, b);
    later(how_long, [this, a, b] { cluster_.network().heal(a, b); });
}

void Faults::partition(Duration how_long) {
    count("partition");
    std::uint64_t const side = prng_.next();
    for (Address a = 0; a < cluster_.addresses(); ++a) {
        for (Address b = 0; b < cluster_.addresses(); ++b) {
            if (((side >> a) & 1U) != ((side >> b) & 1U)) cut_for(a, b, how_long);
        }
    }
}

// --- processes end and begin -----------------------------------------------------------------

/// Only while the rest can go on: what a lost majority knew is lost, and nothing can help.
void Faults::crash(Address a) {
    if (!cluster_.alive(a) || !cluster_.can_lose(a) || !is_over()) return;
    if (prng_.one_in(4)) return retire(a);
    bool const silent = prng_.one_in(2);
    count(silent ? "silent crash" : "crash");
    cluster_.crash(a, silent);
    start_again(a);
}

/// It is told to end. It ends as doozerd does: when it has left; or after a while all the same, if
/// the others can go on without it.
void Faults::retire(Address a) {
    count("retire");
    retiring_ = a;
    cluster_.stop_gracefully(a);
    schedule_.after(seconds(6), [this] { end_retired(); });
}

void Faults::end_retired() {
    if (!retiring_) return;
    Address const a = *retiring_;
    resume(a);
    if (cluster_.alive(a) && cluster_.replica(a).membership().retires()) {
        if (!cluster_.can_lose(a)) {
            return schedule_.after(milliseconds(200), [this] { end_retired(); });
        }
        cluster_.crash(a, false);
    }
    retiring_.reset();
    start_again(a);
}

void Faults::start_again(Address a) {
    if (prng_.one_in(4)) return;
    schedule_.after(some_time(3000), [this, a] { start(a); });
}

/// Now and then it is killed again while it takes its copy.
void Faults::start(Address a) {
    if (cluster_.alive(a)) return;
    cluster_.start(a);
    if (!prng_.one_in(2)) return;
    later(milliseconds(1 + static_cast<std::int64_t>(prng_.below(12))), [this, a] {
        if (!cluster_.alive(a) || cluster_.core(a).epoch() > Epoch(0)) return;
        count("killed while attaching");
        cluster_.crash(a, prng_.one_in(2));
        start_again(a);
    });
}

// --- slow, narrow and lossy networks ---------------------------------------------------------

void Faults::slow_for(Address a, Duration how_long) {
    for (Address b = 0; b < cluster_.addresses(); ++b) {
        cluster_.network().set_delay(a, b, milliseconds(50), milliseconds(5));
        cluster_.network().set_delay(b, a, milliseconds(50), milliseconds(5));
    }
    schedule_.after(how_long, [this, a] { normal_speed(a); });
}

void Faults::narrow_for(Address a, Duration how_long) {
    count("narrow link");
    std::uint64_t const speed = 20'000 + prng_.below(500'000);
    for (Address b = 0; b < cluster_.addresses(); ++b) {
        cluster_.network().set_speed(a, b, speed);
        cluster_.network().set_speed(b, a, speed);
    }
    schedule_.after(how_long, [this, a] { normal_speed(a); });
}

void Faults::normal_speed(Address a) {
    Network& network = cluster_.network();
    for (Address b = 0; b < cluster_.addresses(); ++b) {
        network.set_delay(a, b, microseconds(100), microseconds(20));
        network.set_delay(b, a, microseconds(100), microseconds(20));
        network.set_speed(a, b, cluster_.options().network.bytes_per_second);
        network.set_speed(b, a, cluster_.options().network.bytes_per_second);
    }
}

void Faults::lose_large_for(Address a, Address b, Duration how_long) {
    count("large messages lost");
    cluster_.network().lose_large(a, b, 200 + prng_.below(3000));
    schedule_.after(how_long, [this, a, b] {
        cluster_.network().lose_large(a, b, static_cast<std::size_t>(-1));
    });
}

void Faults::mend() {
    cluster_.network().heal_all();
    for (Address a = 0; a < cluster_.addresses(); ++a) {
        normal_speed(a);
        resume(a);
    }
}

// --- disasters -------------------------------------------------------------------------------

/// So many voters die that those who are left can change nothing. Some that are left may be out of
/// reach of the survivor, or ahead of it.
void Faults::begin_disaster() {
    if (!is_over()) return;
    Configuration const newest = cluster_.agreement().newest();
    std::vector<Address> living;
    for (MemberId const id : newest.voters) {
        auto const a = cluster_.address_of(id);
        if (a && cluster_.core(*a).epoch() > Epoch(0)) living.push_back(*a);
    }
    std::vector<Address> dead;
    while (living.size() >= newest.majority()) {
        auto const victim =
            living.begin() + static_cast<std::ptrdiff_t>(prng_.below(living.size()));
        dead.push_back(*victim);
        living.erase(victim);
    }
    // The process that is forced on must believe that it votes.
    std::erase_if(living, [&](Address a) { return !cluster_.core(a).voter(); });
    if (living.empty() || dead.empty()) return;
    count("force");
    bool const silent = prng_.one_in(2);
    for (Address const a : dead) {
        cluster_.crash(a, silent);
        schedule_.after(seconds(5), [this, a] { start_again(a); });
    }
    Address const survivor = living[prng_.below(living.size())];
    disaster_ = Disaster{survivor, SessionId(0), cluster_.core(survivor).configuration().lineage,
                         schedule_.now(), false};
    schedule_.after(some_time(3000), [this] { force_on(); });
}

/// The operator orders it again and again until it is done.
void Faults::force_on() {
    if (!disaster_) return;
    Disaster& d = *disaster_;
    resume(d.survivor);
    if (d.session != SessionId(0))
        cluster_.close(d.survivor, std::exchange(d.session, SessionId(0)));
    Core const& core = cluster_.core(d.survivor);
    if (core.configuration().lineage != d.before) return restart_left_behind();
    if (!core.voter()) {  // somebody lives who could remove it; that one is to be forced on
        for (Address a = 0; a < cluster_.addresses(); ++a) {
            if (cluster_.alive(a) && cluster_.core(a).voter()) d.survivor = a;
        }
    }
    if (schedule_.now() > d.since + seconds(300)) {
        failures_.emplace_back("an order to go on alone was not carried out within 300 s");
        disaster_.reset();
        return;
    }
    Request r;
    r.verb = Verb::force;
    r.tag = Tag(1);
    r.value = "sim";
    // After a minute what a further survivor does not hand over is left behind.
    r.offset = schedule_.now() > d.since + seconds(60) ? 3 : 1;
    d.session = cluster_.open(d.survivor);
    cluster_.request(d.survivor, d.session, r);
    schedule_.after(seconds(5), [this] { force_on(); });
}

/// Nobody of the old lineage comes back but as a new process.
void Faults::restart_left_behind() {
    Address const survivor = disaster_->survivor;
    for (Address a = 0; a < cluster_.addresses(); ++a) {
        if (a == survivor || !cluster_.alive(a)) continue;
        Core const& core = cluster_.core(a);
        bool const is_old = core.voter() && core.configuration().lineage == disaster_->before;
        if (!is_old) continue;
        schedule_.after(some_time(3000), [this, a, life = cluster_.life(a)] {
            if (!cluster_.alive(a) || cluster_.life(a) != life) return;
            cluster_.crash(a, prng_.one_in(2));
            schedule_.after(some_time(1000), [this, a] { start(a); });
        });
    }
    schedule_.after(seconds(5), [this] { disaster_.reset(); });
}

}  // namespace doozer::sim
