// What a member that follows the protocol could have sent. The core refuses all else as malformed.
#pragma once

#include "consensus/message.h"

namespace doozer::consensus {

inline bool strictly_sorted(MemberIds const& ids) {
    return std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end();
}

inline bool valid_owners(MemberIds const& voters, MemberIds const& owners) {
    return !owners.empty() && strictly_sorted(owners) &&
           std::includes(voters.begin(), voters.end(), owners.begin(), owners.end());
}

/// A configuration of an epoch that has begun.
inline bool valid(Configuration const& c) {
    return c.epoch > Epoch(0) && !c.voters.empty() && c.voters.size() <= voters_max &&
           strictly_sorted(c.voters) && valid_owners(c.voters, c.owners);
}

/// Items strictly in order, in slots of [from, upto), each with a batch.
inline bool valid(Items const& items, Slot from, Slot upto) {
    for (Item const& i : items) {
        if (!i.batch || i.slot < from || i.slot >= upto) return false;
        from = i.slot.next();
    }
    return true;
}

/// Items strictly in order, each below where its lane ends.
inline bool valid(Configuration const& c, Items const& items, Slot from, Frontier const& upto) {
    for (Item const& i : items) {
        if (!i.batch || i.slot < from || i.slot >= upto[c.lane_of(i.slot)]) return false;
        from = i.slot.next();
    }
    return true;
}

inline bool valid(Configuration const& c, SealValue const& v) {
    return v.upto.size() == c.owners.size() && valid_owners(c.voters, v.owners) &&
           valid(c, v.items, v.base, v.upto);
}

}  // namespace doozer::consensus
