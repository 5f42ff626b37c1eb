// Voters that own no lane hand their batches to one that does.
#include "consensus/core.h"

namespace doozer::consensus {

namespace {

/// The patience of a forwarder doubles at most so often.
constexpr std::uint64_t forward_tries_max = 5;

}  // namespace

/// Sends all own batches that are not settled, in order, to one owner.
void Core::forward(Turn& t) {
    if (!voter() || owner()) return;
    std::size_t const owners = configuration_.owners.size();
    for (std::size_t tries = 0; tries < owners; ++tries) {
        MemberId const to = configuration_.owners[forward_to_ % owners];
        Peer const& peer = peers_.at(to);
        if (!peer.greeted || peer.vector.epoch != epoch()) {
            if (offered_ > 0) return;  // it may come back; if not, forward_again() begins anew
            forward_to_ = (forward_to_ + 1) % owners;
            continue;
        }
        if (offered_ == 0) offered_at_ = t.now;
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < offered_; ++i) bytes += own_[i].weight();
        // At least one batch; more only as these are applied, so that votes on this link do not
        // wait for long.
        while (offered_ < own_.size() && offered_ < tuning_.window_batches &&
               bytes < tuning_.stream_bytes) {
            bytes += own_[offered_].weight();
            send(t, to, Forward{vector(), own_[offered_++]});
        }
        return;
    }
}

/// How long to wait until the first of the forwarded batches is seen in a lane: the suspicion time,
/// doubled with each attempt in vain, and the time that large values need there and back at 32 kB a
/// millisecond. Batches that are sent again too early make a slow link slower.
Duration Core::forward_patience() const {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < std::min(offered_, own_.size()); ++i) bytes += own_[i].weight();
    std::int64_t const again = std::int64_t{1} << forward_tries_;
    Duration const transfer = milliseconds(static_cast<std::int64_t>(bytes / 32'000));
    return Duration(suspicion_time().value() * again + transfer.value());
}

/// An owner has put the batch into its lane: it is chosen there, or the epoch ends.
bool Core::stands_in_a_lane(Batch const& batch) const {
    return std::any_of(lanes_.begin(), lanes_.end(), [&](LaneCopy const& lane) {
        return std::any_of(lane.items().begin(), lane.items().end(), [&](Item const& item) {
            return item.batch.origin() == batch.origin() && item.batch.oseq() == batch.oseq();
        });
    });
}

/// Goes back to the first batch that no owner has taken, and to another owner if this one took
/// none: it may be dead, or may have dropped one, and then no batch after that counts (apply()). It
/// also claims that something is outstanding: if the only owner died while all others were idle,
/// nobody would ever suspect it.
void Core::forward_again(Turn& t) {
    if (!voter() || owner() || own_.empty()) return;
    if (t.now < offered_at_ + forward_patience()) return;
    offered_at_ = t.now;
    std::size_t taken = 0;
    while (taken < own_.size() && stands_in_a_lane(own_[taken])) ++taken;
    if (taken > 0 && taken >= offered_) return;
    seen_ = std::max(seen_, delivered_.next());
    offered_ = taken;
    forward_tries_ = std::min(forward_tries_ + 1, forward_tries_max);
    if (taken == 0) forward_to_ = (forward_to_ + 1) % configuration_.owners.size();
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Forward const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    if (!m.batch || m.batch.control() || m.batch.origin() != from) {
        return t.ignore(Ignored::malformed);
    }
    if (!my_lane_) return t.ignore(Ignored::not_an_owner);
    if (!open()) return t.ignore(Ignored::closed);
    std::size_t bytes = m.batch.weight();
    bool known = m.batch.oseq() <= applied_oseq_.at(from) || stands_in_a_lane(m.batch);
    for (Batch const& batch : forwarded_) {
        bytes += batch.weight();
        known = known || (batch.origin() == from && batch.oseq() == m.batch.oseq());
    }
    if (known) return t.ignore(Ignored::nothing_new);
    bool const full = forwarded_.size() >= forwarded_batches_max || bytes > forwarded_bytes_max;
    if (full && !forwarded_.empty()) return t.ignore(Ignored::queue_full);
    forwarded_.push_back(m.batch);
}

}  // namespace doozer::consensus
