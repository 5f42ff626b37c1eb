// R4 chosen, R5 deliver, R10 the end of an epoch.
#include "consensus/core.h"

namespace doozer::consensus {

namespace {
constexpr std::size_t fingerprints_kept = 1024;
}

/// The first undelivered item of any lane.
Item const* Core::next_item() const {
    Item const* next = nullptr;
    for (LaneCopy const& lane : lanes_) {
        Item const* const first = lane.first_from(delivered_);
        if (first && (!next || first->slot < next->slot)) next = first;
    }
    return next;
}

/// Every slot of every lane below this is known: it holds an item, or it never will.
Slot Core::known_below() const {
    DOOZER_ASSERT(lanes_.size() > 0);
    Slot lowest = lanes_[0].upto();
    for (LaneCopy const& lane : lanes_) lowest = std::min(lowest, lane.upto());
    return lowest;
}

/// R4. Chosen: the frontiers of a majority of this epoch's voters have passed the slot. Only
/// frontiers of this epoch are votes. A voter's `delivered` is none: it may have grown by a seal
/// that says that slot 3 is void. An owner that took it for a vote would deliver its item in slot 3
/// alone.
bool Core::chosen(Slot s) const {
    Lane const lane = configuration_.lane_of(s);
    std::size_t votes = lanes_[lane].upto() > s ? 1 : 0;
    for (auto const& [id, peer] : peers_) {
        if (!configuration_.voter_index(id)) continue;
        if (peer.vector.epoch != epoch()) continue;
        // Said while this member did not know the epoch's lanes, so it could not be checked.
        if (peer.vector.upto.size() != lanes_.size()) continue;
        if (peer.vector.upto[lane] > s) ++votes;
    }
    return votes >= configuration_.majority();
}

/// The lanes that the next delivery waits for; none if nothing is outstanding.
IndexSet Core::blocked_lanes() const {
    IndexSet blocked;
    if (delivered_ >= seen_) return blocked;
    Slot const known = known_below();
    Item const* const next = next_item();
    if (next && next->slot < known) {
        blocked.insert(configuration_.lane_of(next->slot));
        return blocked;
    }
    for (Lane l = 0; l < lanes_.size(); ++l) {
        if (lanes_[l].upto() == known) blocked.insert(l);
    }
    return blocked;
}

/// R5. Delivers in slot order every item that is chosen and below which all lanes are known. If a
/// member delivered slot 1 before it knew slot 0, another one that has an item in slot 0 would
/// deliver in another order. A slot below its lane's frontier without an item is empty for good, at
/// once and without a majority: only the owner could fill it, and it has passed it (R2).
void Core::advance(Turn& t) {
    if (!voter()) return;
    Slot const before = delivered_;
    while (Item const* const next = next_item()) {
        if (next->slot >= known_below() || !chosen(next->slot)) break;
        Item const item = *next;
        if (deliver(t, item)) return;
    }
    Item const* const next = next_item();
    Slot const known = known_below();
    reach(next ? std::min(next->slot, known) : known);
    if (delivered_ > before) {
        for (Lane l = 0; l < lanes_.size(); ++l) lanes_[l].drop_below(delivered_);
        retry_deferred(t);
    }
    answer_reads(t);
}

/// Everything below `upto` is delivered: the slots in between are empty.
void Core::reach(Slot upto) {
    if (upto <= delivered_) return;
    delivered_ = upto;
    log_.reach(upto);
}

/// Delivers one item. True if it was a stop sign: then this is already the next epoch.
bool Core::deliver(Turn& t, Item const& item) {
    DOOZER_ASSERT(item.slot >= delivered_);
    std::optional<Configuration> next = take(t, item);
    if (!next) return false;
    enter(t, std::move(*next));
    return true;
}

/// Applies one item. Returns the next configuration if it is a stop sign.
std::optional<Configuration> Core::take(Turn& t, Item const& item) {
    delivered_ = item.slot.next();
    seen_ = std::max(seen_, delivered_);
    log_.append(item);
    return apply(t, item.batch);
}

/// Applies a batch if it counts. Returns the next configuration if it is a stop sign.
std::optional<Configuration> Core::apply(Turn& t, Batch const& batch) {
    if (auto const& control = batch.control()) {
        MemberIds owners;
        std::set_intersection(control->owners.begin(), control->owners.end(),
                              configuration_.voters.begin(), configuration_.voters.end(),
                              std::back_inserter(owners));
        if (control->ends != epoch() || owners.empty()) return std::nullopt;
        return with_owners(configuration_, std::move(owners));
    }
    // A batch may lie in several lanes, because it was forwarded again. It counts once, and whether
    // it counts is a function of the sequence alone, so all members judge alike:
    // - Only a voter's batch counts. A voter that was removed submits its batches again under its
    //   new id; a copy that still lies in somebody's lane would be applied as well.
    // - Only the next number counts. If any higher one did: an owner drops batch 1, because its
    //   queue is full, and takes batch 2. Batch 1 comes again, is below 2, and is lost.
    auto const last = applied_oseq_.find(batch.origin());
    if (last == applied_oseq_.end() || batch.oseq() != last->second.next()) {
        t.ignore(Ignored::does_not_count);
        return std::nullopt;
    }
    applied_oseq_[batch.origin()] = batch.oseq();
    Applied applied = t.app.apply(batch);
    fingerprint_ = applied.fingerprint;
    fingerprints_.emplace_back(++applied_, fingerprint_);
    if (fingerprints_.size() > fingerprints_kept) fingerprints_.pop_front();
    if (applied_ >= next_claim_) compare_claims();
    if (batch.origin() == me_) {
        settle_own(batch.oseq());
        offered_at_ = t.now;
        forward_tries_ = 0;
    }
    if (!applied.voters || *applied.voters == configuration_.voters) return std::nullopt;
    return after_change(configuration_, std::move(*applied.voters));
}

/// Own batches up to this number have been applied, or never will be heard of again.
void Core::settle_own(Oseq upto) {
    auto const rest =
        std::find_if(own_.begin(), own_.end(), [&](Batch const& b) { return b.oseq() > upto; });
    auto const settled = static_cast<std::size_t>(rest - own_.begin());
    own_.erase(own_.begin(), rest);
    offered_ -= std::min(offered_, settled);
}

/// R10. The old epoch is over, and every item of it that was not delivered is void. An item after a
/// stop sign must not count: slot 3 replaces the voter c by d, and b and c have y in slot 4. They
/// are a majority of the old voters. a and d are a majority of the new ones, and have never heard
/// of y.
void Core::enter(Turn& t, Configuration next) {
    DOOZER_ASSERT(next.epoch == epoch().next());
    DOOZER_ASSERT(next.lineage == configuration_.lineage || forcing_);
    bool const was_voter = voter();
    log_.end(next);
    note_demotions(t, next);
    for (MemberId const id : configuration_.voters) {
        if (!next.voter_index(id)) applied_oseq_.erase(id);
    }
    for (MemberId const id : next.voters) applied_oseq_.try_emplace(id, Oseq(0));
    take_configuration(std::move(next));
    for (MemberId const id : configuration_.voters) {
        if (id != me_ && peers_.try_emplace(id).second) peers_[id].heard = t.now;
    }
    std::erase_if(peers_, [&](auto const& p) {
        return !p.second.linked && !configuration_.voter_index(p.first);
    });
    for (auto& [id, peer] : peers_) {
        // What it said of this epoch while this member was in the one before counts now: it is a
        // fact about the sender that only grows.
        bool const knows =
            my_lane_ && peer.vector.epoch == epoch() && peer.vector.upto.size() == lanes_.size();
        peer.stream_from(knows ? peer.vector.upto[*my_lane_] : Slot(0));
    }
    trace(t, Happened::entered_epoch, configuration_.owners.size());
    if (was_voter && !voter()) {
        t.out.returned = std::move(own_);
        own_.clear();
        refuse_reads(t);
        trace(t, Happened::removed);
    }
    hello_to_all(t);
}

/// Begins an epoch with empty lanes, nothing promised and nothing on its way.
void Core::take_configuration(Configuration next) {
    configuration_ = std::move(next);
    my_vote_ = configuration_.voter_index(me_);
    my_lane_ = configuration_.lane_owned_by(me_);
    delivered_ = seen_ = Slot(0);
    // A follower keeps no lanes; it lives on runs of the log.
    lanes_ = PerLane<LaneCopy>(voter() ? configuration_.owners.size() : 0);
    lane_waited_ = lane_blocking_ = PerLane<Duration>(lanes_.size());
    items_watched_ = 0;
    acceptor_ = Acceptor{};
    sealer_ = std::monostate{};
    ballot_seen_ = Ballot(0);
    deferred_.reset();
    forwarded_.clear();
    control_.reset();
    control_offered_ = false;
    catch_up_.reset();
    seal_round_at_ = never;
    offered_ = 0;
    for (auto& [id, peer] : peers_) {
        peer.told = Vector{};
        peer.owed_vote = false;
        // It names voters by their index in the epoch that is over.
        peer.silent = {};
        peer.tell_by = never;
    }
    for (ReadRound& round : read_rounds_) {
        reads_waiting_.insert(reads_waiting_.end(), round.tokens.begin(), round.tokens.end());
    }
    read_rounds_.clear();
}

}  // namespace doozer::consensus
