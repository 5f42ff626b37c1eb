#include "sim/explorer.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "sim/explored_cluster.h"

namespace doozer::sim {

namespace {

using Kind = Action::Kind;

/// Breadth first. Of a state that was looked at there remain its digest and how it was come by.
class Explorer {
  public:
    explicit Explorer(Scope const& scope) : scope_(scope), cluster_(scope) {}

    Exploration run() {
        ClusterState first;
        result_.violation = cluster_.start(first);
        first_ = first;
        (void)add(first, no_state, {});
        std::size_t level_end = seen_.size();
        for (std::uint32_t at = 0; at < seen_.size() && result_.violation.empty(); ++at) {
            if (at == level_end) {
                ++result_.depth;
                if (scope_.progress) {
                    scope_.progress(result_.depth, seen_.size(), seen_.size() - level_end);
                }
                level_end = seen_.size();
            }
            if (seen_.size() > scope_.states_max) break;
            ClusterState const s = waiting_.front();
            waiting_.pop_front();
            expand(at, s);
        }
        result_.states = seen_.size();
        result_.members = cluster_.different_members();
        result_.exhausted = result_.violation.empty() && waiting_.empty();
        if (result_.exhausted) check_deliveries_end();
        return std::move(result_);
    }

  private:
    static constexpr std::uint32_t no_state = DigestSet::none;
    /// How a state was come by first; and the state that follows by its first delivery.
    struct Way {
        std::uint32_t parent = no_state;
        std::uint32_t next = no_state;
        Action by;
    };

    /// The number of the state.
    std::uint32_t add(ClusterState const& s, std::uint32_t parent, Action by) {
        auto const [number, is_new] = seen_.insert(s.digest());
        if (is_new) {
            waiting_.push_back(s);
            ways_.push_back({parent, no_state, by});
        }
        return number;
    }

    void expand(std::uint32_t at, ClusterState const& s) {
        std::optional<Action> delivered;
        cluster_.actions(s, todo_);
        for (Action const& a : todo_) {
            ClusterState next = s;
            ++result_.steps;
            std::string const bad = cluster_.perform(next, a);
            if (!bad.empty()) return fail(at, a, bad);
            if (cluster_.out_of_scope(next)) continue;
            std::uint32_t const number = add(next, at, a);
            if (a.kind == Kind::deliver && !delivered) {
                delivered = a;
                ways_[at].next = number;
            }
        }
        if (!scope_.probe) return;
        if (std::string const bad = probe(s, delivered); !bad.empty()) fail(at, {}, bad);
    }

    // --- can the living finish? ------------------------------------------------------------------
    /// Now, and if one more crashes now. Where a delivery leads to another state of the search, the
    /// question is put there: whoever can finish behind a delivery can finish before it, and a
    /// delivery to one member and the crash of another may come in either order. Where a crash
    /// leads to another state of the search, likewise.
    std::string probe(ClusterState const& s, std::optional<Action> const& delivered) {
        if (!delivered) {
            if (std::string bad = can_finish(s); !bad.empty()) return bad;
        }
        for (std::size_t x = 0; x < cluster_.count(); ++x) {
            if (!cluster_.living(s, x) || (delivered && delivered->b != x)) continue;
            bool const explored = std::any_of(todo_.begin(), todo_.end(), [&](Action const& a) {
                return a.kind == Kind::crash && a.a == x;
            });
            if (explored) continue;
            ClusterState less = s;
            cluster_.crash(less, x);
            if (std::string bad = can_finish(less); !bad.empty()) {
                return bad + ", if " + cluster_.name(x) + " crashes now";
            }
        }
        return {};
    }

    std::string can_finish(ClusterState s) {
        constexpr int rounds = 40;
        if (!cluster_.should_finish(s)) return {};
        std::vector<Digest> way;
        for (int round = 0; round < rounds; ++round) {
            if (std::string bad = cluster_.settle(s); !bad.empty()) return bad;
            Digest const digest = s.digest();
            bool const known = good_.find(digest) != DigestSet::none;
            // A change on its way may yet make the dead one needed: 3 voters less one, one dead.
            if (known || cluster_.finished(s) || !cluster_.should_finish(s)) {
                if (!known) way.push_back(digest);
                for (Digest const& d : way) good_.insert(d);
                return {};
            }
            way.push_back(digest);
            for (std::size_t i = 0; i < cluster_.count(); ++i) {
                if (!cluster_.living(s, i)) continue;
                cluster_.gossip(s, i);
                if (std::string bad = cluster_.settle(s); !bad.empty()) return bad;
                if (std::string bad = cluster_.tick(s, i); !bad.empty()) return bad;
                if (std::string bad = cluster_.settle(s); !bad.empty()) return bad;
            }
        }
        return "the living cannot finish";
    }

    /// The question was handed on from delivery to delivery: so these must come to an end.
    void check_deliveries_end() {
        std::vector<std::uint8_t> done(seen_.size(), 0);
        for (std::uint32_t i = 0; i < seen_.size(); ++i) {
            std::uint32_t at = i;
            for (; at != no_state && done[at] == 0; at = ways_[at].next) done[at] = 1;
            if (at != no_state && done[at] == 1) return fail(at, {}, "messages without end");
            for (at = i; at != no_state && done[at] == 1; at = ways_[at].next) done[at] = 2;
        }
    }

    // --- the way to a violation ----------------------------------------------------------------
    /// `last`: what was done in state `at`; a delivery from a member to itself: nothing.
    void fail(std::uint32_t at, Action last, std::string const& what) {
        result_.violation = what;
        std::vector<Action> way;
        for (std::uint32_t i = at; ways_[i].parent != no_state; i = ways_[i].parent) {
            way.push_back(ways_[i].by);
        }
        std::reverse(way.begin(), way.end());
        if (last.kind != Kind::deliver || last.a != last.b) way.push_back(last);
        ClusterState s = first_;
        for (Action const& a : way) {
            result_.path.push_back(cluster_.describe(s, a));
            (void)cluster_.perform(s, a);
        }
    }

    Scope scope_;
    ExploredCluster cluster_;
    DigestSet seen_;
    DigestSet good_;  // settled, and from here the living finish
    Chunked<Way> ways_;
    std::deque<ClusterState> waiting_;  // seen and not looked at
    ClusterState first_;
    std::vector<Action> todo_;
    Exploration result_;
};

}  // namespace

Exploration explore(Scope const& scope) {
    return Explorer(scope).run();
}

}  // namespace doozer::sim
