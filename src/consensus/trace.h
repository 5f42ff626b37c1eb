// What the core reports for people and checkers: why it ignored inputs, and the events of an epoch.
#pragma once

#include <cstdint>

#include "consensus/types.h"

namespace doozer::consensus {

/// Why an input changed nothing (or a part of it did not).
enum class Ignored : std::uint8_t {
    unknown_link,    // from a peer without a link
    not_greeted,     // before the HELLO of its link
    other_lineage,   // another cluster
    malformed,       // no member that follows the protocol says this
    epoch_over,      // of an epoch that has ended here
    epoch_ahead,     // of an epoch that has not begun here
    not_a_voter,     // from, or at, a member that has no vote in this epoch
    not_an_owner,    // items from a voter without a lane, or a forward to one
    closed,          // this voter has promised a seal of the epoch
    gap,             // something before it is missing
    stale_ballot,    // a higher ballot was promised
    stale_answer,    // to a question that is not asked any more
    behind_base,     // a seal whose base is not delivered yet
    nothing_new,     // known already
    queue_full,      // a bound of limits.h is reached
    bad_snapshot,    // bytes that are no snapshot
    does_not_count,  // a delivered batch that is a copy, or whose origin is no voter
    resurrected,     // from a process that was set back to an earlier moment
};

/// Something that people and checkers want to know happened.
enum class Happened : std::uint8_t {
    entered_epoch,  // value: number of owners
    suspected,      // asked to close the epoch; value: 1 + the slot it waits for
    prepared,       // value: the ballot
    sealed,         // a seal was decided here; value: the ballot
    caught_up,      // an epoch was ended by catching up
    snapshot_installed,
    demotion_proposed,     // value: the lane
    readmission_proposed,  // value: index of the voter
    removed,               // this member is no voter any more
    diverged,              // no majority can have this voter's copy: stop serving
    resurrected,           // a peer knows less than it once said: it was set back, and is not heard
    forced,                // this member is a cluster of its own now; value: promises it got
    left_behind,           // the cluster was forced on without this voter: start it anew
    forgot,                // a follower takes its copy anew from the survivor of a force
    copy_dropped,          // a follower's copy differs from the voters': it takes it anew
};
struct TraceEvent {
    Happened what;
    Epoch epoch;
    std::uint64_t value = 0;
};

char const* name_of(Ignored reason);
char const* name_of(Happened what);

}  // namespace doozer::consensus
