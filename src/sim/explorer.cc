#include "sim/explorer.h"

#include <array>

#include "sim/explored_member.h"
#include "sim/interned.h"

namespace doozer::sim {

namespace {

constexpr std::size_t members_max = 5;
constexpr std::size_t links_max = members_max * members_max;
using Id = std::uint32_t;

enum class Kind : std::uint8_t { deliver, tick, write, read, crash, reconnect };
struct Action {
    Kind kind;
    std::uint8_t a;
    std::uint8_t b;
};

struct State {
    std::array<Id, members_max> members{};
    std::array<Id, links_max> queues{};
    std::array<std::uint8_t, members_max> written{};   // how many of its writes are out
    std::uint8_t read = 0;                             // bits: who has asked
    std::array<std::uint8_t, members_max> required{};  // what its read must see
    std::uint8_t crashes = 0;
    std::uint8_t reconnects = 0;

    [[nodiscard]] Digest digest() const {
        Hasher h;
        for (Id const m : members) h.word(m);
        for (std::size_t i = 0; i < queues.size(); ++i) {
            if (queues[i] != 0) h.word(static_cast<std::uint64_t>(i) << 32U | queues[i]);
        }
        for (std::uint8_t const w : written) h.word(w);
        for (std::uint8_t const r : required) h.word(r);
        feed_all(h, read, crashes, reconnects);
        return h.digest();
    }
};

/// What comes of one input to one member.
struct Stepped {
    Id member;
    std::vector<std::pair<std::uint8_t, Id>> sends;
    bool read_ready = false;
    std::string violation;
};

class Explorer {
  public:
    explicit Explorer(Scope const& scope) : scope_(scope) {
        names_ = scope.voters + scope.followers;
        DOOZER_ASSERT(names_.size() <= members_max);
        queues_.put(digest_of_queue({}), {});
        for (auto const& [who, text] : scope.writes) {
            writes_[index(who)].push_back(encode({command(text)}));
        }
    }

    Exploration run() {
        add(initial(), no_parent, {});
        std::size_t level_end = states_.size();
        for (std::size_t at = 0; at < states_.size() && result_.violation.empty(); ++at) {
            if (at == level_end) {
                ++result_.depth;
                level_end = states_.size();
            }
            if (states_.size() > scope_.states_max) break;
            expand(at);
        }
        result_.states = states_.size();
        result_.members = members_.size();
        result_.exhausted = result_.violation.empty() && states_.size() <= scope_.states_max;
        return std::move(result_);
    }

  private:
    static constexpr std::uint32_t no_parent = 0xFFFFFFFFU;

    [[nodiscard]] std::size_t index(char name) const { return names_.find(name); }
    [[nodiscard]] std::size_t count() const { return names_.size(); }
    static MemberId id_of(char name) { return MemberId(std::string(1, name)); }
    static std::size_t link(std::size_t from, std::size_t to) { return from * members_max + to; }

