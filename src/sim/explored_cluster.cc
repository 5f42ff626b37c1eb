#include "sim/explored_cluster.h"

#include <algorithm>

#include "wire/member_routes.h"

namespace doozer::sim {

Digest ClusterState::digest() const {
    Hasher h;
    for (std::size_t i = 0; i < members.size(); i += 2) {
        h.word(static_cast<std::uint64_t>(members[i]) << 32U | members[i + 1]);
    }
    for (std::size_t i = 0; i < queues.size(); ++i) {
        if (queues[i] != 0) h.word(static_cast<std::uint64_t>(i) << 32U | queues[i]);
    }
    std::uint64_t small = 0;
    for (std::uint8_t const w : written) small = small << 8U | w;
    for (std::uint8_t const r : required) small = small << 8U | r;
    h.word(small);
    small = answered;
    for (std::uint8_t const x : {read, crashes, reconnects}) small = small << 8U | x;
    h.word(small << 32U | facts);
    return h.digest();
}

ExploredCluster::ExploredCluster(Scope const& scope)
    : scope_(scope), normal_{scope.gossip, scope.log_bytes < base::log_bytes_default} {
    names_ = scope.voters + scope.followers;
    DOOZER_ASSERT(names_.size() <= explored_members_max);
    (void)queue_id({});
    (void)facts_.put(Facts{}.digest(), Facts{});
    for (auto const& [who, text] : scope.writes) {
        writes_[index(who)].push_back(encode({command(text)}));
    }
    for (std::size_t i = 0; i < count(); ++i) {
        for (std::size_t j = i + 1; j < count(); ++j) {
            may_break_[i][j] = scope.may_reconnect.empty() ||
                               scope.may_reconnect.find(name(i) + name(j)) != std::string::npos;
        }
    }
}

Command ExploredCluster::command(std::string const& text) {
    Command c;
    c.id = ++commands_;
    if (text.starts_with("cal")) {
        c.key = KeyValue::slot_key(static_cast<std::size_t>(text[3] - '0'));
        c.value = text.substr(5);
    } else {
        c.key = "k";
        c.value = text;
    }
    return c;
}

/// Time stands still: what waits for a time may happen whenever its turn comes.
Tuning ExploredCluster::tuning() const {
    Tuning t;
    t.suspicion_floor = t.suspicion_cap = t.fetch_patience = t.park_after = Duration(0);
    t.self_doubt_max = t.strangers_after = Duration(0);
    t.tell_within = Duration(scope_.gossip ? 0 : 1);
    t.ping_every = t.kick_after = seconds(3600);
    t.choose_owners = false;
    t.park_ahead = scope_.park_ahead;
    t.window_batches = scope_.window;
    t.log_bytes = scope_.log_bytes;
    t.decided_bytes = 1;  // every run in pieces of one item
    return t;
}

std::string ExploredCluster::start(State& s) {
    MemberIds voters;
    MemberIds owners;
    for (char const c : scope_.voters) voters.push_back(id_of(index(c)));
    for (char const c : scope_.owners) owners.push_back(id_of(index(c)));
    Configuration const start{Lineage{1, 1}, Epoch(1), voters, owners};
    for (std::size_t i = 0; i < count(); ++i) {
        bool const votes = i < scope_.voters.size();
        Core const core(id_of(i), votes ? start : Configuration{}, tuning());
        ExploredMember m{core, votes ? KeyValue(voters) : KeyValue(), false, core};
        s.members[i] = members_.put(m.digest(), m);
    }
    for (std::size_t i = 0; i < count(); ++i) {
        for (std::size_t j = 0; j < count(); ++j) {
            if (i != j) (void)apply(s, i, LinkUp{id_of(j)}, key(up_key, j));
        }
    }
    return settle(s);
}

// --- one input to one member ---------------------------------------------------------------------

ExploredCluster::Stepped const& ExploredCluster::step(Id member, Input const& input,
                                                      std::uint64_t input_key) {
    std::uint64_t const memo_key = static_cast<std::uint64_t>(member) << 32U | input_key;
    if (auto const known = steps_.find(memo_key); known != FlatMap::none) return stepped_[known];
    ExploredMember m = members_[member];
    Facts facts;
    Stepped s;
    bool const idle = make(m, input, facts, s);
    compare_natural(m, members_[member], input, s);
    if (auto const* received = std::get_if<Receive>(&input)) facts.note(received->message);
    s.facts = facts_.put(facts.digest(), facts);
    Digest const digest = m.digest();
    s.member = members_.put(digest, std::move(m));
    s.idle = idle && s.member == member && s.violation.empty();
    DOOZER_ASSERT(s.member < 1U << 29U);
    steps_.put(memo_key, static_cast<std::uint32_t>(stepped_.size()));
    stepped_.push_back(std::move(s));
    return stepped_[stepped_.size() - 1];
}

/// The input, and then the end of the turn. Returns whether nothing comes of it, ever.
bool ExploredCluster::make(ExploredMember& m, Input const& input, Facts& facts, Stepped& s) {
    CoreInvariants invariants;
    (void)invariants.check(m.core);
    bool idle = true;
    for (Input const& in : {input, Input(EndOfTurn{})}) {
        Epoch const before = m.core.epoch();
        Output const out = m.core.step(Instant(0), in, m.store);
        bool const installed =
            std::any_of(out.trace.begin(), out.trace.end(),
                        [](TraceEvent const& e) { return e.what == Happened::snapshot_installed; });
        if (installed) invariants = CoreInvariants();
        take(m, out, before, facts, s);
        if (auto const bad = invariants.check(m.core)) s.violation = *bad;
        idle = idle && stays_idle(in, out);
        if (!s.violation.empty()) break;
    }
    normal_.make(m.core);
    return idle;
}

/// The same with a core that is not in normal form: nothing else may come of it. But a HELLO or a
/// FETCH may tell it that the peer said more once, in another course of events with the same normal
/// form. An owner does not send again what it has heard that the peer has.
void ExploredCluster::compare_natural(ExploredMember& m, ExploredMember const& before,
                                      Input const& input, Stepped& s) {
    m.natural = m.core;
    auto const* received = std::get_if<Receive>(&input);
    if (!s.violation.empty()) return;
    if (received && std::holds_alternative<Hello>(received->message)) return;
    ExploredMember other = before;
    if (received && std::holds_alternative<Fetch>(received->message)) {
        auto const& peers =
            std::get<std::map<MemberId, Peer>&>(base::FieldAccess::of(other.natural));
        auto const peer = peers.find(received->peer);
        bool const is_of_another_course =
            peer != peers.end() && peer->second.said_more_than(vector_of(received->message));
        if (is_of_another_course) return;
    }
    std::size_t sent = 0;
    bool same = true;
    for (Input const& in : {input, Input(EndOfTurn{})}) {
        for (Send const& send : other.natural.step(Instant(0), in, other.store).sends) {
            std::size_t const to = index(send.to.text[0]);
            if (to == std::string::npos) continue;
            Id const id = messages_.put(digest_of(send.message), send.message);
            same = same && sent < s.sends.size() && s.sends[sent].first == to &&
                   s.sends[sent].second == id;
            ++sent;
        }
    }
    m.natural = other.natural;
    other.core = other.natural;
    normal_.make(other.core);
    (void)other.store.take_changes();
    same = same && sent == s.sends.size() && other.digest() == m.digest();
    if (!same) s.violation = "the normal form hides a difference";
}

void ExploredCluster::take(ExploredMember& m, Output const& out, Epoch before, Facts& facts,
                           Stepped& s) {
    for (Send const& send : out.sends) {
        std::size_t const to = index(send.to.text[0]);
        if (to == std::string::npos) continue;
        Id const id = messages_.put(digest_of(send.message), send.message);
        DOOZER_ASSERT(id < 1U << 26U);
        s.sends.emplace_back(static_cast<std::uint8_t>(to), id);
    }
    s.read_ready = s.read_ready || !out.reads_ready.empty();
    for (Ignored const why : out.ignored) {
        if (why == Ignored::malformed) s.violation = "a message is refused as malformed";
    }
    for (TraceEvent const& e : out.trace) {
        if (e.what == Happened::diverged) s.violation = "diverged";
    }
    Facts more;
    bool const entered = m.core.epoch() == before.next() && before > Epoch(0);
    more.note(m, entered);
    for (CommandResult const& c : m.store.take_changes()) {
        if (!more.commands.try_emplace(c.id, c.revision).second) {
            s.violation = "I11: a write is applied twice";
        }
        more.chains[c.revision] = c.chain;
        s.answered = s.answered || c.origin == m.core.me();
        s.delivered = s.delivered || m.core.epoch() == before;
    }
    if (std::string const bad = facts.join(more); !bad.empty()) s.violation = bad;
}

/// A message that changes nothing and will not do so later either, because what it says only grows
/// and is known, or because the question it answers will not be asked again. Not so when it is
/// refused for the time being only.
bool ExploredCluster::stays_idle(Input const& input, Output const& out) {
    auto const* received = std::get_if<Receive>(&input);
    if (!received) return out.sends.empty();
    if (!out.sends.empty() || !out.reads_ready.empty()) return false;
    bool over = false;
    for (Ignored const why : out.ignored) {
        switch (why) {
            case Ignored::epoch_over:
                over = true;
                break;
            case Ignored::closed:
            case Ignored::stale_answer:
                break;
            default:
                return false;
        }
    }
    Message const& m = received->message;
    if (std::holds_alternative<Hello>(m) || std::holds_alternative<Decided>(m) ||
        std::holds_alternative<Snapshot>(m) || std::holds_alternative<Fetch>(m)) {
        return false;
    }
    auto const* reply = std::get_if<PrevoteReply>(&m);
    return over || std::holds_alternative<Frame>(m) || std::holds_alternative<Promise>(m) ||
           std::holds_alternative<Accepted>(m) || std::holds_alternative<Nack>(m) ||
           std::holds_alternative<ReadReply>(m) || (reply && !reply->yes);
}

/// One input to one member of the cluster, and what comes of it to the links.
std::string ExploredCluster::apply(State& s, std::size_t who, Input const& input,
                                   std::uint64_t input_key) {
    if (!living(s, who)) return {};
    Stepped const& done = step(s.members[who], input, input_key);
    bool const changed = s.members[who] != done.member;
    s.members[who] = done.member;
    if (changed) {
        for (std::size_t i = 0; i < count(); ++i) {
            for (bool const bulk : {false, true}) {
                Id& queue = s.queues[link(i, who, bulk)];
                if (queue != 0) queue = without_idle(s, i, who, bulk);
            }
        }
    }
    for (auto const& [to, message] : done.sends) {
        if (living(s, to)) push(s, who, to, message);
    }
    if (!done.violation.empty()) return name(who) + ": " + done.violation;
    if (std::string bad = join(s.facts, done.facts); !bad.empty()) return bad;
    if (done.answered && !scope_.readers.empty()) {
        auto const applied = static_cast<std::uint8_t>(members_[done.member].core.applied());
        s.answered = std::max(s.answered, applied);
    }
    if (done.read_ready && members_[done.member].core.applied() < s.required[who]) {
        return "I14: a read misses a write that was answered before";
    }
    return done.delivered ? check_chosen(s, who) : std::string();
}

std::string ExploredCluster::join(Id& facts, Id more) {
    std::uint64_t const both = static_cast<std::uint64_t>(facts) << 32U | more;
    if (auto const known = joined_.find(both); known != FlatMap::none) {
        facts = known;
        return {};
    }
    Facts all = facts_[facts];
    if (std::string bad = all.join(facts_[more]); !bad.empty()) return bad;
    facts = facts_.put(all.digest(), all);
    joined_.put(both, facts);
    return {};
}

/// I7, I9: what a member has delivered in the epoch it is in, a majority has accepted in the lanes.
/// A voter that is dead or in a later epoch may have; one in an earlier epoch has not.
std::string ExploredCluster::check_chosen(State const& s, std::size_t who) const {
    Core const& core = members_[s.members[who]].core;
    Configuration const& c = core.configuration();
    if (!core.voter()) return {};
    for (auto const& [where, item] : facts_[s.facts].items) {
        if (where.first != core.epoch() || where.second >= core.delivered()) continue;
        std::size_t votes = 0;
        for (std::size_t i = 0; i < count(); ++i) {
            Core const& other = members_[s.members[i]].core;
            if (!c.voter_index(other.me()) || other.epoch() < c.epoch) continue;
            bool const may_have = !living(s, i) || other.epoch() > c.epoch;
            Lane const lane = c.lane_of(where.second);
            if (may_have || other.lane(lane).upto() > where.second) ++votes;
        }
        if (votes < c.majority()) return "I7: " + name(who) + " delivers what is not chosen";
    }
    return {};
}

// --- links
// -----------------------------------------------------------------------------------------

ExploredCluster::Id ExploredCluster::queue_id(std::vector<Id> queue) {
    Hasher h;
    for (Id const m : queue) h.word(m);
    h.word(queue.size());
    return queues_.put(h.digest(), std::move(queue));
}

/// What an older message says that this one does not say as well makes no difference to one who
/// takes both in the same turn. Not used message by message.
bool ExploredCluster::subsumes(Message const& newer, Message const& older) {
    if (newer.index() != older.index() || vector_of(newer).epoch != vector_of(older).epoch) {
        return false;
    }
    if (auto const* reply = std::get_if<PrevoteReply>(&older)) {
        return !reply->yes || std::get<PrevoteReply>(newer).yes;
    }
    if (auto const* frame = std::get_if<Frame>(&older)) {
        return frame->items.empty() && std::get<Frame>(newer).from <= frame->from;
    }
    return std::holds_alternative<Prevote>(older);
}

/// What is on its way already is not said again: every message is either new, or says what an older
/// one said, and timers would make queues grow without end.
void ExploredCluster::push(State& s, std::size_t from, std::size_t to, Id message) {
    bool const bulk = is_bulk(messages_[message]);
    Id& queue = s.queues[link(from, to, bulk)];
    std::uint64_t const both = static_cast<std::uint64_t>(queue) << 32U | message;
    Id longer = pushed_.find(both);
    if (longer == FlatMap::none) {
        std::vector<Id> q = queues_[queue];
        bool const is_new = std::find(q.begin(), q.end(), message) == q.end();
        if (is_new) {
            std::erase_if(q, [&](Id old) {
                return scope_.burst && subsumes(messages_[message], messages_[old]);
            });
            q.push_back(message);
        }
        longer = is_new ? queue_id(std::move(q)) : queue;
        pushed_.put(both, longer);
    }
    queue = longer;
    queue = without_idle(s, from, to, bulk);
}

/// Any copy and any DECIDED may be large.
bool ExploredCluster::is_bulk(Message const& message) const {
    return scope_.two_connections && wire::route_of(message) != wire::MemberRoute::with_frames;
}

ExploredCluster::Stepped const& ExploredCluster::receive(Id member, std::size_t from, Id message) {
    return step(member, Receive{id_of(from), messages_[message]}, key(message_key, from, message));
}

/// Messages that are idle at the receiver are as good as delivered.
ExploredCluster::Id ExploredCluster::without_idle(State const& s, std::size_t from, std::size_t to,
                                                  bool bulk) {
    Id const queue = s.queues[link(from, to, bulk)];
    Id const member = s.members[to];
    std::uint64_t const place =
        static_cast<std::uint64_t>(member) << 35U | static_cast<std::uint64_t>(from) << 32U | queue;
    if (auto const known = cleared_.find(place); known != FlatMap::none) return known;
    std::vector<Id> rest = queues_[queue];
    std::erase_if(rest, [&](Id m) { return receive(member, from, m).idle; });
    Id const cleared = queue_id(std::move(rest));
    cleared_.put(place, cleared);
    return cleared;
}

std::string ExploredCluster::deliver(State& s, std::size_t from, std::size_t to, bool bulk) {
    Id& queue = s.queues[link(from, to, bulk)];
    Id const head = queues_[queue].front();
    Id rest = rests_.find(queue);
    if (rest == FlatMap::none) {
        std::vector<Id> const& q = queues_[queue];
        rest = queue_id({q.begin() + 1, q.end()});
        rests_.put(queue, rest);
    }
    queue = rest;
    return apply(s, to, Receive{id_of(from), messages_[head]}, key(message_key, from, head));
}

/// All that has arrived on a link by now.
std::string ExploredCluster::deliver_burst(State& s, std::size_t from, std::size_t to, bool bulk) {
    Id& queue = s.queues[link(from, to, bulk)];
    for (std::size_t n = queues_[queue].size(); n > 0 && queue != 0; --n) {
        if (std::string bad = deliver(s, from, to, bulk); !bad.empty()) return bad;
    }
    return {};
}

std::string ExploredCluster::settle(State& s) {
    constexpr int deliveries_max = 100'000;
    int deliveries = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t i = 0; i < count(); ++i) {
            for (std::size_t j = 0; j < count(); ++j) {
                bool const bulk = s.queues[link(i, j)] == 0;
                while (s.queues[link(i, j, bulk)] != 0 && living(s, j)) {
                    if (std::string bad = deliver(s, i, j, bulk); !bad.empty()) return bad;
                    if (++deliveries > deliveries_max) return "messages without end";
                    moved = true;
                }
            }
        }
    }
    return {};
}

