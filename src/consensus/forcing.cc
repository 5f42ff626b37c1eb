// The majority is lost, and an operator orders this member to go on alone. Source: consensus.md,
// section 6.5.
#include "consensus/core.h"

namespace doozer::consensus {

void Core::on(Turn& t, Force const& in) {
    if (!voter()) return t.ignore(Ignored::not_a_voter);
    forcing_ = Forcing{in.lineage, Epoch(0), {}, {}, {}, {}};
    force_further(t);
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

/// Once in a while until all that can be reached have answered, or time is up.
void Core::force_further(Turn& t) {
    if (!forcing_) return;
    if (!voter()) {  // it was removed before: whoever removed it can go on
        forcing_.reset();
        return t.ignore(Ignored::not_a_voter);
    }
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
    forcing_->promises.insert_or_assign(*my_vote_, my_promise(delivered_));
    SealValuePtr const value = choose_value(configuration_, ballot, forcing_->promises);
    if (delivered_ >= value->base) return finish_forcing(t, *value);
    (void)fetch_from_any(t, [&](Peer const& peer) { return is_ahead(peer); });
}

/// As R9, without a majority: every write that was answered and that any of those reached knows is
/// kept. The new lineage never meets the old one again.
void Core::finish_forcing(Turn& t, SealValue const& value) {
    for (Item const& item : value.items) {
        if (item.slot >= delivered_ && take(t, item)) break;
    }
    trace(t, Happened::forced, forcing_->promises.size());
    forced_from_ = configuration_.lineage;
    enter(t, Configuration{forcing_->next, epoch().next(), {me_}, {me_}});
    forcing_.reset();
    for (auto& [id, peer] : peers_) stop_giving(t, peer);
    fingerprint_ = t.app.force(me_).fingerprint;
    fingerprints_.clear();
    fingerprints_.emplace_back(++applied_, fingerprint_);
    log_.start(position());  // nobody of the old lineage is served
}

/// A follower whose cluster was forced on begins anew; it has voted for nothing.
void Core::forget(Turn& t) {
    DOOZER_ASSERT(!voter());
    trace(t, Happened::forgot);
    forgotten_ = configuration_.lineage;
    applied_oseq_.clear();
    take_configuration({});
    stop_taking(t);
    fetching_from_.reset();
    log_.start(position());
    for (auto& [id, peer] : peers_) {
        peer.vector = Vector{};
        stop_giving(t, peer);
        peer.greeted = false;  // it may be one of those left behind
    }
    hello_to_all(t);
}

}  // namespace doozer::consensus
