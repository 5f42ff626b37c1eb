// The majority is lost, and an operator orders this member to go on alone. Source:
// docs/consensus.md, Going on without a majority.
#include "consensus/core.h"

namespace doozer::consensus {

void Core::on(Turn& t, Force const& in) {
    if (!voter()) return t.ignore(Ignored::not_a_voter);
    Forcing forcing;
    forcing.next = in.lineage;
    forcing.leave_further = in.leave_further;
    forcing.until = t.now + tuning_.force_within;
    forcing_ = std::move(forcing);
    force_further(t);
}

std::optional<MemberId> Core::further_survivor() const {
    for (auto const& [id, peer] : peers_) {
        if (peer.greeted && is_ahead(peer)) return id;
    }
    return std::nullopt;
}

/// As long as anything arrives, there is reason to wait. A copy of some gigabytes, or one over a
/// thin line, takes far longer than one look at the clock.
void Core::note_arrivals(Turn& t) {
    Hasher h;
    feed_all(h, epoch(), delivered_, forcing_->promises.size());
    if (catch_up_) feed_all(h, catch_up_->upto);
    if (taking_) feed_all(h, taking_->number, taking_->next);
    std::uint64_t const mark = h.digest().low;
    if (std::exchange(forcing_->mark, mark) != mark) forcing_->until = t.now + tuning_.force_within;
}

/// Before anybody is fenced, since whoever is in a later epoch answers nothing about this one: what
/// it knows would be lost although it is there. True if there is somebody to wait for, or if it was
/// in vain and the order is given up.
bool Core::wait_for_further(Turn& t) {
    if (!further_survivor()) return false;
    if (t.now < forcing_->until) {
        (void)fetch_from_any(t, [&](Peer const& peer) { return is_ahead(peer); });
        return true;
    }
    if (forcing_->leave_further) return false;
    forcing_.reset();
    return true;
}

/// Nobody who answers this takes part in the old epoch again, so that the old cluster and the new
/// one cannot both go on with it; and each answer says what it knows.
void Core::fence(Turn& t) {
    forcing_->epoch = epoch();
    forcing_->ballot = ballot_of(fence_round, *my_vote_);
    forcing_->until = t.now + tuning_.force_within;
    forcing_->asked = Instant(0);
    forcing_->promises.clear();
    if (forcing_->ballot > acceptor_.promised) promise(t, forcing_->ballot);
}

/// Once in a while until all that can be reached have answered, or nothing arrives any more.
void Core::force_further(Turn& t) {
    if (!forcing_) return;
    if (!voter()) {  // it was removed before: whoever removed it can go on
        forcing_.reset();
        return t.ignore(Ignored::not_a_voter);
    }
    note_arrivals(t);
    if (wait_for_further(t)) return;
    if (forcing_->epoch != epoch()) fence(t);
    Ballot const ballot = forcing_->ballot;
    if (acceptor_.promised != ballot) return forcing_.reset();  // another survivor is forced on
    bool const ask = t.now >= forcing_->asked + tuning_.ping_every;
    if (ask) forcing_->asked = t.now;
    bool all = true;
    for (std::size_t v = 0; v < configuration_.voters.size(); ++v) {
        MemberId const id = configuration_.voters[v];
        if (id == me_ || !reaches(id) || forcing_->promises.contains(v)) continue;
        all = false;
        if (ask) send(t, id, Prepare{vector(), ballot});
    }
    if (!all && t.now < forcing_->until) return;
    finish_forcing(t, *choose_forced_value());
}

/// A promise of one that was further counts only if what it had delivered is here, too: its items
/// begin there. It is gone by now, or was left behind.
SealValuePtr Core::choose_forced_value() {
    std::erase_if(forcing_->promises, [&](auto const& p) {
        Promise const& m = p.second;
        return m.vector.delivered > delivered_ || (m.value && m.value->base > delivered_);
    });
    forcing_->promises.insert_or_assign(*my_vote_, my_promise(delivered_));
    return choose_value(configuration_, forcing_->ballot, forcing_->promises);
}

/// As R9, without a majority: every write that was answered and that any of those reached knows is
/// kept. The new lineage never meets the old one again.
void Core::finish_forcing(Turn& t, SealValue const& value) {
    for (Item const& item : value.items) {
        if (item.slot >= delivered_ && take(t, item)) break;
    }
    trace(t, Happened::forced, forcing_->promises.size());
    leave_lineage(forced_from_);
    leave_lineage(configuration_.lineage);
    forced_from_ = configuration_.lineage;
    enter(t, Configuration{forcing_->next, epoch().next(), {me_}, {me_}});
    forcing_.reset();
    for (auto& [id, peer] : peers_) {
        stop_giving(t, peer);
        if (peer.vector.epoch == Epoch(0)) continue;  // it holds nothing of the old lineage
        // What it says next is still said in the old one, as of a place that is another one here.
        peer.greeted = false;
        peer.vector = Vector{};
        peer.waiting.reset();
        peer.pinned.reset();
    }
    fingerprint_ = t.app.force(me_).fingerprint;
    ++applied_;
    compare_anew();
    log_.start(position());  // nobody of the old lineage is served
}

/// Never to come back: members that were left behind by a force may still hold it, and would
/// otherwise give a follower the copy that it has just dropped. Whoever comes from it later,
/// perhaps from before several forces, is told that it has ended.
void Core::leave_lineage(Lineage lineage) {
    if (lineage == Lineage{} || has_left(lineage)) return;
    left_.push_back(lineage);
    if (left_.size() > lineages_left_max) left_.pop_front();
}

bool Core::has_left(Lineage lineage) const {
    return std::find(left_.begin(), left_.end(), lineage) != left_.end();
}

/// A follower whose cluster was forced on begins anew; it has voted for nothing.
void Core::forget(Turn& t) {
    trace(t, Happened::forgot);
    leave_lineage(configuration_.lineage);
    drop_copy(t);
    for (auto& [id, peer] : peers_) peer.greeted = false;  // it may be one of those left behind
    hello_to_all(t);
}

}  // namespace doozer::consensus