/// What pings do, for which time would have to pass: everybody hears where this voter stands.
void ExploredCluster::gossip(State& s, std::size_t who) {
    Core const& core = members_[s.members[who]].core;
    if (!core.voter()) return;
    Vector const v = core.vector();
    auto const lane = core.configuration().lane_owned_by(core.me());
    Message const frame = Frame{v, lane ? v.upto[*lane] : Slot(0), {}};
    Id const id = messages_.put(digest_of(frame), frame);
    for (std::size_t to = 0; to < count(); ++to) {
        if (to != who && living(s, to)) push(s, who, to, id);
    }
}

/// What it had sent is still on its way, and may or may not arrive.
void ExploredCluster::crash(State& s, std::size_t who) {
    ExploredMember m = members_[s.members[who]];
    m.dead = true;
    Digest const digest = m.digest();
    s.members[who] = members_.put(digest, std::move(m));
    for (std::size_t i = 0; i < count(); ++i) {
        s.queues[link(i, who)] = s.queues[link(i, who, true)] = 0;
    }
}

std::string ExploredCluster::reconnect(State& s, std::size_t a, std::size_t b) {
    ++s.reconnects;
    s.queues[link(a, b)] = s.queues[link(b, a)] = 0;
    s.queues[link(a, b, true)] = s.queues[link(b, a, true)] = 0;
    for (auto const& [x, y] : {std::pair(a, b), std::pair(b, a)}) {
        if (auto bad = apply(s, x, LinkDown{id_of(y)}, key(down_key, y)); !bad.empty()) return bad;
        s.queues[link(x, y)] = s.queues[link(x, y, true)] = 0;
    }
    for (auto const& [x, y] : {std::pair(a, b), std::pair(b, a)}) {
        if (auto bad = apply(s, x, LinkUp{id_of(y)}, key(up_key, y)); !bad.empty()) return bad;
    }
    return {};
}

