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

void Core::flush_to(Turn& t, MemberId id, Peer& peer) {
    if (peer.vector.epoch != epoch()) return;  // its HELLO of this epoch will come
    Vector const now = vector();
    // A closed owner still tells what it had put before: as if the link had been slow.
    bool const ops = my_lane_ && now.upto[*my_lane_] > peer.streamed;
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
        LaneCopy const& mine = lanes_[*my_lane_];
        // Items that were dropped may not look like skips; then the receiver finds a gap.
        frame.from = std::max(peer.streamed, mine.complete_from());
        frame.items = mine.items_from(frame.from);
        peer.streamed = mine.upto();
    } else if (my_lane_) {
        frame.from = now.upto[*my_lane_];
    }
    peer.told = now;
    peer.owed_vote = false;
    peer.tell_by = never;
    send(t, id, std::move(frame));
}

}  // namespace doozer::consensus
