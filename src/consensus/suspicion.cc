// R7: when something is outstanding for too long, fetch it or ask whether to close the epoch. About
// liveness only: to close an epoch is always safe, and costs time.
#include "consensus/core.h"

namespace doozer::consensus {

namespace {
Duration times(Duration d, std::int64_t n) {
    return Duration(d.value() * n);
}

/// The time that large values take from member to member at 16 bytes a microsecond (128 Mbit/s),
/// beyond that of any message. Without it a voter that waits for a large value would suspect the
/// member that is sending it, and the seal would send all of them once more.
Duration transfer_time(PerLane<LaneCopy> const& lanes) {
    constexpr std::size_t free_bytes = 256 * KiB;
    constexpr std::int64_t longest_us = 1'000'000;
    std::size_t bytes = 0;
    for (LaneCopy const& lane : lanes) bytes += lane.weight();
    if (bytes <= free_bytes) return Duration(0);
    // Twice: as many bytes may be on their way to this member.
    return microseconds(std::min(static_cast<std::int64_t>(2 * bytes / 16), longest_us));
}
}  // namespace

/// The majority-th smallest measurement among the voters, so that one slow member does not count.
/// 0: fewer than a majority were measured.
Duration Core::majority_rtt(Duration Peer::*what) const {
    std::array<Duration, voters_max + 1> measured{};  // in order; the first is to myself
    std::size_t count = 1;
    for (auto const& [id, peer] : peers_) {
        if (peer.srtt == Duration(0) || id == me_ || !configuration_.voter_index(id)) continue;
        std::size_t at = count++;
        for (; at > 0 && measured[at - 1] > peer.*what; --at) measured[at] = measured[at - 1];
        measured[at] = peer.*what;
    }
    std::size_t const majority = configuration_.majority();
    return count < majority ? Duration(0) : measured[majority - 1];
}

/// T. Source: docs/consensus.md, Times.
Duration Core::suspicion_time() const {
    Duration const rtt = majority_rtt(&Peer::srtt);
    Duration const transfer = transfer_time(lanes_);
    if (rtt == Duration(0)) return Duration(tuning_.suspicion_cap.value() + transfer.value());
    Duration const wanted = Duration(3 * rtt.value() + 4 * majority_rtt(&Peer::jitter).value());
    Duration const cap = std::max(tuning_.suspicion_cap, times(rtt, 4));
    Duration const usual = std::clamp(wanted, tuning_.suspicion_floor, cap);
    return Duration(usual.value() + transfer.value());
}

/// Notes since when something is outstanding and nothing is delivered.
void Core::note_progress(Turn& t, Epoch epoch_before, Slot delivered_before) {
    bool const moved = epoch() != epoch_before || delivered_ != delivered_before;
    if (moved && std::holds_alternative<Canvassing>(sealer_)) sealer_ = std::monostate{};
    if (moved && epoch() == epoch_before) measure_blocking(t);
    IndexSet const before = std::exchange(waited_for_, IndexSet{});
    if (tuning_.choose_owners && voter() && delivered_ < seen_) {
        Slot const known = known_below();
        Item const* const next = next_item();
        bool const on_votes = next && next->slot < known;
        if (!on_votes) waited_for_ = blocked_lanes();
    }
    if (!moved && blocked_since_ != never) note_waits(t.now, before);
    if (!voter() || delivered_ >= seen_) {
        blocked_since_ = never;
    } else if (moved || blocked_since_ == never) {
        blocked_since_ = t.now;
    }
}

/// Notes for each lane that deliveries no longer wait for how long it held them up, even if another
/// lane still does.
void Core::note_waits(Instant now, IndexSet before) {
    for (Lane l = 0; l < lane_waited_.size(); ++l) {
        bool const is_over = before.contains(l) && !waited_for_.contains(l);
        if (is_over) lane_waited_[l] = now - blocked_since_;
    }
}

/// A process that is woken late has reason to think that it is the slow one, and suspects nobody
/// for a moment (Lifeguard, arXiv 1707.00788). Without the limit a process on a busy machine would
/// never suspect anybody, not even a dead owner.
void Core::doubt_self(Instant now) {
    if (wake_promised_ == never || tuning_.self_doubt_max == Duration(0)) return;
    if (now <= wake_promised_ && blocked_since_ == never) return;
    Duration const t = suspicion_time();
    if (now - wake_promised_ > Duration(t.value() / 4)) doubt_until_ = now + t;
    if (blocked_since_ == never) return;
    Duration const longest = std::min(times(t, 10), tuning_.self_doubt_max);
    doubt_until_ = std::min(doubt_until_, blocked_since_ + longest);
}

/// While a process stands still (stopped, or its machine paused) it hears nobody. What waits in its
/// sockets proves the opposite as soon as it is read, but it is read one by one.
void Core::note_standstill(Instant now) {
    if (wake_promised_ == never) return;
    Duration const still = now - wake_promised_;
    if (still >= Duration(tuning_.strangers_after.value() / 2)) woke_ = now;
    if (still >= Duration(tuning_.kick_after.value() / 4)) woke_late_ = now;
}

void Core::suspect(Turn& t) {
    if (!voter()) return;
    if (is_fence(acceptor_.promised)) return;
    if (!open()) {
        if (t.now >= seal_round_at_) start_round(t);
        return;
    }
    Duration const patience = suspicion_time();
    if (blocked_since_ == never || t.now < blocked_since_ + patience) return;
    if (t.now < doubt_until_) return;
    // A peer may have delivered what this voter lacks, because only the link from the owner to this
    // voter is cut. Then it needs no seal.
    bool const helped = fetch_from_any(t, [&](Peer const& peer) {
        return peer.vector.epoch == epoch() && is_ahead(peer) && t.now - peer.heard <= patience;
    });
    // That peer may have died since: its last word must not hold this voter up without end.
    if (helped && t.now < blocked_since_ + times(patience, 2)) return;
    if (t.now >= prevote_at_) ask_prevote(t);
}

void Core::ask_prevote(Turn& t) {
    prevote_at_ = t.now + suspicion_time();
    trace(t, Happened::suspected, delivered_.value() + 1);
    Canvassing canvass;
    canvass.yes.insert(*my_vote_);
    sealer_ = canvass;
    send_to_voters(t, Prevote{vector()});
    if (configuration_.majority() == 1) start_round(t);
}

/// The answer to a PREVOTE. Yes if this voter is stuck, on whichever lane: with two dead owners c
/// may wait for lane a, d and e for lane b, and no majority would ever wait for one lane. No if it
/// has delivered more than the asker: the asker needs no seal, only what this voter has. Without
/// PREVOTE a member that hears nobody would close every epoch as soon as it begins.
bool Core::would_help_to_close(Instant now, Slot asker_delivered) const {
    if (asker_delivered < delivered_) return false;
    if (!open()) return true;
    return blocked_since_ != never &&
           now - blocked_since_ >= Duration(suspicion_time().value() / 2);
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Prevote const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    advance(t);
    if (m.vector.epoch != epoch()) return;
    send(t, from, PrevoteReply{vector(), would_help_to_close(t.now, m.vector.delivered)});
}

void Core::handle(Turn& t, MemberId from, Peer& peer, PrevoteReply const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    advance(t);
    auto* const canvass = std::get_if<Canvassing>(&sealer_);
    if (!canvass || !open() || m.vector.epoch != epoch()) return t.ignore(Ignored::stale_answer);
    if (!m.yes) return;
    canvass->yes.insert(*configuration_.voter_index(from));
    if (canvass->yes.size() >= configuration_.majority()) start_round(t);
}

}  // namespace doozer::consensus
