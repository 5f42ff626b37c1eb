// R1 propose, R2 skip, R3 accept, R6 flush: the lanes, while the epoch is open.
#include "consensus/core.h"
#include "consensus/validity.h"

namespace doozer::consensus {

/// R1. Own batches first, then those of voters that own no lane. Only an open owner proposes. If it
/// proposed after its promise: a seal counts a's promise, with lane a below slot 3; a then puts y
/// into slot 3, and b, which has not promised, accepts it. a and b are a majority and a answers its
/// client, but the seal is decided without y.
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
    // Never below my own frontier: others have read the slots below it as skipped, and may have
    // delivered what comes after them.
    DOOZER_ASSERT(slot >= delivered_);
    mine.put(slot, std::move(batch));  // my copy is my vote
    seen_ = std::max(seen_, slot.next());
}

/// R2. A skip is final and needs nobody's consent: only this owner can fill its slots. Without
/// skips a batch in slot 3 would wait until the idle owner of slot 1 has something to say. An idle
/// owner parks far ahead, so that others need not hear from it for their next batches.
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

/// This lane is so far ahead that others need not wait for it. REQUIRES: owner().
bool Core::parked() const {
    return lanes_[*my_lane_].upto() >= seen_.plus(tuning_.park_ahead / 2);
}

/// R3. The frame is the owner's lane from `from` to the sender's frontier: items, and skips for all
/// other slots. What take_items() refuses, and why:
///
/// - A closed voter takes nothing. If b took y after its promise said that lane a ends at slot 3,
///   a and b would have chosen y, and the seal that counted the promise is decided without it.
/// - A frame that begins above my frontier leaves a gap: x in slot 0 was lost with a connection,
///   and this voter would read slot 0 as skipped, while c has x and delivers it.
/// - A frame of another epoch (same_epoch()). A voter votes in an epoch only after it has delivered
///   all earlier ones. Otherwise voters without the past could choose an item, and outlive the
///   voters that hold it.
void Core::handle(Turn& t, MemberId from, Peer& peer, Frame const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (auto const lane = configuration_.lane_owned_by(from)) {
        if (!take_items(t, peer, *lane, m)) return;
    } else if (!m.items.empty()) {
        return t.ignore(Ignored::not_an_owner);
    }
    advance(t);  // even a frame without items may bring the missing vote: its vector
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

/// R6. Items go to all voters at once, votes to the owner they are for; other news may wait for
/// tell_within. About speed, not safety.
void Core::flush(Turn& t) {
    Vector const now = vector();
    for (auto& [id, peer] : peers_) {
        if (!peer.greeted) continue;
        if (voter() && configuration_.voter_index(id)) flush_to(t, id, peer, now);
    }
    if (!voter() && !fetching_from_) keep_fetching(t);
}

/// The peer's frontier says how much of my lane has arrived. REQUIRES: owner(), the peer's epoch.
void Core::note_acknowledged(Turn& t, Peer& peer) {
    if (peer.vector.upto.size() != lanes_.size()) return;
    Slot const has = peer.vector.upto[*my_lane_];
    bool moved = peer.on_way.empty();
    for (; !peer.on_way.empty() && peer.on_way.front().upto <= has; peer.on_way.pop_front()) {
        peer.on_way_bytes -= peer.on_way.front().weight;
        moved = true;
    }
    if (moved) peer.stream_moved = t.now;
    if (has <= peer.streamed) return;
    peer.streamed = has;
    peer.needs_log = false;  // it may lack little now; else it is told of the gap again
}

/// The peer asks for what it misses. Items on their way arrive, since the link loses nothing while
/// it lives. They are not sent again: that would make a slow peer slower.
void Core::stream_again(Turn& t, Peer& peer, Slot from) {
    note_acknowledged(t, peer);
    bool const moves = t.now < peer.stream_moved + tuning_.piece_patience;
    if (!peer.on_way.empty() && !peer.needs_log && moves) return;
    peer.stream_from(from);
    peer.stream_moved = t.now;
}

/// More of my lane goes to a peer only as it acknowledges what it was sent. Otherwise a slow peer
/// would be sent everything at once, and every vote on its link would wait for that.
bool Core::may_stream(Peer const& peer) const {
    return my_lane_ && !peer.needs_log && lanes_[*my_lane_].upto() > peer.streamed &&
           peer.on_way_bytes < tuning_.stream_bytes;
}

/// The items of my lane from `from` on. Those that are delivered here come from the log, if they
/// are small together; none: they are large, or the log does not reach back so far.
///
/// Without the log a voter whose link was down for a moment never votes again while others write:
/// all batches that it lacks reach it as answers to its FETCH, and before it has acknowledged one
/// answer, the others have delivered the next batch, and this lane has dropped it.
std::optional<Items> Core::my_items_from(Slot from) const {
    LaneCopy const& mine = lanes_[*my_lane_];
    if (from >= mine.complete_from()) return mine.items_from(from);
    auto const run = log_.read({epoch(), from}, tuning_.stream_bytes / 4);
    if (!run || run->upto < mine.complete_from()) return std::nullopt;
    Items items;
    std::size_t bytes = 0;
    for (Item const& item : run->items) {
        if (item.slot >= mine.complete_from()) break;
        bytes += item.batch.weight();
        if (configuration_.lane_of(item.slot) == *my_lane_) items.push_back(item);
    }
    // A large batch goes with an answer, out of the way of votes.
    if (bytes > tuning_.stream_bytes) return std::nullopt;
    Items const rest = mine.items_from(mine.complete_from());
    items.insert(items.end(), rest.begin(), rest.end());
    return items;
}

/// Puts the next items of my lane into the frame, and sets its frontier to where they end.
void Core::stream(Peer& peer, Frame& frame) {
    Slot& upto = frame.vector.upto[*my_lane_];
    auto const items = my_items_from(peer.streamed);
    if (!items) {
        // I have delivered items that the peer lacks, and dropped them. A frame from its frontier
        // would show them as skips. This one shows a gap instead, and the peer asks for them.
        frame.from = upto;
        peer.needs_log = true;
        return;
    }
    frame.from = peer.streamed;
    for (Item const& item : *items) {
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

void Core::flush_to(Turn& t, MemberId id, Peer& peer, Vector const& now) {
    if (peer.vector.epoch != epoch()) return;  // it says HELLO when it enters this epoch
    if (my_lane_) note_acknowledged(t, peer);
    // A closed owner still sends what it put into its lane before its promise, as if the link had
    // been slow. Its frontier does not move.
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
