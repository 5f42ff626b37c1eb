#include "consensus/seal.h"

namespace doozer::consensus {

namespace {

/// The accepted value of the highest ballot; null if no voter in the quorum has accepted one.
/// Voters outside the quorum may have accepted it, too, so that a majority has: a proposes V in
/// ballot 8, a and b accept, and a begins the next epoch. If c, with promises of b and c, took no
/// notice of V, the epoch would end in two ways. Lamport, Paxos Made Simple.
SealValuePtr inherited_value(std::map<std::size_t, Promise> const& promises) {
    Promise const* best = nullptr;
    for (auto const& [voter, promise] : promises) {
        if (!promise.value) continue;
        if (!best || promise.accepted > best->accepted) best = &promise;
    }
    return best ? best->value : nullptr;
}

/// The owners that remain: all but those that a voter waited for and that did not promise. With a
/// dead owner in it the next epoch would wait for the same lane, and one seal would follow another.
MemberIds remaining_owners(Configuration const& c, Ballot ballot,
                           std::map<std::size_t, Promise> const& promises) {
    MemberIds owners;
    for (Lane lane = 0; lane < c.owners.size(); ++lane) {
        bool const answered = promises.contains(*c.voter_index(c.owners[lane]));
        bool const blocked = std::any_of(promises.begin(), promises.end(), [&](auto const& p) {
            return p.second.blocked.contains(lane);
        });
        if (answered || !blocked) owners.push_back(c.owners[lane]);
    }
    if (owners.empty()) owners.push_back(c.voters[voter_of(ballot)]);
    return owners;
}

}  // namespace

SealValuePtr choose_value(Configuration const& c, Ballot ballot,
                          std::map<std::size_t, Promise> const& promises) {
    DOOZER_ASSERT(promises.size() >= c.majority() || (is_fence(ballot) && !promises.empty()));
    if (SealValuePtr inherited = inherited_value(promises)) return inherited;

    SealValue value;
    value.tag = ballot;
    value.owners = remaining_owners(c, ballot, promises);
    value.upto = promises.begin()->second.vector.upto;
    value.base = promises.begin()->second.vector.delivered;
    std::map<Slot, Batch> items;
    for (auto const& [voter, promise] : promises) {
        Vector const& v = promise.vector;
        // The largest: everything below it is decided, and a voter that has delivered it drops the
        // items from its lanes. With the smallest: b has delivered nothing, c has delivered slots 0
        // to 3. Nobody reports their items, so the value would say that these slots are empty.
        value.base = std::max(value.base, v.delivered);
        // Copies of a lane are prefixes of one stream, so the longest holds everything that a
        // majority could have chosen. With the shortest: a and b have x in slot 0, which is chosen
        // and answered; c seals with b and itself, has no x, and x is lost.
        for (Lane l = 0; l < value.upto.size(); ++l) {
            value.upto[l] = std::max(value.upto[l], v.upto[l]);
        }
        for (Item const& item : promise.items) items.emplace(item.slot, item.batch);
    }
    for (auto const& [slot, batch] : items) {
        if (slot < value.base || slot >= value.upto[c.lane_of(slot)]) continue;
        value.items.push_back({slot, batch});
    }
    return std::make_shared<SealValue const>(std::move(value));
}

Configuration after_change(Configuration const& ended, MemberIds voters) {
    DOOZER_ASSERT(!voters.empty() && voters.size() <= voters_max);
    DOOZER_ASSERT(std::is_sorted(voters.begin(), voters.end()));
    Configuration next{ended.lineage, ended.epoch.next(), std::move(voters), {}};
    for (MemberId const id : next.voters) {
        bool const is_new = !ended.voter_index(id);
        if (is_new || ended.lane_owned_by(id)) next.owners.push_back(id);
    }
    if (next.owners.empty()) next.owners = next.voters;
    return next;
}

Configuration with_owners(Configuration const& ended, MemberIds owners) {
    DOOZER_ASSERT(!owners.empty());
    return {ended.lineage, ended.epoch.next(), ended.voters, std::move(owners)};
}

}  // namespace doozer::consensus
