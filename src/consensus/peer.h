// What a member knows of another one.
#pragma once

#include "consensus/log.h"
#include "consensus/message.h"

namespace doozer::consensus {

/// A snapshot on its way to a peer, which asks for one piece after the other.
struct Giving {
    std::uint64_t number = 0;
    std::uint64_t next = 0;
    Instant asked;  // when it asked last
    DOOZER_FIELDS(number, next, asked);
};

struct Peer {
    bool linked = false;
    bool greeted = false;      // its HELLO has come on this link
    bool resurrected = false;  // went back in time: a copy of an old process, never heard again
    Vector vector;             // the newest heard: row A[m] of consensus.md
    Instant heard;             // when anything came last
    // --- what was sent to it
    Slot streamed;                 // it has my lane of this epoch up to here, or will by this link
    Vector told;                   // my vector as it went out last
    bool owed_vote = false;        // it owns a lane whose items I just accepted
    Instant tell_by = never;       // when news that are nobody's business in particular go out
    std::optional<Fetch> waiting;  // asked by one who is no voter, to be answered with news
    std::optional<Position> pinned;  // the log is kept from here on while it catches up
    std::optional<Giving> giving;
    // --- how well it does
    Duration srtt;  // 0: not measured
    Duration jitter;
    IndexSet silent;  // the voters of this epoch it has not heard of for the kick time
    Instant healthy_since = never;

    DOOZER_FIELDS(linked, greeted, resurrected, vector, heard, streamed, told, owed_vote, tell_by,
                  waiting, pinned, giving, srtt, jitter, silent, healthy_since);

    /// Whether it once said more than `v`, which no living process forgets.
    [[nodiscard]] bool said_more_than(Vector const& v) const {
        if (v.epoch != vector.epoch) return v.epoch < vector.epoch;
        bool const back = v.delivered < vector.delivered || v.seen < vector.seen ||
                          (vector.closed && !v.closed) || v.upto.size() != vector.upto.size();
        if (back) return true;
        for (Lane l = 0; l < v.upto.size(); ++l) {
            if (v.upto[l] < vector.upto[l]) return true;
        }
        return false;
    }

    /// Takes over what is newer in `v`.
    void learn(Vector const& v) {
        if (v.epoch < vector.epoch) return;
        if (v.epoch > vector.epoch || v.upto.size() != vector.upto.size()) {
            vector = v;
            return;
        }
        vector.delivered = std::max(vector.delivered, v.delivered);
        vector.seen = std::max(vector.seen, v.seen);
        vector.closed = vector.closed || v.closed;
        for (Lane l = 0; l < v.upto.size(); ++l) {
            vector.upto[l] = std::max(vector.upto[l], v.upto[l]);
        }
    }
};

}  // namespace doozer::consensus
