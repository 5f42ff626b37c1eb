// R8 seal, R9 apply the seal: how a majority closes an epoch in which something is stuck.
#include "consensus/core.h"
#include "consensus/validity.h"

namespace doozer::consensus {

namespace {

/// The promise without the items that the sealer has in its own copies of the lanes: a copy is
/// complete below the frontier in the sealer's vector. Nothing is lost: the sealer's own promise
/// holds these items, or the sealer has delivered them, and then the seal's base is above them.
/// Otherwise all that the lanes have under way would cross every link in every round.
Promise without_known(Configuration const& c, Promise promise, Vector const& sealer) {
    std::erase_if(promise.items,
                  [&](Item const& item) { return item.slot < sealer.upto[c.lane_of(item.slot)]; });
    return promise;
}

}  // namespace

/// Begins a round of this voter, above every ballot that it has seen.
void Core::start_round(Turn& t) {
    DOOZER_ASSERT(!is_fence(acceptor_.promised));
    std::uint64_t const round = round_of(std::max(ballot_seen_, acceptor_.promised)) + 1;
    Ballot const ballot = ballot_of(round, *my_vote_);
    Duration const patience = suspicion_time();
    // Different for each voter and round, so that two sealers do not disturb each other without
    // end; and longer each time, in case the round trip to a majority is longer than measured.
    std::uint64_t const voters = configuration_.voters.size();
    std::uint64_t const stagger = 1 + (*my_vote_ + round) % voters;
    std::int64_t const wait =
        patience.value() * static_cast<std::int64_t>(stagger * std::min<std::uint64_t>(round, 8)) /
        static_cast<std::int64_t>(voters);
    trace(t, Happened::prepared, ballot.value());
    send_to_voters(t, Prepare{vector(), ballot});
    promise(t, ballot);
    seal_round_at_ = t.now + Duration(wait + 2 * majority_rtt(&Peer::srtt).value());
    sealer_ = Preparing{ballot, {}};
    count_promise(t, *my_vote_, my_promise(delivered_));
}

/// From here on this voter neither proposes, skips nor accepts in the lanes of this epoch: its
/// answer tells the sealer all that it will ever have voted for there. If a lane moved after the
/// promise, an item could be chosen that the seal does not hold (R1, R3).
void Core::promise(Turn& t, Ballot ballot) {
    DOOZER_ASSERT(ballot > acceptor_.promised);
    acceptor_.promised = ballot;
    if (!is_fence(ballot)) ballot_seen_ = std::max(ballot_seen_, ballot);
    sealer_ = std::monostate{};
    if (deferred_ && deferred_->second.ballot < ballot) deferred_.reset();
    auto const stagger = static_cast<std::int64_t>(2 + *my_vote_);
    seal_round_at_ = t.now + Duration(suspicion_time().value() * stagger);
}

Promise Core::my_promise(Slot from) const {
    Promise p{vector(),        acceptor_.promised, acceptor_.accepted,
              acceptor_.value, blocked_lanes(),    {}};
    std::map<Slot, Batch> items;
    for (LaneCopy const& lane : lanes_) {
        for (Item const& i : lane.items_from(std::max(from, delivered_))) {
            items.emplace(i.slot, i.batch);
        }
    }
    for (auto const& [slot, batch] : items) p.items.push_back({slot, batch});
    return p;
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Prepare const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (voter_of(m.ballot) != configuration_.voter_index(from) || round_of(m.ballot) == 0) {
        return t.ignore(Ignored::malformed);
    }
    // A survivor repeats its fence until it gets an answer.
    bool const again = is_fence(m.ballot) && m.ballot == acceptor_.promised;
    auto const answer = [&] {
        send(t, from, without_known(configuration_, my_promise(m.vector.delivered), m.vector));
    };
    if (again) return answer();
    if (m.ballot <= acceptor_.promised) {
        t.ignore(Ignored::stale_ballot);
        return send(t, from, Nack{vector(), acceptor_.promised});
    }
    promise(t, m.ballot);
    answer();
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Promise const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    bool const has_value = m.value != nullptr;
    if (has_value != (m.accepted > Ballot(0)) || (has_value && !valid(configuration_, *m.value)) ||
        !valid(configuration_, m.items, Slot(0), m.vector.upto)) {
        return t.ignore(Ignored::malformed);
    }
    if (forcing_ && forcing_->epoch == epoch() && m.ballot == acceptor_.promised) {
        forcing_->promises.insert_or_assign(*configuration_.voter_index(from), m);
        return force_further(t);
    }
    auto const* const preparing = std::get_if<Preparing>(&sealer_);
    if (!preparing || preparing->ballot != m.ballot) return t.ignore(Ignored::stale_answer);
    count_promise(t, *configuration_.voter_index(from), m);
}

void Core::count_promise(Turn& t, std::size_t voter, Promise promise) {
    auto& preparing = std::get<Preparing>(sealer_);
    preparing.promises.insert_or_assign(voter, std::move(promise));
    if (preparing.promises.size() < configuration_.majority()) return;
    Ballot const ballot = preparing.ballot;
    SealValuePtr const value = choose_value(configuration_, ballot, preparing.promises);
    // From here on no promise is counted for this ballot. With two values for one ballot, two
    // majorities could each decide one.
    sealer_ = Accepting{ballot, value, {}};
    send_to_voters(t, Accept{vector(), ballot, value});
    (void)accept(t, me_, ballot, value);
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Accept const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (!m.value || voter_of(m.ballot) != configuration_.voter_index(from) ||
        round_of(m.ballot) == 0 || !valid(configuration_, *m.value)) {
        return t.ignore(Ignored::malformed);
    }
    if (!accept(t, from, m.ballot, m.value) && m.ballot < acceptor_.promised) {
        send(t, from, Nack{vector(), acceptor_.promised});
    }
}

/// R8. Accepts a seal, unless this voter has promised a higher ballot: the sealer of that ballot
/// counts on hearing of everything that was accepted below it.
///
/// Not before everything below its base is delivered here, since a voter that accepted must be able
/// to finish the epoch alone. Otherwise: a and c have items in slots 0 and 3, but only c knows that
/// its own lane is empty below 4, so only c has delivered them. c seals with b: the base is 4, b
/// has delivered nothing and accepts. The value is decided, and c dies. a and b must take this
/// value over, and neither can apply it: it does not hold slots 0 and 3.
bool Core::accept(Turn& t, MemberId from, Ballot ballot, SealValuePtr const& value) {
    if (ballot < acceptor_.promised) {
        t.ignore(Ignored::stale_ballot);
        return false;
    }
    if (delivered_ < value->base) {
        t.ignore(Ignored::behind_base);
        deferred_.emplace(from, Accept{Vector{}, ballot, value});
        if (!fetch_from_any(t, [&](Peer const& p) { return is_ahead(p); })) fetch(t, from);
        return false;
    }
    if (ballot > acceptor_.promised) promise(t, ballot);
    acceptor_.accepted = ballot;
    acceptor_.value = value;
    deferred_.reset();
    if (from == me_) {
        count_accepted(t, *my_vote_);
    } else {
        send(t, from, Accepted{vector(), ballot});
    }
    return true;
}

void Core::retry_deferred(Turn& t) {
    if (!deferred_ || delivered_ < deferred_->second.value->base) return;
    auto const [from, m] = *deferred_;
    (void)accept(t, from, m.ballot, m.value);
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Accepted const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    auto const* const accepting = std::get_if<Accepting>(&sealer_);
    if (!accepting || accepting->ballot != m.ballot) return t.ignore(Ignored::stale_answer);
    count_accepted(t, *configuration_.voter_index(from));
}

void Core::count_accepted(Turn& t, std::size_t voter) {
    auto& accepting = std::get<Accepting>(sealer_);
    accepting.accepted.insert(voter);
    if (accepting.accepted.size() < configuration_.majority()) return;
    SealValuePtr const value = accepting.value;
    trace(t, Happened::sealed, accepting.ballot.value());
    send_to_voters(t, Sealed{vector(), value});
    if (delivered_ < value->base) return;  // the END of the run that is fetched ends the epoch
    apply_seal(t, *value);
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Nack const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (is_fence(m.promised)) return;  // that voter takes no part in this epoch any more
    ballot_seen_ = std::max(ballot_seen_, m.promised);  // the next round will be above
}

/// R9. Usually the sender is in the next epoch when this arrives; it sent it before it began that.
void Core::handle(Turn& t, MemberId from, Peer& peer, Sealed const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (!m.value || !valid(configuration_, *m.value)) return t.ignore(Ignored::malformed);
    if (delivered_ < m.value->base) {
        t.ignore(Ignored::behind_base);
        return fetch(t, from);
    }
    apply_seal(t, *m.value);
}

/// R9 and R10 in one step: the next message of this member is of the next epoch. If it spoke in
/// between, its vector would say in the old epoch that slot 3 is delivered, because the seal says
/// that it is void; the owner of slot 3 could take that for a vote (R4). REQUIRES: the value is
/// decided and its base is delivered.
void Core::apply_seal(Turn& t, SealValue const& value) {
    DOOZER_ASSERT(delivered_ >= value.base);
    for (Item const& item : value.items) {
        if (item.slot < delivered_) continue;
        // The first stop sign ends the epoch, whatever owners the seal names. It may have been
        // delivered in the lanes elsewhere: if slot 3 removes c, that member is in an epoch with
        // the voters a and b, and this one must not begin the same epoch with three.
        if (deliver(t, item)) return;
    }
    enter(t, with_owners(configuration_, value.owners));
}

}  // namespace doozer::consensus
