// R1 propose, R2 skip, R3 accept, R6 flush: the lanes, while the epoch is open.
#include "consensus/core.h"
#include "consensus/validity.h"

namespace doozer::consensus {

/// R1. Own batches first, then those of voters that own no lane.
void Core::propose(Turn& t) {
    if (!my_lane_ || !open()) return;
    if (control_ && !control_offered_ && window_open()) {
        control_offered_ = true;  // and never again: in another epoch it means nothing
        propose_one(*control_);
    }
    while (offered_ < own_.size() && window_open()) propose_one(own_[offered_++]);
    while (!forwarded_.empty() && window_open()) {
        propose_one(std::move(forwarded_.front()));
        forwarded_.erase(forwarded_.begin());
    }
    if (lanes_[*my_lane_].has_items()) own_busy_ = t.now;
}

bool Core::window_open() const {
    LaneCopy const& mine = lanes_[*my_lane_];
    return mine.items().size() < tuning_.window_batches && mine.weight() < tuning_.window_bytes;
}

void Core::propose_one(Batch batch) {
    LaneCopy& mine = lanes_[*my_lane_];
    std::uint64_t const lanes = lanes_.size();
    std::uint64_t const at = mine.upto().value();
    Slot const slot(at + (*my_lane_ + lanes - at % lanes) % lanes);
    DOOZER_ASSERT(configuration_.lane_of(slot) == *my_lane_);
    DOOZER_ASSERT(slot >= delivered_);
    mine.put(slot, std::move(batch));  // our own vote for it
    seen_ = std::max(seen_, slot.next());
}

/// R2. Final: no item of ours will ever stand below. An idle owner parks far ahead, so that others
/// need not hear from it for their next batches.
void Core::skip(Turn& t) {
    if (!my_lane_ || !open()) return;
    LaneCopy& mine = lanes_[*my_lane_];
    Slot want = seen_;
    bool const idle = !mine.has_items() && offered_ == own_.size() && forwarded_.empty() &&
                      t.now - own_busy_ >= tuning_.park_after;
    if (idle && !parked()) {
        want = seen_.plus(tuning_.park_ahead);
    }
    mine.skip_to(want);
}

/// Nobody has to wait for this lane for long. REQUIRES: owner().
bool Core::parked() const {
    return lanes_[*my_lane_].upto() >= seen_.plus(tuning_.park_ahead / 2);
}

/// R3. The frame is the owner's lane from `from` to its own frontier, items and skips at once. If
/// something before `from` is missing here, its items would be read as skips: refuse, and ask.
void Core::handle(Turn& t, MemberId from, Peer& peer, Frame const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (auto const lane = configuration_.lane_owned_by(from)) {
        if (!take_items(t, peer, *lane, m)) return;
    } else if (!m.items.empty()) {
        return t.ignore(Ignored::not_an_owner);
    }
    advance(t);  // the vector alone may have brought the missing vote
}

bool Core::take_items(Turn& t, Peer& peer, Lane lane, Frame const& m) {
    LaneCopy& copy = lanes_[lane];
    Slot const upto = m.vector.upto[lane];
    if (!valid(m.items, m.from, upto) ||
        std::any_of(m.items.begin(), m.items.end(),
                    [&](Item const& i) { return configuration_.lane_of(i.slot) != lane; })) {
        t.ignore(Ignored::malformed);
        return false;
    }
    if (!open()) {
        if (upto > copy.upto()) t.ignore(Ignored::closed);
        return true;
    }
    if (upto <= copy.upto()) return true;
    if (m.from > copy.upto()) {
        t.ignore(Ignored::gap);
        fetch(t, configuration_.owners[lane]);
        return true;
    }
    Slot const before = copy.upto();
    for (Item const& item : m.items) {
        if (item.slot < copy.upto()) continue;
        copy.put(item.slot, item.batch);
        seen_ = std::max(seen_, item.slot.next());
        peer.owed_vote = true;
    }
    copy.skip_to(upto);
    DOOZER_ASSERT(copy.upto() > before);
    return true;
}

/// R6. Ops go to everybody at once, votes to the owner they are for; other news within a while.
void Core::flush(Turn& t) {
    for (auto& [id, peer] : peers_) {
        if (!peer.greeted) continue;
        if (voter() && configuration_.voter_index(id)) flush_to(t, id, peer);
    }
    if (!voter() && !fetching_from_) keep_fetching(t);
}

/// What the peer has of my lane is not on its way any more. REQUIRES: owner(), the peer's epoch.
void Core::note_acknowledged(Turn& t, Peer& peer) {
    if (peer.vector.upto.size() != lanes_.size()) return;
    Slot const has = peer.vector.upto[*my_lane_];
    bool moved = peer.on_way.empty();
    for (; !peer.on_way.empty() && peer.on_way.front().upto <= has; peer.on_way.pop_front()) {
        peer.on_way_bytes -= peer.on_way.front().weight;
        moved = true;
    }
    if (moved) peer.stream_moved = t.now;
    peer.streamed = std::max(peer.streamed, has);
    if (peer.streamed >= lanes_[*my_lane_].complete_from()) peer.needs_log = false;
}

/// The peer asks for what it misses. What is on its way arrives, since the link loses nothing, and
/// is not sent again: a peer that is only slow would be made slower by it.
void Core::stream_again(Turn& t, Peer& peer, Slot from) {
    note_acknowledged(t, peer);
    bool const moves = t.now < peer.stream_moved + tuning_.piece_patience;
    if (!peer.on_way.empty() && !peer.needs_log && moves) return;
    peer.stream_from(from);
    peer.stream_moved = t.now;
}

/// More of my lane goes to a peer only as it acknowledges what it was sent. Otherwise one that is
/// slow would be sent everything at once; its votes and those of others would wait behind that.
bool Core::may_stream(Peer const& peer) const {
    return my_lane_ && !peer.needs_log && lanes_[*my_lane_].upto() > peer.streamed &&
           peer.on_way_bytes < tuning_.stream_bytes;
}

/// Puts into the frame what comes next of my lane, and says where the lane ends for this peer.
void Core::stream(Peer& peer, Frame& frame) {
    LaneCopy const& mine = lanes_[*my_lane_];
    Slot& upto = frame.vector.upto[*my_lane_];
    frame.from = peer.streamed;
    if (peer.streamed < mine.complete_from()) {
        // Items that were dropped may not look like skips. The peer finds a gap, and asks for them.
        frame.from = upto;
        peer.needs_log = true;
        return;
    }
    for (Item const& item : mine.items_from(peer.streamed)) {
        if (peer.on_way_bytes >= tuning_.stream_bytes) {
            upto = item.slot;
            break;
        }
        peer.on_way.push_back({item.slot.next(), item.batch.weight()});
        peer.on_way_bytes += item.batch.weight();
        frame.items.push_back(item);
    }
    peer.streamed = upto;
}

void Core::flush_to(Turn& t, MemberId id, Peer& peer) {
    if (peer.vector.epoch != epoch()) return;  // its HELLO of this epoch will come
    if (my_lane_) note_acknowledged(t, peer);
    Vector const now = vector();
    // A closed owner still tells what it had put before: as if the link had been slow.
    bool const ops = may_stream(peer);
    bool const news = now.upto != peer.told.upto || now.seen != peer.told.seen;
    if (!ops && !news && !peer.owed_vote) return;
    bool const busy =
        my_lane_ && lanes_[*my_lane_].has_items() && configuration_.voters.size() <= 3;
    if (!ops && !peer.owed_vote && !busy) {
        if (peer.tell_by == never) peer.tell_by = t.now + tuning_.tell_within;
        if (t.now < peer.tell_by) return;
    }
    Frame frame{now, Slot(0), {}};
    if (ops) {
        stream(peer, frame);
    } else if (my_lane_) {
        // Not where the lane really ends: the peer would find a gap before what is to follow.
        Slot& upto = frame.vector.upto[*my_lane_];
        frame.from = upto = std::min(upto, peer.streamed);
    }
    peer.told = now;
    peer.owed_vote = false;
    peer.tell_by = never;
    send(t, id, std::move(frame));
}

}  // namespace doozer::consensus
