// One member in the explorer, the real core and its store; and the facts that all members together
// have ever seen. Facts only grow, so that a contradiction once made stands in every later state.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "consensus/core_invariants.h"
#include "sim/key_value.h"

namespace doozer::sim {

/// Takes out of a core what it knows and will never ask for, so that cores that do the same from
/// now on are equal. Only ever to less: a peer must not seem to have said more than it has. The
/// explorer makes every step with a core that was not treated so as well, and compares.
struct NormalForm {
    bool tells = false;  // news go out before their time has come: time does not stand still
    bool trims = false;  // the log may be cut, so it matters who still needs it

    void make(Core& core) const {
        for (auto& [id, peer] : std::get<std::map<MemberId, Peer>&>(base::FieldAccess::of(core))) {
            learn_less(core, peer.vector);
            Vector told;  // is compared with news, of which only these count
            told.upto = peer.told.upto;
            told.seen = peer.told.seen;
            // One who owns no lane is never busy, and busy members alone tell news at once.
            peer.told = tells || core.owner() ? told : Vector{};
            if (!tells) peer.tell_by = never;
            if (!trims) peer.pinned.reset();
        }
    }

  private:
    static void learn_less(Core const& core, Vector& v) {
        v.seen = Slot(0);  // taken over when it is heard
        v.closed = false;
        if (v.epoch < core.epoch()) v = Vector{};
        if (v.epoch != core.epoch()) return;
        if (v.delivered <= core.delivered()) v.delivered = Slot(0);
        std::uint64_t const lanes = core.lanes();
        for (Lane l = 0; l < v.upto.size() && v.upto.size() == lanes; ++l) {
            // Votes are for undelivered slots of this lane.
            std::uint64_t const upto = v.upto[l].value();
            v.upto[l] = upto <= l ? Slot(0) : Slot(upto - (upto - 1 - l) % lanes);
            if (v.upto[l] <= core.delivered()) v.upto[l] = Slot(0);
        }
    }
};

struct ExploredMember {
    Core core;  // in normal form
    KeyValue store;
    bool dead = false;
    Core natural;  // one of those that have this normal form

    /// Of the dead only the epoch counts: they do nothing more, and their facts are kept apart.
    [[nodiscard]] Digest digest() const {
        Hasher h;
        h.word(dead ? 1 : 0);
        if (dead) {
            feed_all(h, core.me(), core.configuration());
        } else {
            feed_all(h, core, store);
        }
        return h.digest();
    }
};

/// What was seen by anybody, and must not be seen otherwise by anybody else.
struct Facts {
    std::map<std::pair<Epoch, Slot>, Digest> items;    // I2: in lanes, seals, promises and runs
    std::map<std::pair<Epoch, Ballot>, Digest> seals;  // I4: accepted by somebody
    std::map<Epoch, Digest> configurations;            // I5
    std::map<Epoch, std::uint64_t> beginnings;         // I8: the state with which it was entered
    std::map<Revision, std::uint64_t> chains;          // I6: the state after each change
    std::map<std::uint64_t, Revision> commands;        // I11: where each write was applied

    void feed_to(Hasher& h) const {
        feed_all(h, items, seals, configurations, beginnings, chains, commands);
    }
    [[nodiscard]] Digest digest() const {
        Hasher h;
        feed(h, *this);
        return h.digest();
    }

    void note(Epoch epoch, Items const& found) {
        for (Item const& item : found) {
            Hasher h;
            feed(h, item.batch);
            items[{epoch, item.slot}] = h.digest();
        }
    }
    void note(Message const& message) {
        Epoch const epoch = vector_of(message).epoch;
        if (auto const* frame = std::get_if<Frame>(&message)) note(epoch, frame->items);
        if (auto const* promise = std::get_if<Promise>(&message)) note(epoch, promise->items);
        if (auto const* run = std::get_if<Decided>(&message)) note(run->epoch, run->items);
        if (auto const* sealed = std::get_if<Sealed>(&message)) note(epoch, sealed->value->items);
    }
    /// To be called after every step. `entered`: the step has begun this epoch.
    void note(ExploredMember const& m, bool entered) {
        Core const& core = m.core;
        if (core.epoch() == Epoch(0)) return;
        Hasher c;
        feed(c, core.configuration());
        configurations[core.epoch()] = c.digest();
        chains[m.store.revision()] = m.store.chain();
        if (entered && core.delivered() == Slot(0)) beginnings[core.epoch()] = m.store.chain();
        for (Lane l = 0; l < core.lanes(); ++l) note(core.epoch(), core.lane(l).items());
        if (!core.acceptor().value) return;
        Hasher h;
        feed(h, core.acceptor().value);
        seals[{core.epoch(), core.acceptor().accepted}] = h.digest();
        note(core.epoch(), core.acceptor().value->items);
    }

    /// Takes over what `more` knows. Returns what the two contradict each other in, or nothing.
    std::string join(Facts const& more) {
        if (!join_one(items, more.items)) return "I2: two batches in one slot";
        if (!join_one(seals, more.seals)) return "I4: one ballot with two values";
        if (!join_one(chains, more.chains)) return "I6: two members apply different changes";
        if (!join_one(configurations, more.configurations)) {
            return "I5: an epoch begins in two ways";
        }
        if (!join_one(beginnings, more.beginnings)) {
            return "I8: an epoch is begun without all of the one before";
        }
        if (!join_one(commands, more.commands)) return "I11: a write is applied twice";
        return {};
    }

  private:
    template <typename Map>
    static bool join_one(Map& all, Map const& more) {
        bool agree = true;
        for (auto const& [where, what] : more) {
            agree = all.try_emplace(where, what).first->second == what && agree;
        }
        return agree;
    }
};

}  // namespace doozer::sim