    Command command(std::string const& text) {
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

    static Digest digest_of_queue(std::vector<Id> const& queue) {
        Hasher h;
        for (Id const m : queue) h.word(m);
        h.word(queue.size());
        return h.digest();
    }

    State initial() {
        MemberIds voters;
        MemberIds owners;
        for (char const c : scope_.voters) voters.push_back(id_of(c));
        for (char const c : scope_.owners) owners.push_back(id_of(c));
        Configuration const start{Lineage{1, 1}, Epoch(1), voters, owners};
        Tuning t;
        t.suspicion_floor = t.suspicion_cap = t.fetch_patience = t.park_after = Duration(0);
        t.self_doubt_max = Duration(0);
        t.tell_within = Duration(scope_.gossip ? 0 : 1);
        t.ping_every = t.kick_after = seconds(3600);
        t.choose_owners = false;
        t.park_ahead = scope_.park_ahead;
        t.window_batches = scope_.window;
        t.log_bytes = scope_.log_bytes;
        t.decided_bytes = 1;  // every run in pieces of one item
        State s;
        for (std::size_t i = 0; i < count(); ++i) {
            bool const votes = i < scope_.voters.size();
            Core core(id_of(names_[i]), votes ? start : Configuration{}, t);
            ExploredMember m{std::move(core),
                             votes ? KeyValue(voters) : KeyValue(),
                             false,
                             0,
                             0,
                             {},
                             {},
                             {},
                             {}};
            s.members[i] = members_.put(m.digest(), m);
        }
        for (std::size_t i = 0; i < count(); ++i) {
            for (std::size_t j = 0; j < count(); ++j) {
                if (i != j) (void)apply(s, i, LinkUp{id_of(names_[j])}, up_key + j);
            }
        }
        settle(s);
        return s;
    }

    // --- one input to one member -------------------------------------------------------------
    static constexpr std::uint64_t message_key = 0;
    static constexpr std::uint64_t tick_key = 1ULL << 32U;
    static constexpr std::uint64_t up_key = 2ULL << 32U;
    static constexpr std::uint64_t down_key = 3ULL << 32U;
    static constexpr std::uint64_t write_key = 4ULL << 32U;
    static constexpr std::uint64_t read_key = 5ULL << 32U;

    Stepped const& step(Id member, Input const& input, std::uint64_t key) {
        auto const [at, is_new] = memo_.try_emplace({member, key});
        if (!is_new) return at->second;
        ExploredMember m = members_[member];
        CoreInvariants invariants;
        Stepped s{};
        (void)invariants.check(m.core);
        take(m, m.core.step(Instant(0), input, m.store), invariants, s);
        if (s.violation.empty()) {
            take(m, m.core.step(Instant(0), EndOfTurn{}, m.store), invariants, s);
        }
        Digest const digest = m.digest();
        s.member = members_.put(digest, std::move(m));
        return at->second = std::move(s);
    }

    void take(ExploredMember& m, Output const& out, CoreInvariants& invariants, Stepped& s) {
        for (Send const& send : out.sends) {
            std::size_t const to = names_.find(send.to.text[0]);
            if (to == std::string::npos) continue;
            Id const id = messages_.put(digest_of(send.message), send.message);
            s.sends.emplace_back(static_cast<std::uint8_t>(to), id);
        }
        s.read_ready = s.read_ready || !out.reads_ready.empty();
        for (Ignored const why : out.ignored) {
            if (why == Ignored::malformed) s.violation = "a message is refused as malformed";
        }
        for (TraceEvent const& e : out.trace) {
            if (e.what == Happened::diverged) s.violation = "diverged";
            if (e.what == Happened::snapshot_installed) {
                m.chains.assign(m.core.applied(), 0);
                if (!m.chains.empty()) m.chains.back() = m.store.chain();
                invariants = CoreInvariants();
            }
        }
        for (Change const& c : m.store.take_changes()) {
            std::uint64_t const bit = 1ULL << (c.id % 64);
            if (m.applied_ids & bit) s.violation = "a write is applied twice";
            m.applied_ids |= bit;
            m.chains.push_back(c.chain);
            if (c.origin == m.core.me()) m.answered = m.core.applied();
        }
        if (auto const bad = invariants.check(m.core)) s.violation = *bad;
        m.note_facts();
    }

    // --- one action in a state ---------------------------------------------------------------
    /// Empty, or what is violated.
    std::string apply(State& s, std::size_t who, Input const& input, std::uint64_t key) {
        if (members_[s.members[who]].dead) return {};
        Stepped const& done = step(s.members[who], input, key);
        s.members[who] = done.member;
        for (auto const& [to, message] : done.sends) {
            if (!members_[s.members[to]].dead) push(s.queues[link(who, to)], message);
        }
        if (!done.violation.empty()) return names_.substr(who, 1) + ": " + done.violation;
        bool const sees = members_[done.member].core.applied() >= s.required[who];
        if (done.read_ready && !sees) return "a read misses a write that was answered before";
        return {};
    }

    void push(Id& queue, Id message) {
        std::vector<Id> q = queues_[queue];
        // What is on its way already is not said again: every message is either new, or says what
        // an older one said, and timers would make queues grow without end.
        if (std::find(q.begin(), q.end(), message) != q.end()) return;
        q.push_back(message);
        queue = queues_.put(digest_of_queue(q), q);
    }
    Id pop(Id& queue) {
        std::vector<Id> q = queues_[queue];
        Id const head = q.front();
        q.erase(q.begin());
        queue = queues_.put(digest_of_queue(q), q);
        return head;
    }

    std::string deliver(State& s, std::size_t from, std::size_t to) {
        Id const message = pop(s.queues[link(from, to)]);
        return apply(s, to, Receive{id_of(names_[from]), messages_[message]},
                     message_key + (static_cast<std::uint64_t>(from) << 28U) + message);
    }
    std::string deliver_all(State& s, std::size_t from, std::size_t to) {
        for (std::size_t n = queues_[s.queues[link(from, to)]].size(); n > 0; --n) {
            if (std::string bad = deliver(s, from, to); !bad.empty()) return bad;
        }
        return {};
    }
    std::string tick(State& s, std::size_t who) { return apply(s, who, Tick{}, tick_key); }

    std::string perform(State& s, Action const& a) {
        switch (a.kind) {
            case Kind::deliver:
                return scope_.burst ? deliver_all(s, a.a, a.b) : deliver(s, a.a, a.b);
            case Kind::tick:
                return tick(s, a.a);
            case Kind::write: {
                std::size_t const n = s.written[a.a]++;
                return apply(s, a.a, Submit{writes_[a.a][n]}, write_key + n);
            }
            case Kind::read:
                s.read = static_cast<std::uint8_t>(s.read | 1U << a.a);
                for (std::size_t i = 0; i < count(); ++i) {
                    s.required[a.a] =
                        std::max(s.required[a.a],
                                 static_cast<std::uint8_t>(members_[s.members[i]].answered));
                }
                return apply(s, a.a, Read{1}, read_key);
            case Kind::crash:
                crash(s, a.a);
                ++s.crashes;
                return {};
            case Kind::reconnect:
                ++s.reconnects;
                s.queues[link(a.a, a.b)] = s.queues[link(a.b, a.a)] = 0;
                for (auto const& [x, y] : {std::pair(a.a, a.b), std::pair(a.b, a.a)}) {
                    if (auto bad = apply(s, x, LinkDown{id_of(names_[y])}, down_key + y);
                        !bad.empty()) {
                        return bad;
                    }
                    s.queues[link(x, y)] = 0;
                }
                for (auto const& [x, y] : {std::pair(a.a, a.b), std::pair(a.b, a.a)}) {
                    if (auto bad = apply(s, x, LinkUp{id_of(names_[y])}, up_key + y);
                        !bad.empty()) {
                        return bad;
                    }
                }
                return {};
        }
        return {};
    }

    /// What it had sent is still on its way, and may or may not arrive.
    void crash(State& s, std::size_t who) {
        ExploredMember m = members_[s.members[who]];
        m.dead = true;
        Digest const digest = m.digest();
        s.members[who] = members_.put(digest, std::move(m));
        for (std::size_t i = 0; i < count(); ++i) s.queues[link(i, who)] = 0;
    }

    [[nodiscard]] std::vector<Action> actions(State const& s) const {
        std::vector<Action> all;
        auto const add = [&](Kind k, std::size_t a, std::size_t b = 0) {
            all.push_back({k, static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)});
        };
        for (std::size_t i = 0; i < count(); ++i) {
            for (std::size_t j = 0; j < count(); ++j) {
                if (i != j && s.queues[link(i, j)] != 0 && living(s, j)) add(Kind::deliver, i, j);
            }
        }
        for (std::size_t i = 0; i < count(); ++i) {
            if (!living(s, i)) continue;
            if (scope_.ticking.find(names_[i]) != std::string::npos) add(Kind::tick, i);
            bool const votes = members_[s.members[i]].core.voter();
            if (votes && s.written[i] < writes_[i].size()) add(Kind::write, i);
            bool const reads = scope_.readers.find(names_[i]) != std::string::npos;
            if (votes && reads && !((s.read >> i) & 1U)) add(Kind::read, i);
            bool const crashes = scope_.may_crash.find(names_[i]) != std::string::npos;
            if (crashes && s.crashes < scope_.crashes) add(Kind::crash, i);
            for (std::size_t j = i + 1; j < count(); ++j) {
                bool const breaks = scope_.may_reconnect.find(names_[i]) != std::string::npos &&
                                    scope_.may_reconnect.find(names_[j]) != std::string::npos;
                if (breaks && s.reconnects < scope_.reconnects && living(s, j)) {
                    add(Kind::reconnect, i, j);
                }
            }
        }
        return all;
    }
    [[nodiscard]] bool living(State const& s, std::size_t i) const {
        return !members_[s.members[i]].dead;
    }

