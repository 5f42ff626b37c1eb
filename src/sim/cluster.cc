#include "sim/cluster.h"

#include <algorithm>
#include <charconv>

#include "wire/member_codec.h"

namespace doozer::sim {

namespace {

constexpr std::string_view address_prefix = "10.0.0.";
constexpr std::string_view port = ":8046";

/// Of the text of an address; none for whatever somebody wrote there.
std::optional<Address> address_in(std::string_view text) {
    if (!text.starts_with(address_prefix) || !text.ends_with(port)) return std::nullopt;
    text.remove_prefix(address_prefix.size());
    text.remove_suffix(port.size());
    Address a = 0;
    auto const [rest, error] = std::from_chars(text.data(), text.data() + text.size(), a);
    if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return a;
}

}  // namespace

std::string Cluster::address_text(Address a) {
    return std::string(address_prefix).append(std::to_string(a)).append(port);
}

Cluster::Cluster(Schedule& schedule, Prng& prng, ClusterOptions const& options)
    : schedule_(schedule),
      prng_(prng),
      options_(options),
      network_(schedule, prng, *this, options.voters + options.spares, options.network),
      processes_(options.voters + options.spares),
      lives_(processes_.size(), 0),
      attendance_(options.tuning.kick_after) {
    found();
}

/// As an operator would: one process, others that attach to it, and a slot for each.
void Cluster::found() {
    boot(0, true);
    for (Address a = 1; a < options_.voters; ++a) boot(a, false);
    SessionId const operator_session = open(0);
    for (Address a = 1; a < options_.voters; ++a) {
        std::string const slot = "/ctl/cal/" + std::to_string(a);
        Request request;
        request.verb = Verb::set;
        request.path = slot;
        request.value = "";
        request.rev = missing;
        this->request(0, operator_session, request);
    }
    Instant const give_up = schedule_.now() + seconds(60);
    auto const complete = [&] {
        for (Address a = 0; a < options_.voters; ++a) {
            Configuration const& c = core(a).configuration();
            if (c.voters.size() < options_.voters || c.owners.size() < options_.voters)
                return false;
        }
        return true;
    };
    while (!complete() && schedule_.run_one(give_up)) continue;
    close(0, operator_session);
    if (!complete()) violation(0, "the cluster was not founded");
    counts_.clear();
}

/// A letter by chance, so that the order of ids is not that of addresses; the address; its life.
ProcessId Cluster::new_id(Address a) {
    std::string id(1, static_cast<char>('a' + prng_.below(26)));
    return id + std::to_string(a) + "." + std::to_string(++lives_[a]);
}

void Cluster::boot(Address a, bool founds) {
    replica::Options o;
    o.identity = {new_id(a), "sim", address_text(a), "host" + std::to_string(a), "1.1"};
    // The release before knows the first rules only.
    bool const is_old =
        options_.releases > 1 && (founds || next_life_ < options_.voters || prng_.one_in(2));
    if (is_old) {
        o.identity.version = "1.0";
        o.rules.since = {{1, 0}};
    }
    o.value_bytes_max = options_.value_bytes_max;
    o.lineage = {1, 1};
    o.store = options_.store;
    o.tuning = options_.tuning;
    o.pulse = options_.pulse;
    for (Address b = 0; b < addresses() && !founds; ++b) {
        if (b != a) o.attach_to.push_back(address_text(b));
    }
    std::unique_ptr<wire::FlightRecorder> recorder;
    if (options_.recorded) recorder = std::make_unique<wire::FlightRecorder>(*options_.recorded);
    auto steps = std::make_unique<ObservedSteps>(recorder.get(), hooks(a));
    o.recorder = steps.get();
    say("start " + o.identity.id);
    processes_[a] = std::make_unique<Process>(std::move(o), std::move(recorder), std::move(steps));
    Process& p = *processes_[a];
    p.life = ++next_life_;
    if (options_.skewed_clocks) p.rate = 800 + static_cast<std::int64_t>(prng_.below(401));
    for (Address b = 0; b < addresses() && !founds; ++b) {
        if (b != a) p.targets.push_back({std::nullopt, address_text(b)});
    }
    step(a, replica::Started{});
    network_.start(a);
}

void Cluster::start(Address a) {
    DOOZER_ASSERT(!alive(a));
    boot(a, false);
}

void Cluster::crash(Address a, bool silent) {
    say("crash " + processes_[a]->id);
    processes_[a].reset();
    network_.stop(a, silent);
    if (watcher_) watcher_->on_lost(a, SessionId(0));
}

void Cluster::pause(Address a) {
    say("pause " + processes_[a]->id);
    processes_[a]->paused = true;
    network_.stop_reading(a);
}

void Cluster::resume(Address a) {
    say("resume " + processes_[a]->id);
    Process& p = *processes_[a];
    p.paused = false;
    std::uint64_t const life = p.life;
    for (auto const& arrived : std::exchange(p.kernel, {})) {
        if (!alive(a) || processes_[a]->life != life) return;
        arrived();
    }
    if (!alive(a) || processes_[a]->life != life) return;
    network_.read_again(a);
    if (alive(a)) plan_turn(a);
}

void Cluster::force(Address a) {
    Process& p = *processes_[a];
    say("force " + p.id);
    p.order.emplace(*this, a, schedule_.now(), std::exchange(p.may_leave, false));
    input(a, replica::Force{Lineage{prng_.next(), prng_.next()}});
}

void Cluster::retire(Address a) {
    say("retire " + processes_[a]->id);
    processes_[a]->may_go = true;
    input(a, replica::Retire{});
}

void Cluster::stop_gracefully(Address a) {
    retire(a);
    look_whether_retired(a);
}

void Cluster::look_whether_retired(Address a) {
    static constexpr Duration hand_over = milliseconds(300);
    later(a, milliseconds(5), [this, a] {
        Process const& p = *processes_[a];
        if (p.paused || !p.replica.retired(local_time(p))) return look_whether_retired(a);
        later(a, hand_over, [this, a] { crash(a, false); });
    });
}

SessionId Cluster::open(Address a) {
    SessionId const session = next_session_;
    ++next_session_;
    input(a, replica::SessionOpened{session});
    return session;
}

void Cluster::close(Address a, SessionId session) {
    if (alive(a)) input(a, replica::SessionClosed{session});
}

void Cluster::request(Address a, SessionId session, Request const& request) {
    if (request.rev && request.path->starts_with("/ctl/cal/")) note_operator(a, *request.path);
    if (request.verb == Verb::force) {
        processes_[a]->may_leave = (request.offset.value_or(0) & 2) != 0;
    }
    if (!processes_[a]->paused) return step(a, replica::ClientRequest{session, request});
    // The request waits in the socket with its own copy of what it points to.
    processes_[a]->kernel.emplace_back([this, a, session, r = request,
                                        path = std::string(request.path.value_or("")),
                                        value = std::string(request.value.value_or(""))]() mutable {
        if (r.path) r.path = path;
        if (r.value) r.value = value;
        step(a, replica::ClientRequest{session, r});
    });
}

/// The process in the slot may lose it by this.
void Cluster::note_operator(Address a, std::string_view slot) {
    std::string const holder = content(a, std::string(slot));
    for (auto const& p : processes_) {
        if (p && p->id == holder) p->may_go = true;
    }
}

std::string Cluster::content(Address a, std::string const& path) const {
    store::Store const& s = store(a);
    auto const found = s.find(store::Path::trusted(path), s.revision());
    return std::string(found.value.view());
}

std::optional<Address> Cluster::address_of(MemberId id) const {
    for (Address a = 0; a < processes_.size(); ++a) {
        if (alive(a) && MemberId(processes_[a]->id) == id) return a;
    }
    return std::nullopt;
}

bool Cluster::wants(Address a, Address b) const {
    if (!alive(a)) return false;
    auto const& targets = processes_[a]->targets;
    return std::any_of(targets.begin(), targets.end(), [&](replica::Target const& target) {
        bool const meant = !target.id || (alive(b) && *target.id == processes_[b]->id);
        return meant && address_in(target.address) == b;
    });
}

void Cluster::link_up(Address at, Address peer) {
    if (!alive(at) || !alive(peer)) return;
    processes_[at]->links[peer] = processes_[peer]->id;
    input(at, replica::LinkUp{processes_[peer]->id});
}

void Cluster::link_down(Address at, Address peer) {
    if (!alive(at)) return;
    auto const link = processes_[at]->links.find(peer);
    if (link == processes_[at]->links.end()) return;
    ProcessId const id = link->second;
    processes_[at]->links.erase(link);
    input(at, replica::LinkDown{id});
}

/// The message as it is after the codec, and how large it is on the wire.
Parcel Cluster::pack(Address a, Message& message) {
    if (!options_.encoded) return {std::move(message), 0};
    encoded_.clear();
    wire::append_message(encoded_, message);
    bool const lies = liar_ && liar_->at == a && prng_.one_in(2);
    if (liar_) make_lie(lies);
    auto decoded = wire::decode_message(encoded_);
    if (lies && !decoded.ok()) return {std::move(message), encoded_.size()};
    if (lies) ++liar_->told;
    if (decoded.ok()) return {std::move(decoded).value(), encoded_.size()};
    violation(a, decoded.error().detail);
    return {std::move(message), encoded_.size()};
}

/// Keeps a copy of what is encoded; a lie takes its place.
void Cluster::make_lie(bool lies) {
    constexpr std::size_t kept = 64;
    std::deque<std::string>& heard = liar_->heard;
    heard.push_back(encoded_);
    if (heard.size() > kept) heard.pop_front();
    if (!lies) return;
    encoded_ = heard[prng_.below(heard.size())];
    for (std::uint64_t n = prng_.below(4); n > 0; --n) {
        auto& byte = encoded_[prng_.below(encoded_.size())];
        std::uint64_t const how = prng_.below(4);
        auto const by = static_cast<char>(how == 0 ? 1U : how == 1 ? 255U : prng_.below(256));
        byte = static_cast<char>(byte + by);
    }
}

void Cluster::arrive(Address at, Address from, Parcel parcel) {
    if (!alive(at)) return;
    auto const link = processes_[at]->links.find(from);
    if (link == processes_[at]->links.end()) return;
    trace_.word(at);
    trace_.word(static_cast<std::uint64_t>(schedule_.now().value()));
    trace_.word(parcel.message.index());
    input(at, replica::PeerMessage{link->second, std::move(parcel.message)});
}

void Cluster::input(Address a, replica::Input input) {
    if (!processes_[a]->paused) return step(a, input);
    processes_[a]->kernel.emplace_back([this, a, in = std::move(input)] { step(a, in); });
}

Instant Cluster::local_time(Process const& p) const {
    return Instant(schedule_.now().value() / 1000 * p.rate);
}

void Cluster::step(Address a, replica::Input const& input) {
    Process& p = *processes_[a];
    if (auto const* m = std::get_if<replica::PeerMessage>(&input)) {
        attendance_.heard(MemberId(p.id), MemberId(m->peer), schedule_.now());
        if (lines_) say(m->peer + " -> " + p.id + " " + name_of(m->message));
    }
    p.replica.step(local_time(p), input, p.effects);
    perform(a);
    if (alive(a)) plan_turn(a);
}

void Cluster::later(Address a, Duration wait, std::function<void()> what) {
    std::uint64_t const life = processes_[a]->life;
    schedule_.after(wait, [this, a, life, what = std::move(what)] {
        if (alive(a) && processes_[a]->life == life) what();
    });
}

/// The event loop comes to the end of its turn a little later.
void Cluster::plan_turn(Address a) {
    Process& p = *processes_[a];
    if (std::exchange(p.turn_planned, true)) return;
    later(a, microseconds(static_cast<std::int64_t>(1 + prng_.below(10))), [this, a] {
        processes_[a]->turn_planned = false;
        if (!processes_[a]->paused) end_turn(a);  // else when it is resumed
    });
}

void Cluster::end_turn(Address a) {
    Process& p = *processes_[a];
    if (p.effects.wants_lineage) force(a);
    p.replica.step(local_time(p), replica::TurnEnded{}, p.effects);
    perform(a);
    if (!alive(a)) return;
    if (processes_[a]->effects.more_to_do) return plan_turn(a);
    plan_wake(a);
}

void Cluster::plan_wake(Address a) {
    Process& p = *processes_[a];
    if (p.effects.deadline == never) return;
    Instant when((p.effects.deadline.value() / p.rate + 1) * 1000);
    when = std::max(when, schedule_.now() + microseconds(20));
    if (when >= p.wake_at) return;
    p.wake_at = when;
    std::uint64_t const life = p.life;
    schedule_.at(when, [this, a, life, when] {
        if (!alive(a) || processes_[a]->life != life) return;
        Process& q = *processes_[a];
        if (q.wake_at != when) return;
        q.wake_at = never;
        if (!q.paused) end_turn(a);
    });
}

void Cluster::perform(Address a) {
    Process& p = *processes_[a];
    watch_trace(a);
    check(a);
    for (Send& send : std::exchange(p.effects.sends, {})) {
        if (auto const to = address_of(send.to)) network_.send(a, *to, pack(a, send.message));
    }
    if (p.effects.targets) {
        p.targets = *std::exchange(p.effects.targets, std::nullopt);
        network_.look(a);
    }
    auto const replies = std::exchange(p.effects.replies, {});
    auto const lost = std::exchange(p.effects.lost, {});
    if (p.effects.wants_identity && !std::exchange(p.leaving, true)) leave(a);
    exit_if_outdated(a);
    if (!watcher_) return;
    for (replica::Reply const& reply : replies) watcher_->on_reply(a, reply);
    for (SessionId const session : lost) {
        watcher_->on_lost(a, session);
        close(a, session);
    }
}

void Cluster::watch_trace(Address a) {
    Process& p = *processes_[a];
    for (TraceEvent const& e : std::exchange(p.effects.trace, {})) {
        ++counts_[name_of(e.what)];
        if (lines_) {
            say(p.id + " " + name_of(e.what) + " in epoch " + std::to_string(e.epoch.value()) +
                ": " + std::to_string(e.value));
        }
        if (e.what == Happened::diverged) violation(a, "diverged");
        // Nobody here is ever set back to an earlier state of itself.
        if (e.what == Happened::resurrected) violation(a, "shut out a healthy member");
        if (e.what == Happened::snapshot_installed) p.invariants = CoreInvariants();
    }
}

ObservedSteps::Hooks Cluster::hooks(Address a) {
    return {[this, a] { begin_fork(a); },
            [this, a](Batch const& batch) {
                if (processes_[a]->fork) processes_[a]->taken.add(batch);
            },
            [this, a] { end_fork(a); }};
}

/// The survivor keeps what it has applied. It is about to take over what others know, too.
void Cluster::begin_fork(Address a) {
    Process& p = *processes_[a];
    check_changes(p, a);
    Revision const kept = p.replica.store().revision();
    say(p.id + " keeps revisions up to " + std::to_string(kept.value()));
    if (auto const dropped = p.order->dropped(*this, kept)) violation(a, *dropped);
    p.fork = Fork{kept, replica::next_stride(kept), schedule_.now(), p.order->known(*this)};
    p.taken = {};
    p.order.reset();
}

void Cluster::end_fork(Address a) {
    Process& p = *processes_[a];
    p.fork->taken = std::move(p.taken.operations);
    for (std::string const& file : p.taken.files) {
        if (!p.replica.state().value(file)) p.fork->deleted.insert(file);
    }
    agreement_.forced(*std::exchange(p.fork, std::nullopt));
}

/// A process that does not know the rules of the cluster ends at once, as in Node::judge().
void Cluster::exit_if_outdated(Address a) {
    Process& p = *processes_[a];
    if (!p.replica.is_outdated() || std::exchange(p.leaving, true)) return;
    later(a, microseconds(1), [this, a] { crash(a, false); });
}

/// It was removed, and goes on under another id.
void Cluster::leave(Address a) {
    Process& p = *processes_[a];
    later(a, microseconds(1), [this, a] {
        Process& q = *processes_[a];
        network_.reconnect(a);
        q.links.clear();
        q.id = new_id(a);
        q.leaving = q.may_go = false;
        q.invariants = CoreInvariants();
        say(q.id + " is the new id at " + std::to_string(a));
        input(a, replica::IdentityGiven{q.id});
    });
    say(p.id + " leaves");
}

void Cluster::check(Address a) {
    Process& p = *processes_[a];
    Core const& c = p.replica.core();
    if (auto const bad = p.invariants.check(c)) violation(a, *bad);
    check_changes(p, a);
    if (c.epoch() == Epoch(0)) return;
    Lineage const lineage = c.configuration().lineage;
    std::string bad;
    if (c.applied() != p.compared || lineage != p.lineage) {
        p.compared = c.applied();
        bad = agreement_.stands(lineage, c.applied(), c.fingerprint());
        if (!bad.empty()) violation(a, bad);
    }
    if (c.epoch() != p.entered || lineage != p.lineage) {
        p.entered = c.epoch();
        p.lineage = lineage;
        p.accepted = Ballot(0);
        check_removals(a, c.configuration());
        if (bad = agreement_.entered(c.configuration()); !bad.empty()) violation(a, bad);
    }
    if (c.acceptor().accepted == p.accepted) return;
    p.accepted = c.acceptor().accepted;
    if (bad = agreement_.accepted(lineage, c.epoch(), c.acceptor()); !bad.empty()) {
        violation(a, bad);
    }
}

/// How many of those who live have not heard it for a time of late.
std::size_t Cluster::count_missing(MemberId id, Configuration const& c) const {
    return static_cast<std::size_t>(
        std::count_if(c.voters.begin(), c.voters.end(), [&](MemberId by) {
            return by != id && address_of(by) && attendance_.has_missed(id, by, schedule_.now());
        }));
}

/// Who is the first in an epoch answers for those who are not in it any more.
void Cluster::check_removals(Address a, Configuration const& next) {
    Configuration const& before = agreement_.newest();
    if (next.lineage != before.lineage || next.epoch != before.epoch.next()) return;
    for (MemberId const id : before.voters) {
        auto const at = address_of(id);
        if (next.voter_index(id) || !at || processes_[*at]->may_go) continue;
        if (count_missing(id, before) == 0) {
            violation(a, id.str() + " was removed although everybody hears it");
        }
    }
}

/// Every revision that is new here must be what it is everywhere; those that came with a snapshot
/// are looked at, too.
void Cluster::check_changes(Process& p, Address a) {
    store::Store const& s = p.replica.store();
    std::string path;
    for (Revision rev = std::max(p.checked.next(), s.first_revision()); rev <= s.revision();
         rev = rev.next()) {
        store::Event const event = s.event(rev, path);
        std::string const bad = agreement_.applied(
            {rev, event.kind, std::string(event.path), brief(event.value.view())});
        if (!bad.empty()) violation(a, bad);
        p.checked = rev;
    }
}

// --- questions -------------------------------------------------------------------------------

bool Cluster::can_lose(Address lost) const {
    std::size_t slots = 0;
    for (auto const& p : processes_) {
        if (p) slots = std::max(slots, p->replica.state().slots().size());
    }
    auto const holds = [&](Configuration const& c) {
        std::size_t left = 0;
        for (MemberId const id : c.voters) {
            auto const a = address_of(id);
            // An order to remove it may be on its way.
            bool const goes = a && (processes_[*a]->may_go || count_missing(id, c) >= c.majority());
            if (a && *a != lost && !goes) ++left;
        }
        // Who is to be lost may be about to vote.
        bool const votes = c.voter_index(MemberId(processes_[lost]->id)).has_value();
        bool const joins = !votes && slots > c.voters.size();
        return left >= (joins ? (c.voters.size() + 1) / 2 + 1 : c.majority());
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
        Core const& c = p->replica.core();
        if (p->paused || c.epoch() == Epoch(0)) return false;
        if (c.voter() && c.waiting()) return false;
        if (!first) first = p.get();
        if (c.configuration() != first->replica.core().configuration()) return false;
        if (p->replica.state().chain() != first->replica.state().chain()) return false;
        if (p->replica.store().revision() != first->replica.store().revision()) return false;
    }
    return first != nullptr;
}

bool Cluster::complete() const {
    auto const living = static_cast<std::size_t>(
        std::count_if(processes_.begin(), processes_.end(), [](auto const& p) {
            return p && (p->replica.core().voter() || !p->replica.membership().retires());
        }));
    auto const& any = *std::find_if(processes_.begin(), processes_.end(),
                                    [](auto const& p) { return p != nullptr; });
    MemberIds const& voters = any->replica.core().configuration().voters;
    std::size_t const slots = any->replica.state().slots().size();
    return voters.size() == std::min({living, slots, consensus::voters_max}) &&
           std::all_of(voters.begin(), voters.end(),
                       [&](MemberId id) { return address_of(id).has_value(); });
}

void Cluster::violation(Address a, std::string const& what) {
    std::string const line = processes_[a]->id + ": " + what;
    say("VIOLATION " + line);
    if (violations_.size() < 10) violations_.push_back(line);
}

void Cluster::say(std::string const& line) {
    if (!lines_) return;
    lines_->push_back(std::to_string(schedule_.now().value() / 1000) + "us " + line);
}

}  // namespace doozer::sim
