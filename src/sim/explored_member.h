// One member in the explorer: the real core, its store, and what it has ever seen. Such facts only
// grow, so that two members who were once of different opinion are so in every later state too.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "consensus/core_invariants.h"
#include "sim/key_value.h"

namespace doozer::sim {

struct ExploredMember {
    Core core;
    KeyValue store;
    bool dead = false;
    std::uint64_t applied_ids = 0;      // one bit for each write
    std::uint64_t answered = 0;         // batches applied when it last answered a write of its own
    std::vector<std::uint64_t> chains;  // after each change; 0: came with a snapshot
    std::vector<Digest> epochs;         // the configurations it went through
    std::map<std::pair<Epoch, Slot>, Digest> items;    // what it saw in slots
    std::map<std::pair<Epoch, Ballot>, Digest> seals;  // what it accepted

    [[nodiscard]] Digest digest() const {
        Hasher h;
        feed_all(h, core, store, dead, applied_ids, answered);
        for (std::uint64_t const c : chains) h.word(c);
        for (Digest const& d : epochs) feed(h, d);
        for (auto const& [where, d] : items) feed_all(h, where.first, where.second, d);
        for (auto const& [where, d] : seals) feed_all(h, where.first, where.second, d);
        return h.digest();
    }

    /// To be called after every step.
    void note_facts() {
        Hasher c;
        feed(c, core.configuration());
        auto const epoch = static_cast<std::size_t>(core.epoch().value());
        if (epochs.size() <= epoch) epochs.resize(epoch + 1);
        epochs[epoch] = c.digest();
        for (Lane l = 0; l < core.lanes(); ++l) {
            for (Item const& item : core.lane(l).items()) {
                Hasher h;
                feed(h, item.batch);
                items[{core.epoch(), item.slot}] = h.digest();
            }
        }
        if (!core.acceptor().value) return;
        Hasher h;
        feed(h, core.acceptor().value);
        seals[{core.epoch(), core.acceptor().accepted}] = h.digest();
    }

    /// Empty, or in what these two differ.
    static std::string compare(ExploredMember const& a, ExploredMember const& b) {
        for (std::size_t i = 0; i < std::min(a.chains.size(), b.chains.size()); ++i) {
            bool const both_know = a.chains[i] != 0 && b.chains[i] != 0;
            if (both_know && a.chains[i] != b.chains[i]) {
                return "I6: two members apply different changes";
            }
        }
        for (std::size_t e = 0; e < std::min(a.epochs.size(), b.epochs.size()); ++e) {
            bool const both_know = a.epochs[e] != Digest{} && b.epochs[e] != Digest{};
            if (both_know && a.epochs[e] != b.epochs[e]) return "I5: an epoch begins in two ways";
        }
        if (!same_where_both(a.items, b.items)) return "I2: two batches in one slot";
        if (!same_where_both(a.seals, b.seals)) return "I4: one ballot with two values";
        return {};
    }

  private:
    template <typename Map>
    static bool same_where_both(Map const& a, Map const& b) {
        return std::all_of(a.begin(), a.end(), [&](auto const& fact) {
            auto const other = b.find(fact.first);
            return other == b.end() || other->second == fact.second;
        });
    }
};

}  // namespace doozer::sim