    // --- what must hold in a state -----------------------------------------------------------
    std::string check(State const& s) {
        for (std::size_t i = 0; i < count(); ++i) {
            for (std::size_t j = i + 1; j < count(); ++j) {
                if (std::string const bad = agree(s.members[i], s.members[j]); !bad.empty()) {
                    return bad;
                }
            }
        }
        return {};
    }

    std::string const& agree(Id x, Id y) {
        std::uint64_t const key =
            static_cast<std::uint64_t>(std::min(x, y)) << 32U | std::max(x, y);
        auto const [at, is_new] = agreements_.try_emplace(key);
        if (is_new) at->second = ExploredMember::compare(members_[x], members_[y]);
        return at->second;
    }

    [[nodiscard]] bool out_of_scope(State const& s) const {
        for (std::size_t i = 0; i < count(); ++i) {
            Core const& c = members_[s.members[i]].core;
            if (c.epoch().value() > scope_.epochs) return true;
            if (round_of(c.acceptor().promised) > scope_.rounds) return true;
            if (c.delivered().value() > scope_.slots || c.seen().value() > scope_.slots) {
                return true;
            }
        }
        return false;
    }

    // --- can the living finish? --------------------------------------------------------------
    std::string settle(State& s) {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < count(); ++i) {
                for (std::size_t j = 0; j < count(); ++j) {
                    while (i != j && s.queues[link(i, j)] != 0 && living(s, j)) {
                        if (std::string bad = deliver(s, i, j); !bad.empty()) return bad;
                        moved = true;
                    }
                }
            }
        }
        return {};
    }

