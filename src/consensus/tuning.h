// Times and sizes. None of them bears on safety. Source: docs/consensus.md, Times.
#pragma once

#include "base/limits.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// A living member is heard within so long by every peer that it has a link to, even if it has
/// nothing to say but pings.
inline constexpr Duration heard_within = milliseconds(1500);

struct Tuning {
    Duration suspicion_floor = milliseconds(10);
    Duration suspicion_cap = milliseconds(100);  // -fill
    Duration kick_after = seconds(60);           // -timeout
    Duration ping_every = milliseconds(200);
    Duration tell_within = microseconds(500);
    Duration fetch_patience = milliseconds(500);  // then somebody else is asked
    Duration piece_patience = seconds(5);         // the same for pieces of a snapshot
    Duration park_after = milliseconds(5);
    Duration force_within = seconds(2);     // how long survivors are waited for
    Duration strangers_after = seconds(1);  // without a majority; then non-voters are believed
    Duration self_doubt_max = seconds(1);
    Duration readmit_after = seconds(1);
    Duration readmit_after_max = seconds(60);
    Duration flapping_within = seconds(600);
    bool choose_owners = true;  // demote slow owners, let healthy voters in again
    Duration slow_owner_floor = milliseconds(1);
    std::uint64_t slow_owner_items = 100;  // how many to watch before an owner is called slow
    std::uint64_t park_ahead = 65'536;     // LEAD
    std::size_t window_batches = lane_window_batches;
    std::size_t window_bytes = lane_window_bytes;
    std::size_t stream_bytes = lane_stream_bytes;
    std::uint64_t pieces_ahead = snapshot_pieces_ahead;
    std::size_t log_bytes = log_bytes_default;
    std::size_t decided_bytes = decided_bytes_max;

    DOOZER_FIELDS(suspicion_floor, suspicion_cap, kick_after, ping_every, tell_within,
                  fetch_patience, piece_patience, park_after, force_within, strangers_after,
                  self_doubt_max, readmit_after, readmit_after_max, flapping_within, choose_owners,
                  slow_owner_floor, slow_owner_items, park_ahead, window_batches, window_bytes,
                  stream_bytes, pieces_ahead, log_bytes, decided_bytes);
};

}  // namespace doozer::consensus