// --- what can happen
// --------------------------------------------------------------------------------

std::string ExploredCluster::perform(State& s, Action const& a) {
    switch (a.kind) {
        case Action::Kind::deliver:
            return scope_.burst ? deliver_burst(s, a.a, a.b, a.bulk) : deliver(s, a.a, a.b, a.bulk);
        case Action::Kind::tick:
            return tick(s, a.a);
        case Action::Kind::write: {
            std::size_t const n = s.written[a.a]++;
            return apply(s, a.a, Submit{writes_[a.a][n]}, key(write_key, 0, n));
        }
        case Action::Kind::read:
            s.read = static_cast<std::uint8_t>(s.read | 1U << a.a);
            s.required[a.a] = s.answered;
            return apply(s, a.a, Read{1}, key(read_key, 0));
        case Action::Kind::crash:
            crash(s, a.a);
            ++s.crashes;
            return {};
        case Action::Kind::reconnect:
            return reconnect(s, a.a, a.b);
    }
    return {};
}

void ExploredCluster::actions(State const& s, std::vector<Action>& all) const {
    using enum Action::Kind;
    all.clear();
    auto const add = [&](Action::Kind k, std::size_t a, std::size_t b = 0, bool bulk = false) {
        all.push_back({k, static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), bulk});
    };
    for (std::size_t i = 0; i < count(); ++i) {
        for (std::size_t j = 0; j < count(); ++j) {
            if (s.queues[link(i, j)] != 0 && living(s, j)) add(deliver, i, j);
            if (s.queues[link(i, j, true)] != 0 && living(s, j)) add(deliver, i, j, true);
        }
    }
    for (std::size_t i = 0; i < count(); ++i) {
        if (!living(s, i)) continue;
        Core const& core = members_[s.members[i]].core;
        bool const ticks = scope_.ticking.find(names_[i]) != std::string::npos;
        if (ticks && core.epoch().value() <= scope_.ticking_epochs) add(tick, i);
        bool const votes = core.voter();
        if (votes && s.written[i] < writes_[i].size()) add(write, i);
        bool const reads = scope_.readers.find(names_[i]) != std::string::npos;
        if (votes && reads && !((s.read >> i) & 1U)) add(read, i);
        bool const crashes = scope_.may_crash.find(names_[i]) != std::string::npos;
        if (crashes && s.crashes < scope_.crashes) add(crash, i);
        for (std::size_t j = i + 1; j < count() && s.reconnects < scope_.reconnects; ++j) {
            if (may_break_[i][j] && living(s, j)) add(reconnect, i, j);
        }
    }
}

