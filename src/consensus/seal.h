// The seal: one single-decree Paxos per epoch, by which the voters agree on the final contents of
// all lanes and on the owners of the next epoch. Source: docs/consensus.md, R8 Seal.
#pragma once

#include <map>
#include <variant>

#include "consensus/message.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// The ballot of a voter's round. Those of different voters are never equal.
inline Ballot ballot_of(std::uint64_t round, std::size_t voter) {
    DOOZER_ASSERT(round >= 1 && voter < voters_max);
    return Ballot(round << 3U | voter);
}
inline std::uint64_t round_of(Ballot b) {
    return b.value() >> 3U;
}
inline std::size_t voter_of(Ballot b) {
    return b.value() & 7U;
}

/// A ballot of this round is a fence, for an operator's survivor: a voter that promises it never
/// takes part in sealing the epoch again. No ordinary round gets there.
inline constexpr std::uint64_t fence_round = std::uint64_t{1} << 60U;
inline bool is_fence(Ballot b) {
    return round_of(b) >= fence_round;
}

/// What this voter has promised and accepted in this epoch.
struct Acceptor {
    Ballot promised;  // above 0: closed, no lane of this epoch moves here any more
    Ballot accepted;
    SealValuePtr value;  // accepted at `accepted`
    DOOZER_FIELDS(promised, accepted, value);
};

/// A voter that tries to close the epoch is in one of these phases.
struct Canvassing {
    IndexSet yes;
    DOOZER_FIELDS(yes);
};
struct Preparing {
    Ballot ballot;
    std::map<std::size_t, Promise> promises;  // by voter
    DOOZER_FIELDS(ballot, promises);
};
struct Accepting {
    Ballot ballot;
    SealValuePtr value;
    IndexSet accepted;
    DOOZER_FIELDS(ballot, value, accepted);
};
using Sealer = std::variant<std::monostate, Canvassing, Preparing, Accepting>;

/// The one value that the owner of `ballot` may propose after these promises. REQUIRES: promises of
/// a majority, or, with a fence, of all voters within reach; each with a vector of as many lanes as
/// there are owners.
SealValuePtr choose_value(Configuration const& configuration, Ballot ballot,
                          std::map<std::size_t, Promise> const& promises);

/// The configuration of the next epoch after a stop sign that made `voters` the voters. The owners
/// are the old ones that still vote, and the new voters. Source: docs/consensus.md,
/// R10 End of an epoch.
Configuration after_change(Configuration const& ended, MemberIds voters);
/// The same voters with other owners.
Configuration with_owners(Configuration const& ended, MemberIds owners);

}  // namespace doozer::consensus
