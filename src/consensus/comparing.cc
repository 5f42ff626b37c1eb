// I6 while the program runs: members compare the fingerprints of their copies. One of them may be
// wrong, by a fault of its memory or of the program, and only that one is to stop. A word counts
// only if it is a voter's of the same lineage.
#include "consensus/core.h"

namespace doozer::consensus {

/// Followers are not asked: nobody may stop because a process without a vote says something.
void Core::hear_of_copy(MemberId from, Peer& peer, Ping const& m) {
    if (!configuration_.voter_index(from) || m.vector.epoch == Epoch(0)) return;
    compare(peer, {m.applied, m.fingerprint});
}

/// Compares what a voter said of its copy with this one, or keeps it until this copy is as far.
void Core::compare(Peer& peer, CopyWord said) {
    if (said.applied > applied_) {
        // The older claim stays: a copy that is always a moment late would never reach a newer one.
        if (!peer.claim) peer.claim = said;
        next_claim_ = std::min(next_claim_, peer.claim->applied);
        return;
    }
    if (fingerprints_.empty() || said.applied < fingerprints_.front().first) return;
    auto const index = static_cast<std::size_t>(said.applied - fingerprints_.front().first);
    peer.differs = fingerprints_[index].second != said.fingerprint;
    if (peer.differs) {
        doubted_from_ = std::min(doubted_from_, said.applied);
    } else {
        peer.agreed = std::max(peer.agreed, said.applied);
    }
}

/// This copy is as far as a voter was when it told its fingerprint.
void Core::compare_claims() {
    next_claim_ = no_claim;
    for (auto& [id, peer] : peers_) {
        if (!peer.claim) continue;
        if (peer.claim->applied > applied_) {
            next_claim_ = std::min(next_claim_, peer.claim->applied);
        } else {
            compare(peer, *std::exchange(peer.claim, std::nullopt));
        }
    }
}

/// This copy is another one now. What was said before may be of a history that it does not share:
/// two members that were forced apart count on from the same number with different batches.
void Core::compare_anew() {
    fingerprints_.clear();
    fingerprints_.emplace_back(applied_, fingerprint_);
    next_claim_ = no_claim;
    doubted_since_ = never;
    doubted_from_ = no_claim;
    for (auto& [id, peer] : peers_) {
        peer.claim.reset();
        peer.differs = false;
        peer.agreed = 0;
    }
}

/// Once in a while: if a voter's copy differs, is that copy wrong or this one? A voter stops if no
/// majority can have its copy: then a majority has another one, or nobody can tell which is right.
/// A word counts after its speaker is gone, since the wrong one and the right ones may stop in any
/// order; but a word from before the difference says nothing of it.
void Core::judge_copy(Turn& t) {
    std::size_t differ = 0;
    std::size_t alike = voter() ? 1 : 0;
    for (auto const& [id, peer] : peers_) {
        if (!configuration_.voter_index(id)) continue;
        bool const may_tell = peer.greeted && t.now - peer.heard <= heard_within;
        if (peer.differs) {
            ++differ;
        } else if (may_tell || peer.agreed >= doubted_from_) {
            ++alike;
        }
    }
    if (differ == 0) {
        doubted_since_ = never;
        doubted_from_ = no_claim;
        return;
    }
    if (doubted_since_ == never) doubted_since_ = t.now;
    std::size_t const majority = configuration_.majority();
    bool const decided = differ > configuration_.voters.size() - majority;
    // Each has time to tell the others, too, before it stops; and the dead to be known as dead.
    Duration const patience = decided ? Duration(2 * tuning_.ping_every.value()) : heard_within;
    if (t.now < doubted_since_ + patience) return;
    if (!voter()) {
        if (alike < differ) take_copy_anew(t);
        return;
    }
    // One who hears no majority changes nothing, and must not stop for the word of a minority.
    if (alike + differ >= majority && alike < majority) trace(t, Happened::diverged);
}

/// A follower whose copy is wrong has harmed nobody, and needs only another one.
void Core::take_copy_anew(Turn& t) {
    trace(t, Happened::copy_dropped);
    drop_copy(t);
    hello_to_all(t);
}

/// From here on this process holds nothing, as one that has just come up. It has voted for nothing.
void Core::drop_copy(Turn& t) {
    DOOZER_ASSERT(!voter());
    applied_oseq_.clear();
    take_configuration({});
    applied_ = fingerprint_ = 0;
    forced_from_ = {};
    stop_taking(t);
    fetching_from_.reset();
    log_.start(position());
    for (auto& [id, peer] : peers_) {
        peer.vector = Vector{};
        peer.waiting.reset();
        peer.pinned.reset();
        stop_giving(t, peer);
    }
    compare_anew();
}

}  // namespace doozer::consensus