bool ExploredCluster::out_of_scope(State const& s) const {
    for (std::size_t i = 0; i < count(); ++i) {
        if (!living(s, i)) continue;
        Core const& c = members_[s.members[i]].core;
        if (c.epoch().value() > scope_.epochs) return true;
        if (round_of(c.acceptor().promised) > scope_.rounds) return true;
        if (c.delivered().value() > scope_.slots || c.seen().value() > scope_.slots) return true;
    }
    return false;
}

bool ExploredCluster::finished(State const& s) const {
    Core const* first = nullptr;
    for (std::size_t i = 0; i < count(); ++i) {
        Core const& c = members_[s.members[i]].core;
        if (!living(s, i)) continue;
        if (c.voter() && c.waiting()) return false;
        if (!first) first = &c;
        if (c.epoch() != first->epoch() || c.applied() != first->applied()) return false;
    }
    return true;
}

/// A majority lives of every configuration that one of the living is in. Those that are alone in a
/// later epoch lead the others on.
bool ExploredCluster::should_finish(State const& s) const {
    Epoch newest;
    for (std::size_t i = 0; i < count(); ++i) {
        newest = std::max(newest, members_[s.members[i]].core.epoch());
    }
    for (std::size_t i = 0; i < count(); ++i) {
        Core const& c = members_[s.members[i]].core;
        if (!living(s, i) && c.epoch() < newest) continue;
        std::size_t lives = 0;
        for (std::size_t j = 0; j < count(); ++j) {
            if (living(s, j) && c.configuration().voter_index(id_of(j))) ++lives;
        }
        if (lives < c.configuration().majority()) return false;
    }
    return true;
}

std::string ExploredCluster::describe(State const& s, Action const& a) const {
    std::string const who = name(a.a);
    switch (a.kind) {
        case Action::Kind::deliver: {
            std::vector<Id> const& queue = queues_[s.queues[link(a.a, a.b, a.bulk)]];
            std::string what;
            for (std::size_t i = 0; i < (scope_.burst ? queue.size() : 1); ++i) {
                what += std::string(" ") + name_of(messages_[queue[i]]);
            }
            return who + " -> " + name(a.b) + (a.bulk ? " (bulk)" : "") + what;
        }
        case Action::Kind::tick:
            return "time passes at " + who;
        case Action::Kind::write:
            return who + " submits " + std::string(writes_[a.a][s.written[a.a]].view());
        case Action::Kind::read:
            return who + " reads";
        case Action::Kind::crash:
            return "crash " + who;
        case Action::Kind::reconnect:
            return "the link " + who + "-" + name(a.b) + " breaks and comes back";
    }
    return {};
}

}  // namespace doozer::sim
