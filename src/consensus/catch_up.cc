// R11: fetching what others have delivered, and serving peers that lack something.
#include "consensus/core.h"
#include "consensus/validity.h"

namespace doozer::consensus {

/// The peer has delivered more of the one sequence than this member.
bool Core::is_ahead(Peer const& p) const {
    return Position{p.vector.epoch, p.vector.delivered} > position();
}

/// Asks one peer at a time, and another only if that one has not answered for a while.
void Core::fetch(Turn& t, MemberId from) {
    if (fetching_from_ && (fetching_from_ == from || t.now < fetched_at_ + fetch_patience(t.now))) {
        return;
    }
    auto const at = peers_.find(from);
    if (at == peers_.end() || !at->second.greeted || !believes(from, t.now)) return;
    fetching_from_ = last_asked_ = from;
    fetched_at_ = t.now;
    if (taking_ && taking_->from == from) return ask_again_for_piece(t);
    stop_taking(t);
    bool const resumes = catch_up_ && at->second.vector.epoch > epoch();
    send(t, from, Fetch{vector(), resumes ? catch_up_->upto : delivered_});
}

/// The link to the peer is new or gone: it answers no earlier question any more.
void Core::expect_nothing_of(Turn& t, MemberId peer) {
    if (taking_ && taking_->from == peer) stop_taking(t);
    if (fetching_from_ == peer) fetching_from_.reset();
}

/// How long a peer has for its answer before this member asks another. A member that leaves the
/// giver of a snapshot has to begin anew, so it leaves only one from which it hears nothing at all.
Duration Core::fetch_patience(Instant now) const {
    if (!taking_) return catch_up_ ? tuning_.fetch_patience : suspicion_time();
    auto const giver = peers_.find(taking_->from);
    bool const silent =
        giver == peers_.end() || now >= giver->second.heard + tuning_.ping_every + suspicion_time();
    return silent ? Duration(0) : tuning_.piece_patience;
}

/// Asks a peer that helps, in rotation, so that it does not ask a dead one again and again.
bool Core::fetch_from_any(Turn& t, std::function<bool(Peer const&)> const& helps) {
    std::optional<MemberId> first;
    std::optional<MemberId> next;
    for (auto const& [id, peer] : peers_) {
        if (!peer.greeted || !helps(peer) || !believes(id, t.now)) continue;
        if (!first) first = id;
        if (!next && id > last_asked_) next = id;
    }
    if (!first) return false;
    fetch(t, next.value_or(*first));
    return true;
}

/// Once in a while: asks another peer if one does not answer, and asks at all if a peer is ahead. A
/// follower always has a question out, which the peer answers when there is news.
void Core::keep_fetching(Turn& t) {
    bool const any_ahead = std::any_of(peers_.begin(), peers_.end(), [&](auto const& p) {
        return p.second.greeted && is_ahead(p.second) && believes(p.first, t.now);
    });
    if (fetching_from_) {
        Duration const patience = taking_ ? fetch_patience(t.now) : tuning_.fetch_patience;
        if (t.now < fetched_at_ + patience || (!voter() && !any_ahead)) return;
        fetching_from_.reset();
    }
    (void)fetch_from_any(t, [&](Peer const& peer) {
        return peer.vector.epoch > epoch() || (deferred_ && is_ahead(peer)) ||
               (!voter() && (is_ahead(peer) || !any_ahead));
    });
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Fetch const& m) {
    if (m.snapshot != 0 && peer.giving && peer.giving->number >= m.snapshot) {
        peer.giving->asked = t.now;
        bool const next = peer.giving->number == m.snapshot && peer.giving->next == m.piece;
        // If not, the piece that it asks for is on its way, or a newer snapshot is.
        return next ? give_piece(t, from, peer) : t.ignore(Ignored::nothing_new);
    }
    // It asks for pieces ahead, and does not know yet that it got the last one.
    if (m.snapshot != 0 && m.snapshot == peer.given) return t.ignore(Ignored::nothing_new);
    stop_giving(t, peer);
    if (Position{m.vector.epoch, m.from} > position() && m.vector.epoch > epoch()) {
        (void)same_epoch(t, from, peer, m.vector);
        return;
    }
    if (m.vector.epoch == epoch()) {
        if (!same_epoch(t, from, peer, m.vector)) return;
        if (my_lane_ && configuration_.voter_index(from)) {
            stream_again(t, peer, m.vector.upto[*my_lane_]);  // with the flush
        }
    } else {
        peer.learn(m.vector);
    }
    serve(t, from, peer, m);
}

/// Answers from the log; or with everything, if the log does not reach back so far.
void Core::serve(Turn& t, MemberId to, Peer& peer, Fetch const& m) {
    bool const same = m.vector.epoch == epoch();
    bool const at_once = same && configuration_.voter_index(to).has_value();
    peer.waiting.reset();
    peer.pinned.reset();
    Slot const from = same ? std::min(m.from, delivered_) : m.from;
    auto run = log_.read({m.vector.epoch, from}, tuning_.decided_bytes);
    if (!run) return give_snapshot(t, to, peer);
    bool const news = run->upto > m.from || run->end;
    if (!news && !at_once) {
        peer.waiting = m;
        return;
    }
    if (!same || run->upto < delivered_) peer.pinned = Position{m.vector.epoch, run->upto};
    send(t, to,
         Decided{vector(), m.vector.epoch, from, std::move(run->items), run->upto,
                 std::move(run->end)});
}

/// Sends new deliveries to followers that have a FETCH outstanding.
void Core::serve_waiting(Turn& t) {
    for (auto& [id, peer] : peers_) {
        if (!peer.waiting) continue;
        Position const asked{peer.waiting->vector.epoch, peer.waiting->from};
        if (asked < position()) serve(t, id, peer, Fetch(*peer.waiting));
    }
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Decided const& m) {
    if (fetching_from_ == from) fetching_from_.reset();
    if (!believes(from, t.now)) return t.ignore(Ignored::not_a_voter);
    if (m.epoch != epoch()) {
        return t.ignore(m.epoch < epoch() ? Ignored::epoch_over : Ignored::epoch_ahead);
    }
    bool const sane = m.from <= m.upto && valid(m.items, m.from, m.upto) &&
                      m.vector.epoch >= m.epoch && (m.vector.epoch > m.epoch || !m.end) &&
                      (!m.end || (valid(*m.end) && m.end->epoch == epoch().next() &&
                                  m.end->lineage == configuration_.lineage));
    if (!sane) return t.ignore(Ignored::malformed);
    if (m.vector.epoch == epoch()) {
        if (!same_epoch(t, from, peer, m.vector)) return;
        take_current(t, from, m);
    } else {
        peer.learn(m.vector);
        take_ended(t, from, m);
    }
    advance(t);
    if (peer.vector.epoch > epoch()) fetch(t, from);
}

/// A run from a member of this epoch. What it delivered was chosen in the lanes, so this member may
/// move its frontiers as if it had read the lanes itself.
void Core::take_current(Turn& t, MemberId from, Decided const& m) {
    if (m.from > delivered_) return t.ignore(Ignored::gap);
    if (m.upto <= delivered_) return t.ignore(Ignored::nothing_new);
    for (Item const& item : m.items) {
        if (item.slot < delivered_) continue;
        if (deliver(t, item)) return;  // a stop sign: the sender, too, ended the epoch by the lanes
    }
    reach(m.upto);
    for (Lane l = 0; l < lanes_.size(); ++l) {
        if (open()) lanes_[l].skip_to(delivered_);
        lanes_[l].drop_below(delivered_);
    }
    retry_deferred(t);
    if (m.vector.epoch == epoch() && m.vector.delivered > delivered_) fetch(t, from);
}

/// A run from a member of a later epoch: nothing changes here until the end of this epoch is there.
/// Otherwise: a seal has declared c's item in slot 5 void. b applies the run up to slot 9 and says
/// so in its vector. c has not heard of the seal, takes b's frontier for a vote for slot 5, and
/// delivers a void item.
///
/// Until then this voter still promises and accepts. If it did not: a seals the epoch with c's
/// promise and dies after it sent half of the run to b. c needs b for a majority, and b waits.
///
/// Pieces may come from different members, because an epoch that is over is the same everywhere. If
/// each sender began anew, two that answer at the same time would undo each other's work.
void Core::take_ended(Turn& t, MemberId from, Decided const& m) {
    Slot const have = catch_up_ ? std::max(catch_up_->upto, delivered_) : delivered_;
    if (m.from > have) return t.ignore(Ignored::gap);
    if (!catch_up_) catch_up_ = CatchUp{{}, delivered_, 0};
    for (Item const& item : m.items) {
        if (item.slot < have) continue;
        catch_up_->weight += item.batch.weight();
        catch_up_->items.push_back(item);
    }
    catch_up_->upto = std::max(have, m.upto);
    if (catch_up_->weight > catch_up_bytes_max) {
        catch_up_.reset();
        return t.ignore(Ignored::queue_full);
    }
    if (!m.end) return fetch(t, from);
    Items const items = std::move(catch_up_->items);
    Configuration const end = *m.end;
    catch_up_.reset();
    for (Item const& item : items) {
        if (item.slot < delivered_) continue;
        if (deliver(t, item)) break;
    }
    if (epoch() != end.epoch) enter(t, end);
    if (configuration_ == end) return trace(t, Happened::caught_up);
    // The same batches led to another configuration: one of the copies is wrong. A follower has
    // voted for nothing, and only needs another copy.
    voter() ? trace(t, Happened::diverged) : take_copy_anew(t);
}

}  // namespace doozer::consensus
