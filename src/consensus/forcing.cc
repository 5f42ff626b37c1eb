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

/// Waits on as long as anything arrives: a copy of some gigabytes, or one over a slow line, takes
/// far longer than force_within.
void Core::note_arrivals(Turn& t) {
    Hasher h;
    feed_all(h, epoch(), delivered_, forcing_->promises.size());
    if (catch_up_) feed_all(h, catch_up_->upto);
    if (taking_) feed_all(h, taking_->number, taking_->next);
    std::uint64_t const mark = h.digest().low;
    if (std::exchange(forcing_->mark, mark) != mark) forcing_->until = t.now + tuning_.force_within;
}

/// Takes over what others know before it fences anybody. A process in a later epoch does not answer
/// a fence of this one; its writes would be lost although it is there. True if there is such a
/// process to wait for, or if it handed nothing over and the order is given up.
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

/// A voter that promises this ballot never takes part in sealing the old epoch again. So the old
/// cluster and the new one cannot both go on with it; and each promise says what its voter knows.
void Core::fence(Turn& t) {
    forcing_->epoch = epoch();
    forcing_->ballot = ballot_of(fence_round, *my_vote_);
    forcing_->until = t.now + tuning_.force_within;
    forcing_->asked = Instant(0);
    forcing_->promises.clear();
    if (forcing_->ballot > acceptor_.promised) promise(t, forcing_->ballot);
}

/// Once in a while, until all voters that can be reached have answered, or nothing arrives any
/// more.
void Core::force_further(Turn& t) {
    if (!forcing_) return;
    if (!voter()) {  // it was removed meanwhile: the members that removed it can go on
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

/// The items of a promise begin where its sender's deliveries end. So a promise counts only if this
/// member has delivered as much; with one from further ahead it would skip what lies between. Such
/// a sender is gone by now, or the operator leaves it behind.
SealValuePtr Core::choose_forced_value() {
    std::erase_if(forcing_->promises, [&](auto const& p) {
        Promise const& m = p.second;
        return m.vector.delivered > delivered_ || (m.value && m.value->base > delivered_);
    });
    forcing_->promises.insert_or_assign(*my_vote_, my_promise(delivered_));
    return choose_value(configuration_, forcing_->ballot, forcing_->promises);
}

/// As R9, without a majority: keeps every answered write that any of the reached voters knows. The
/// new lineage never meets the old one again.
void Core::finish_forcing(Turn& t, SealValue const& value) {
    t.app.begin_force();
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
        // Its next message is still of the old lineage, where the same epoch and slot are another
        // place.
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

/// Never to come back. A member that was left behind by a force, and knows of none, may still give
/// a follower the copy that it has just dropped; the follower would then take the survivor for
/// another cluster. A process that comes from this lineage later, perhaps from before several
/// forces, is told that it has ended.
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
    for (auto& [id, peer] : peers_) peer.greeted = false;  // it may have been left behind
    hello_to_all(t);
}

}  // namespace doozer::consensus
