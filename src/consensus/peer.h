// What a member knows of another one.
#pragma once

#include <deque>

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

/// What a voter says of its copy: the fingerprint after so many batches.
struct CopyWord {
    std::uint64_t applied = 0;
    std::uint64_t fingerprint = 0;
    DOOZER_FIELDS(applied, fingerprint);
};

/// An item of this member's lane that a peer was sent and has not acknowledged.
struct OnItsWay {
    Slot upto;
    std::size_t weight = 0;
    DOOZER_FIELDS(upto, weight);
};

struct Peer {
    bool linked = false;
    bool greeted = false;      // its HELLO has come on this link
    bool judged = false;       // the first HELLO of this link was compared with `vector`
    bool resurrected = false;  // went back in time; heard again once it is in a later epoch
    Vector vector;             // the newest heard: its row in docs/consensus.md, Terms: vector
    Instant heard;             // when anything came last
                               // --- what was sent to it
    Slot streamed;             // it has my lane of this epoch below this, or gets it by this link
    std::deque<OnItsWay> on_way;   // the items of it that are not acknowledged, in order
    std::size_t on_way_bytes = 0;  // their sum
    Instant stream_moved;          // when it last acknowledged an item, or had none to acknowledge
    bool needs_log = false;        // it was told of a gap, and will ask
    Vector told;                   // my vector as I sent it last
    bool owed_vote = false;        // it owns a lane whose items I just accepted
    Instant tell_by = never;       // when it gets news that are no vote for it
    std::optional<Fetch> waiting;  // a follower's question, to be answered when there is news
    std::optional<Position> pinned;  // the log is kept from here on while it catches up
    std::optional<Giving> giving;
    std::uint64_t given = 0;  // the snapshot of which it got the last piece
    // --- how well it does
    Duration srtt;  // 0: not measured
    Duration jitter;
    IndexSet silent;  // the voters of this epoch that it has not heard for the kick time
    Instant healthy_since = never;
    // --- whether its copy is like this one; of voters only
    std::optional<CopyWord> claim;  // to be compared when this copy has applied as many batches
    bool differs = false;           // as of the last word that could be compared
    std::uint64_t agreed = 0;       // its copy was like this one after so many batches

    DOOZER_FIELDS(linked, greeted, judged, resurrected, vector, heard, streamed, on_way,
                  on_way_bytes, stream_moved, needs_log, told, owed_vote, tell_by, waiting, pinned,
                  giving, given, srtt, jitter, silent, healthy_since, claim, differs, agreed);

    /// Sends the lane of this member anew from here on: what was on its way is lost.
    void stream_from(Slot from) {
        streamed = from;
        on_way.clear();
        on_way_bytes = 0;
        needs_log = false;
    }

    /// Whether the sender of `v`, the vector of a HELLO, was set back to an earlier state of
    /// itself: it said more than `v` before, and no living process forgets.
    ///
    /// Only the first HELLO of a link is evidence. Everything heard before it came over links that
    /// had ended at the sender when it said this one. A later HELLO proves nothing: a link has two
    /// connections, and what the sender says after the HELLO may overtake it on the other one. If
    /// it counted, a healthy member would be shut out. In a later epoch nothing counts that the
    /// sender may have forgotten, so it is heard again.
    [[nodiscard]] bool judge(Vector const& v) {
        bool const first = !judged;
        judged = true;
        if (v.epoch == Epoch(0)) return resurrected;  // it holds no copy, and says so
        if (v.epoch > vector.epoch) {
            resurrected = false;
        } else if (first && said_more_than(v)) {
            resurrected = true;
        }
        return resurrected;
    }

    /// Whether it once said more than `v`.
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
