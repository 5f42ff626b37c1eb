// Voters that own no lane hand their batches to one that does.
#include "consensus/core.h"

namespace doozer::consensus {

/// Everything not settled, in order, to the owner of the day.
void Core::forward(Turn& t) {
    if (!voter() || owner()) return;
    std::size_t const owners = configuration_.owners.size();
    for (std::size_t tries = 0; tries < owners; ++tries) {
        MemberId const to = configuration_.owners[forward_to_ % owners];
        Peer const& peer = peers_.at(to);
        if (!peer.greeted || peer.vector.epoch != epoch()) {
            if (offered_ > 0) return;  // it may come back; else forward_again() starts anew
            forward_to_ = (forward_to_ + 1) % owners;
            continue;
        }
        if (offered_ == 0) offered_at_ = t.now;
        while (offered_ < own_.size() && offered_ < tuning_.window_batches) {
            send(t, to, Forward{vector(), own_[offered_++]});
        }
        return;
    }
}

/// Go back to the first that is not settled, and to another owner: this one may be dead, or may
/// have dropped something, and then nothing behind it counts. If all are idle nobody would ever
/// suspect a dead owner, so claim that something is outstanding.
void Core::forward_again(Turn& t) {
    if (!voter() || owner() || own_.empty()) return;
    if (t.now < offered_at_ + suspicion_time()) return;
    seen_ = std::max(seen_, delivered_.next());
    offered_ = 0;
    forward_to_ = (forward_to_ + 1) % configuration_.owners.size();
    offered_at_ = t.now;
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Forward const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (!m.batch || m.batch.control() || m.batch.origin() != from) {
        return t.ignore(Ignored::malformed);
    }
    if (!my_lane_) return t.ignore(Ignored::not_an_owner);
    if (!open()) return t.ignore(Ignored::closed);
    bool const known = m.batch.oseq() <= applied_oseq_.at(from) ||
                       std::find(forwarded_.begin(), forwarded_.end(), m.batch) != forwarded_.end();
    if (known) return t.ignore(Ignored::nothing_new);
    if (forwarded_.size() >= forwarded_batches_max) return t.ignore(Ignored::queue_full);
    forwarded_.push_back(m.batch);
}

}  // namespace doozer::consensus
