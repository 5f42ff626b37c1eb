// I6 while the program runs: members compare the fingerprints of their copies. One copy may be
// wrong, by a fault of memory or of the program, and only its process is to stop. Only the word of
// a voter of the same lineage counts. Source: docs/consensus.md, Comparing copies.
#include "consensus/core.h"

namespace doozer::consensus {

/// Ignores followers: no voter may stop because of what a process without a vote says.
void Core::hear_of_copy(MemberId from, Peer& peer, Ping const& m) {
    if (!configuration_.voter_index(from) || m.vector.epoch == Epoch(0)) return;
    compare(peer, {m.applied, m.fingerprint});
}

/// Compares a voter's word with this copy, or keeps it until this copy has applied as many batches.
void Core::compare(Peer& peer, CopyWord said) {
    if (said.applied > applied_) {
        // The older claim stays: a copy that always lags a moment would never reach a newer one.
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

/// This copy has applied as many batches as a voter had when it told its fingerprint.
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

/// This process has another copy now. Earlier words may speak of a history that it does not share:
/// two members that were forced apart count on from the same number with different batches. If they
/// counted, a survivor would compare its batch 41 with that of a follower of the old lineage, and
/// stop.
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
/// If any difference stopped it, one flipped bit would stop every member.
///
/// A word counts after its speaker is gone. Otherwise of two voters that differ only the faster one
/// stops, and an operator may force the wrong copy on. A word from before the difference says
/// nothing about it. Voters that may still speak count as alike, so that a slow link stops nobody.
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
    // Time for each voter to tell the others before it stops; and to notice that a voter is dead.
    Duration const patience = decided ? Duration(2 * tuning_.ping_every.value()) : heard_within;
    if (t.now < doubted_since_ + patience) return;
    if (!voter()) {
        if (alike < differ) take_copy_anew(t);
        return;
    }
    // A voter that hears no majority changes nothing, and must not stop for the word of a minority:
    // its only peer may have the wrong copy.
    if (alike + differ >= majority && alike < majority) trace(t, Happened::diverged);
}

/// A follower with a wrong copy has voted for nothing, and only needs another copy.
void Core::take_copy_anew(Turn& t) {
    trace(t, Happened::copy_dropped);
    drop_copy(t);
    hello_to_all(t);
}

/// From here on this process holds nothing, like one that has just started. REQUIRES: it has no
/// vote.
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