    [[nodiscard]] bool finished(State const& s) const {
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

    /// A majority lives of every configuration that one of the living is in. Those that are alone
    /// in a later epoch lead the others on.
    [[nodiscard]] bool should_finish(State const& s) const {
        Epoch newest;
        for (std::size_t i = 0; i < count(); ++i) {
            newest = std::max(newest, members_[s.members[i]].core.epoch());
        }
        for (std::size_t i = 0; i < count(); ++i) {
            Core const& c = members_[s.members[i]].core;
            if (!living(s, i) && c.epoch() < newest) continue;
            std::size_t lives = 0;
            for (std::size_t j = 0; j < count(); ++j) {
                if (living(s, j) && c.configuration().voter_index(id_of(names_[j]))) ++lives;
            }
            if (lives < c.configuration().majority()) return false;
        }
        return true;
    }

    std::string probe(State const& from) {
        for (std::size_t x = 0; x <= count(); ++x) {
            State s = from;
            if (x < count()) {
                if (!living(s, x)) continue;
                crash(s, x);
            }
            if (!should_finish(s)) continue;
            if (std::string bad = can_finish(s); !bad.empty()) {
                return bad + (x < count() ? ", if " + names_.substr(x, 1) + " crashes now" : "");
            }
        }
        return {};
    }

    std::string can_finish(State s) {
        constexpr int rounds = 40;
        std::vector<Digest> way;
        for (int round = 0; round < rounds; ++round) {
            if (!good_.contains(s.digest())) {
                way.push_back(s.digest());
                if (std::string bad = settle(s); !bad.empty()) return bad;
            } else {
                good_.insert(way.begin(), way.end());
                return {};
            }
            // A change on its way may yet make the dead one needed: 3 voters less one, one dead.
            if (finished(s) || !should_finish(s)) {
                good_.insert(way.begin(), way.end());
                return {};
            }
            for (std::size_t i = 0; i < count(); ++i) {
                if (!living(s, i)) continue;
                gossip(s, i);
                if (std::string bad = settle(s); !bad.empty()) return bad;
                if (std::string bad = tick(s, i); !bad.empty()) return bad;
                if (std::string bad = settle(s); !bad.empty()) return bad;
            }
        }
        return "the living cannot finish";
    }

    /// What pings do, for which time would have to pass: everybody hears where this voter stands.
    void gossip(State& s, std::size_t who) {
        Core const& core = members_[s.members[who]].core;
        if (!core.voter()) return;
        Vector const v = core.vector();
        auto const lane = core.configuration().lane_owned_by(core.me());
        Message const frame = Frame{v, lane ? v.upto[*lane] : Slot(0), {}};
        Id const id = messages_.put(digest_of(frame), frame);
        for (std::size_t to = 0; to < count(); ++to) {
            if (to != who && living(s, to)) push(s.queues[link(who, to)], id);
        }
    }

    // --- the search --------------------------------------------------------------------------
    void add(State const& s, std::uint32_t parent, Action action) {
        if (!seen_.insert(s.digest()).second) return;
        states_.push_back(s);
        parents_.push_back(parent);
        actions_.push_back(action);
    }

    void expand(std::size_t at) {
        State const s = states_[at];
        for (Action const& a : actions(s)) {
            State next = s;
            ++result_.steps;
            std::string bad = perform(next, a);
            if (bad.empty() && !seen_.contains(next.digest())) {
                bad = check(next);
                if (bad.empty() && out_of_scope(next)) continue;
                if (bad.empty() && scope_.probe) bad = probe(next);
            }
            if (!bad.empty()) return fail(at, a, bad);
            add(next, static_cast<std::uint32_t>(at), a);
        }
    }

    void fail(std::size_t at, Action last, std::string const& what) {
        result_.violation = what;
        std::vector<Action> way{last};
        for (auto i = static_cast<std::uint32_t>(at); parents_[i] != no_parent; i = parents_[i]) {
            way.push_back(actions_[i]);
        }
        State s = states_[0];
        for (auto a = way.rbegin(); a != way.rend(); ++a) {
            result_.path.push_back(describe(s, *a));
            (void)perform(s, *a);
        }
    }

    std::string describe(State const& s, Action const& a) const {
        std::string const who = names_.substr(a.a, 1);
        switch (a.kind) {
            case Kind::deliver: {
                Id const head = queues_[s.queues[link(a.a, a.b)]].front();
                return who + " -> " + names_.substr(a.b, 1) + " " + name_of(messages_[head]);
            }
            case Kind::tick:
                return "time passes at " + who;
            case Kind::write:
                return who + " submits " + std::string(writes_[a.a][s.written[a.a]].view());
            case Kind::read:
                return who + " reads";
            case Kind::crash:
                return "crash " + who;
            case Kind::reconnect:
                return "the link " + who + "-" + names_.substr(a.b, 1) + " breaks and comes back";
        }
        return {};
    }

    struct MemoHash {
        std::size_t operator()(std::pair<Id, std::uint64_t> const& k) const noexcept {
            return (k.first * 0x9E3779B97F4A7C15U) ^ (k.second * 0xC2B2AE3D27D4EB4FU);
        }
    };

    Scope scope_;
    std::string names_;
    std::array<std::vector<Bytes>, members_max> writes_;
    std::uint64_t commands_ = 0;
    Interned<ExploredMember> members_;
    Interned<Message> messages_;
    Interned<std::vector<Id>> queues_;
    std::unordered_map<std::pair<Id, std::uint64_t>, Stepped, MemoHash> memo_;
    std::unordered_map<std::uint64_t, std::string> agreements_;
    std::unordered_set<Digest, DigestHash> seen_;
    std::unordered_set<Digest, DigestHash> good_;  // from here the living finish
    std::vector<State> states_;
    std::vector<std::uint32_t> parents_;
    std::vector<Action> actions_;
    Exploration result_;
};

}  // namespace

Exploration explore(Scope const& scope) {
    return Explorer(scope).run();
}

}  // namespace doozer::sim
