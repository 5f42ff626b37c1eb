#include "sim/cluster.h"

namespace doozer::sim {

Cluster::Cluster(Schedule& schedule, Prng& prng, ClusterOptions const& options)
    : schedule_(schedule),
      prng_(prng),
      options_(options),
      network_(schedule, prng, *this, options.voters + options.spares),
      processes_(options.voters + options.spares),
      last_id_(processes_.size()),
      lives_(processes_.size(), 0) {
    Configuration start{Lineage{1, 1}, Epoch(1), {}, {}};
    std::vector<MemberId> ids;
    for (Address a = 0; a < options.voters; ++a) ids.push_back(new_id(a));
    start.voters = ids;
    std::sort(start.voters.begin(), start.voters.end());
    start.owners = start.voters;
    KeyValue const founding(start.voters);
    founded_ = founding.revision();
    agreement_.start_at(founded_);
    for (Address a = 0; a < options.voters; ++a) {
        auto p = std::make_unique<Process>(Process{ids[a],
                                                   Core(ids[a], start, options.tuning),
                                                   founding,
                                                   {},
                                                   0,
                                                   {},
                                                   false,
                                                   {},
                                                   1000,
                                                   false,
                                                   never,
                                                   {},
                                                   {},
                                                   true,
                                                   {},
                                                   {}});
        boot(a, std::move(p));
    }
}

/// A letter by chance, so that the order of ids is not that of addresses; the address; its life.
MemberId Cluster::new_id(Address a) {
    std::string id(1, static_cast<char>('a' + prng_.below(26)));
    id += std::to_string(a) + "." + std::to_string(++lives_[a]);
    last_id_[a] = MemberId(id);
    return MemberId(id);
}

void Cluster::boot(Address a, std::unique_ptr<Process> process) {
    process->life = ++next_life_;
    if (options_.recorded) process->recorder.emplace(*options_.recorded);
    if (options_.skewed_clocks) process->rate = 800 + static_cast<std::int64_t>(prng_.below(401));
    std::uint64_t const life = process->life;
    processes_[a] = std::move(process);
    check(a);
    network_.start(a);
    input(a, Tick{});
    if (options_.housekeeping) {
        schedule_.after(milliseconds(100), [this, a, life] {
            if (alive(a) && processes_[a]->life == life) keep_house(a);
        });
    }
}

void Cluster::start(Address a) {
    DOOZER_ASSERT(!alive(a));
    std::optional<MemberId> const before = last_id_[a];
    MemberId const id = new_id(a);
    say("start " + id.str());
    auto p = std::make_unique<Process>(Process{id,
                                               Core(id, {}, options_.tuning),
                                               KeyValue(),
                                               {},
                                               0,
                                               {},
                                               false,
                                               {},
                                               1000,
                                               false,
                                               never,
                                               before,
                                               {},
                                               false,
                                               {},
                                               {}});
    boot(a, std::move(p));
}

void Cluster::crash(Address a, bool silent) {
    say("crash " + processes_[a]->id.str());
    processes_[a].reset();
    network_.stop(a, silent);
    if (watcher_) watcher_->on_lost(a);
}

void Cluster::pause(Address a) {
    say("pause " + processes_[a]->id.str());
    processes_[a]->paused = true;
    std::uint64_t const life = processes_[a]->life;
    schedule_.after(Network::dead_after, [this, a, life] {
        if (alive(a) && processes_[a]->paused && processes_[a]->life == life) {
            network_.reconnect(a);
        }
    });
}

void Cluster::resume(Address a) {
    say("resume " + processes_[a]->id.str());
    Process& p = *processes_[a];
    p.paused = false;
    std::uint64_t const life = p.life;
    for (Input const& in : std::exchange(p.kernel, {})) {
        if (!alive(a) || processes_[a]->life != life) return;
        step(a, in);
    }
    if (alive(a)) plan_tick(a, Instant(0));
}

bool Cluster::submit(Address a, std::vector<Command> const& commands) {
    if (!alive(a) || processes_[a]->paused || !processes_[a]->core.voter()) return false;
    step(a, Submit{encode(commands)});
    return true;
}

void Cluster::read(Address a, std::uint64_t token) {
    step(a, Read{token});
}

void Cluster::tick(Address a) {
    input(a, Tick{});
}

std::optional<Address> Cluster::address_of(MemberId id) const {
    for (Address a = 0; a < processes_.size(); ++a) {
        if (alive(a) && processes_[a]->id == id) return a;
    }
    return std::nullopt;
}

void Cluster::link_up(Address at, Address peer) {
    if (!alive(at) || !alive(peer)) return;
    processes_[at]->links[peer] = processes_[peer]->id;
    input(at, LinkUp{processes_[peer]->id});
}

void Cluster::link_down(Address at, Address peer) {
    if (!alive(at)) return;
    auto const link = processes_[at]->links.find(peer);
    if (link == processes_[at]->links.end()) return;
    MemberId const id = link->second;
    processes_[at]->links.erase(link);
    input(at, LinkDown{id});
}

void Cluster::arrive(Address at, Address from, Message const& message) {
    if (!alive(at)) return;
    auto const link = processes_[at]->links.find(from);
    if (link == processes_[at]->links.end()) return;
    trace_.word(at);
    trace_.word(static_cast<std::uint64_t>(schedule_.now().value()));
    trace_.word(message.index());
    input(at, Receive{link->second, message});
}

void Cluster::input(Address a, Input input) {
    if (processes_[a]->paused) {
        if (!std::holds_alternative<Tick>(input)) processes_[a]->kernel.push_back(std::move(input));
        return;
    }
    step(a, input);
}

Instant Cluster::local_time(Process const& p) const {
    return Instant(schedule_.now().value() / 1000 * p.rate);
}

void Cluster::step(Address a, Input const& input) {
    Process& p = *processes_[a];
    if (lines_) {
        if (auto const* r = std::get_if<Receive>(&input)) {
            say(r->peer.str() + " -> " + p.id.str() + " " + name_of(r->message));
        }
    }
    aftermath(a, core_step(p, input));
    if (!alive(a) || p.turn_planned) return;
    p.turn_planned = true;
    std::uint64_t const life = p.life;
    schedule_.after(microseconds(static_cast<std::int64_t>(1 + prng_.below(10))), [this, a, life] {
        if (!alive(a) || processes_[a]->life != life) return;
        Process& q = *processes_[a];
        q.turn_planned = false;
        if (q.paused) return;  // resumed by a tick
        aftermath(a, core_step(q, EndOfTurn{}));
    });
}

Output Cluster::core_step(Process& p, Input const& input) {
    if (p.recorder) return p.recorder->step(p.core, local_time(p), input, p.store);
    return p.core.step(local_time(p), input, p.store);
}

void Cluster::aftermath(Address a, Output const& out) {
    Process& p = *processes_[a];
    for (Ignored const why : out.ignored) {
        ++counts_[std::string("ignored ") + name_of(why)];
        if (why == Ignored::malformed) violation(a, "malformed message");
    }
    for (Change const& change : p.store.take_changes()) {
        if (std::string const bad = agreement_.applied(change); !bad.empty()) violation(a, bad);
        if (change.origin == p.id && watcher_) watcher_->on_change(a, change);
    }
    for (TraceEvent const& e : out.trace) {
        ++counts_[name_of(e.what)];
        say(p.id.str() + " " + name_of(e.what) + " in epoch " + std::to_string(e.epoch.value()) +
            ": " + std::to_string(e.value));
        if (e.what == Happened::diverged) violation(a, "diverged");
        if (e.what != Happened::snapshot_installed) continue;
        p.invariants = CoreInvariants();
        std::string const bad = agreement_.installed(p.store.revision(), p.store.chain());
        if (!bad.empty()) violation(a, bad);
    }
    check(a);
    for (Send const& send : out.sends) {
        if (auto const to = address_of(send.to)) network_.send(a, *to, send.message);
    }
    plan_tick(a, out.wake);
    if (!watcher_) return;
    for (std::uint64_t const token : out.reads_ready) watcher_->on_read_ready(a, token);
    for (std::uint64_t const token : out.reads_refused) watcher_->on_read_refused(a, token);
    for (Batch const& b : out.returned) watcher_->on_returned(a, b.payload());
    if (out.outcome_unknown) watcher_->on_lost(a);
}

void Cluster::check(Address a) {
    Process& p = *processes_[a];
    if (auto const bad = p.invariants.check(p.core)) violation(a, *bad);
    if (p.core.epoch() != p.entered) {
        p.entered = p.core.epoch();
        if (std::string const bad = agreement_.entered(p.core.configuration()); !bad.empty()) {
            violation(a, bad);
        }
        p.accepted = Ballot(0);
    }
    if (p.core.acceptor().accepted == p.accepted) return;
    p.accepted = p.core.acceptor().accepted;
    if (std::string const bad = agreement_.accepted(p.core.epoch(), p.core.acceptor());
        !bad.empty()) {
        violation(a, bad);
    }
}

void Cluster::plan_tick(Address a, Instant local_wake) {
    Process& p = *processes_[a];
    Instant when = never;
    if (local_wake != never) {
        when = Instant((local_wake.value() / p.rate + 1) * 1000);
        when = std::max(when, schedule_.now() + microseconds(20));
    }
    if (when >= p.tick_at) return;
    p.tick_at = when;
    std::uint64_t const life = p.life;
    schedule_.at(when, [this, a, life, when] {
        if (!alive(a) || processes_[a]->life != life) return;
        Process& q = *processes_[a];
        if (q.tick_at != when) return;
        q.tick_at = never;
        if (!q.paused) step(a, Tick{});
    });
}

// --- what the replica does in the server -----------------------------------------------------

void Cluster::keep_house(Address a) {
    Process& p = *processes_[a];
    std::uint64_t const life = p.life;
    Duration const soon = milliseconds(50 + static_cast<std::int64_t>(prng_.below(100)));
    schedule_.after(soon, [this, a, life] {
        if (alive(a) && processes_[a]->life == life) keep_house(a);
    });
    if (p.paused) return;
    if (p.core.voter()) {
        p.was_voter = true;
        return kick_silent(p, a);
    }
    if (p.was_voter) return leave(p, a);
    if (p.core.epoch() > Epoch(0)) join(p, a);
}

/// One whom a majority has not heard for long loses its slot.
void Cluster::kick_silent(Process& p, Address a) {
    if (schedule_.now() - p.asked_at < seconds(1)) return;
    for (MemberId const id : p.core.configuration().voters) {
        if (id == p.id || !p.core.majority_misses(id, local_time(p))) continue;
        std::string const slot = p.store.slot_of(id.str());
        p.asked_at = schedule_.now();
        ++counts_["kick proposed"];
        submit(a, {{0, slot, "", p.store.find(slot)->revision.value()}});
        return;
    }
}

/// It has proof that it is no voter any more: it goes on under a new id.
void Cluster::leave(Process& p, Address a) {
    network_.reconnect(a);
    p.was_voter = false;
    p.replaces.reset();
    p.id = new_id(a);
    p.life = ++next_life_;
    std::uint64_t const life = p.life;
    say(p.id.str() + " is the new id at " + std::to_string(a));
    p.invariants = CoreInvariants();
    p.tick_at = never;
    p.turn_planned = false;
    step(a, Rename{p.id});
    schedule_.after(milliseconds(100), [this, a, life] {
        if (alive(a) && processes_[a]->life == life) keep_house(a);
    });
}

/// Takes the slot of the process that was here before, or a free one, by way of some voter.
void Cluster::join(Process& p, Address a) {
    if (schedule_.now() - p.asked_at < milliseconds(500)) return;
    std::string slot = p.replaces ? p.store.slot_of(p.replaces->str()) : "";
    if (slot.empty()) slot = p.store.slot_of("");
    if (slot.empty()) return;
    std::set<MemberId> linked;
    std::vector<Address> upstreams;
    for (auto const& [address, id] : p.links) {
        linked.insert(id);
        if (p.core.configuration().voter_index(id)) upstreams.push_back(address);
    }
    for (MemberId const id : p.core.configuration().voters) {
        bool const replaced = p.replaces == id;
        if (!replaced && !linked.contains(id) && prng_.below(10) != 0) return;
    }
    if (upstreams.empty()) return;
    p.asked_at = schedule_.now();
    Address const by = upstreams[prng_.below(upstreams.size())];
    Command const command{0, slot, p.id.str(), p.store.find(slot)->revision.value()};
    if (network_.is_cut(a, by)) return;
    schedule_.after(microseconds(200), [this, by, command] { submit(by, {command}); });
}

// --- questions -------------------------------------------------------------------------------

bool Cluster::can_lose(Address lost) const {
    auto const holds = [&](Configuration const& c) {
        std::size_t left = 0;
        for (MemberId const id : c.voters) {
            auto const a = address_of(id);
            if (a && *a != lost) ++left;
        }
        return left >= c.majority();
    };
    for (Address a = 0; a < processes_.size(); ++a) {
        if (!alive(a) || a == lost || core(a).epoch() == Epoch(0)) continue;
        if (!holds(core(a).configuration())) return false;
    }
    return holds(agreement_.newest());
}

bool Cluster::converged() const {
    Process const* first = nullptr;
    for (auto const& p : processes_) {
        if (!p) continue;
        if (p->paused || p->core.epoch() == Epoch(0)) return false;
        if (p->core.voter() && p->core.waiting()) return false;
        if (!first) first = p.get();
        if (p->core.epoch() != first->core.epoch()) return false;
        if (p->store.chain() != first->store.chain()) return false;
        if (p->store.revision() != first->store.revision()) return false;
    }
    return first != nullptr;
}

void Cluster::violation(Address a, std::string const& what) {
    std::string const line = processes_[a]->id.str() + ": " + what;
    say("VIOLATION " + line);
    if (violations_.size() < 10) violations_.push_back(line);
}

void Cluster::say(std::string const& line) {
    if (!lines_) return;
    lines_->push_back(std::to_string(schedule_.now().value() / 1000) + "us " + line);
}

}  // namespace doozer::sim
