// Which voters should own lanes: slow owners are demoted without a pause, healthy voters get a lane
// again. Pings, by which members measure and compare each other. About speed, not safety.
#include "consensus/core.h"

namespace doozer::consensus {

void Core::ping(Turn& t) {
    if (t.now < pinged_at_ + tuning_.ping_every) return;
    pinged_at_ = t.now;
    IndexSet silent;
    for (std::size_t v = 0; v < configuration_.voters.size(); ++v) {
        auto const at = peers_.find(configuration_.voters[v]);
        if (at != peers_.end() && misses(at->second, t.now)) silent.insert(v);
    }
    for (auto const& [id, peer] : peers_) {
        if (peer.greeted) send(t, id, Ping{vector(), t.now, silent, applied_, fingerprint_});
    }
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Ping const& m) {
    send(t, from, Pong{vector(), m.sent});
    hear_of_copy(from, peer, m);
    if (!same_epoch(t, from, peer, m.vector)) return;
    peer.silent = m.silent;
    advance(t);
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Pong const& m) {
    if (m.sent < Instant(0) || m.sent > t.now) return t.ignore(Ignored::malformed);
    Duration const rtt = t.now - m.sent;
    if (peer.srtt == Duration(0)) {
        peer.srtt = std::max(rtt, Duration(1));
        peer.jitter = Duration(rtt.value() / 2);
    } else {
        // As in RFC 6298, but with a bound: one retransmission of TCP must not raise the suspicion
        // time to seconds.
        std::int64_t const srtt = peer.srtt.value();
        std::int64_t const sample =
            std::min(rtt.value(), 4 * srtt + tuning_.slow_owner_floor.value());
        peer.jitter = Duration((3 * peer.jitter.value() + std::abs(srtt - sample)) / 4);
        peer.srtt = Duration((7 * srtt + sample) / 8);
    }
    bool const prompt = rtt.value() <= suspicion_time().value() / 2;
    if (!prompt) {
        peer.healthy_since = never;
    } else if (peer.healthy_since == never) {
        peer.healthy_since = t.now;
    }
    if (same_epoch(t, from, peer, m.vector)) advance(t);
}

/// A long time in which this process stood still does not count. Otherwise, if a machine with two
/// of three members is paused for the kick time, both miss the third one when they go on; if they
/// are linked again before it is, they remove it, though it lives.
bool Core::misses(Peer const& peer, Instant now) const {
    return now - std::max(peer.heard, woke_late_) >= tuning_.kick_after;
}

bool Core::majority_misses(MemberId voter, Instant now) const {
    auto const index = configuration_.voter_index(voter);
    auto const at = peers_.find(voter);
    if (!index || at == peers_.end()) return false;
    std::size_t missing = misses(at->second, now) ? 1 : 0;
    for (auto const& [id, peer] : peers_) {
        // Only a voter that is heard, in this epoch. Otherwise one of three, cut off for a while,
        // proposes on the word of a dead voter to remove the only other living one, and this is
        // chosen as soon as its link is back.
        bool const is_heard = now - peer.heard < heard_within;
        bool const speaks =
            is_heard && configuration_.voter_index(id) && peer.vector.epoch == epoch();
        if (speaks && peer.silent.contains(*index)) ++missing;
    }
    return missing >= configuration_.majority();
}

/// When something is delivered again: which lanes held it up, and for how long each? If only the
/// last one were counted, one of two equally slow owners would be demoted, and no write would be
/// faster.
void Core::measure_blocking(Turn& t) {
    if (!tuning_.choose_owners || !voter() || blocked_since_ == never) return;
    std::int64_t const waited = (t.now - blocked_since_).value();
    for (Lane l = 0; l < lanes_.size(); ++l) {
        std::int64_t const smooth = lane_blocking_[l].value();
        std::int64_t const share = waited_for_.contains(l) ? waited : lane_waited_[l].value();
        lane_blocking_[l] = Duration(smooth + (share - smooth) / 16);
    }
    lane_waited_ = PerLane<Duration>(lanes_.size());
    ++items_watched_;
}

/// Proposes other owners for the next epoch, if this is an owner and there is reason to.
void Core::choose_owners(Turn& t) {
    if (!tuning_.choose_owners || !my_lane_ || !open() || control_) return;
    MemberIds owners = configuration_.owners;
    Duration const slow =
        std::max(tuning_.slow_owner_floor, Duration(2 * majority_rtt(&Peer::srtt).value()));
    bool const knows = items_watched_ >= tuning_.slow_owner_items;
    if (auto const l = knows ? lane_to_demote(t.now, slow) : std::nullopt) {
        owners.erase(owners.begin() + static_cast<std::ptrdiff_t>(*l));
        control_ = Batch(me_, NextEpoch{epoch(), owners});
        return trace(t, Happened::demotion_proposed, *l);
    }
    if (!lowest_healthy_owner(t.now)) return;
    for (std::size_t v = 0; v < configuration_.voters.size(); ++v) {
        MemberId const id = configuration_.voters[v];
        if (configuration_.lane_owned_by(id) || !healthy(id, t.now)) continue;
        owners.insert(std::upper_bound(owners.begin(), owners.end(), id), id);
        control_ = Batch(me_, NextEpoch{epoch(), owners});
        return trace(t, Happened::readmission_proposed, v);
    }
}

/// The lane that others wait for the longest, if they would wait less without it (and perhaps
/// without the next slowest ones). Without these a batch still waits for the lanes that stay, and
/// for the votes of a majority. On a busy machine all owners are slow by turns: if each were
/// demoted for that, one lane would be left, and every write of the others would take two round
/// trips.
std::optional<Lane> Core::lane_to_demote(Instant now, Duration slow) const {
    std::vector<std::pair<Duration, Lane>> others;
    for (Lane l = 0; l < lanes_.size(); ++l) {
        if (l != my_lane_) others.emplace_back(lane_blocking_[l], l);
    }
    std::sort(others.begin(), others.end(), std::greater<>());
    if (others.empty() || others.front().first <= slow) return std::nullopt;
    MemberIds without;
    for (std::size_t i = 0; i < others.size(); ++i) {
        without.push_back(configuration_.owners[others[i].second]);
        auto const votes = time_of_votes(now, without);
        if (!votes) return std::nullopt;
        Duration const next = i + 1 < others.size() ? others[i + 1].first : Duration(0);
        Duration const rest = std::max(next, *votes);
        if (others[i].first.value() - rest.value() > slow.value()) return others.front().second;
    }
    return std::nullopt;
}

/// How long it takes until a majority has voted without these voters. None: the rest are no
/// majority.
std::optional<Duration> Core::time_of_votes(Instant now, MemberIds const& without) const {
    std::vector<Duration> times{Duration(0)};  // mine
    for (auto const& [id, peer] : peers_) {
        bool const votes = configuration_.voter_index(id) && peer.greeted &&
                           peer.srtt > Duration(0) && now - peer.heard <= heard_within;
        bool const counts = std::find(without.begin(), without.end(), id) == without.end();
        if (votes && counts) times.push_back(peer.srtt);
    }
    std::sort(times.begin(), times.end());
    std::size_t const majority = configuration_.majority();
    return times.size() < majority ? std::nullopt : std::optional(times[majority - 1]);
}

/// The voter has answered promptly for its time of probation, which doubles with each demotion.
bool Core::healthy(MemberId voter, Instant now) const {
    Peer const& peer = peers_.at(voter);
    if (!peer.greeted || peer.healthy_since == never || peer.vector.epoch != epoch()) return false;
    Instant since = peer.healthy_since;
    std::int64_t hold = tuning_.readmit_after.value();
    if (auto const d = demotions_.find(voter); d != demotions_.end()) {
        since = std::max(since, d->second.last);
        hold <<= std::min<std::uint64_t>(d->second.times, 20) - 1;
    }
    return now - since >= std::min(Duration(hold), tuning_.readmit_after_max);
}

/// Only one owner proposes: otherwise two epochs end where one would do.
bool Core::lowest_healthy_owner(Instant now) const {
    Duration const recent(2 * tuning_.ping_every.value());
    for (MemberId const id : configuration_.owners) {
        if (id == me_) return true;
        Peer const& peer = peers_.at(id);
        if (peer.greeted && now - peer.heard <= recent) return false;
    }
    return false;
}

void Core::note_demotions(Turn& t, Configuration const& next) {
    for (MemberId const id : configuration_.owners) {
        if (next.lane_owned_by(id) || !next.voter_index(id)) continue;
        Demotions& d = demotions_[id];
        bool const again = d.times > 0 && t.now - d.last < tuning_.flapping_within;
        d = {again ? d.times + 1 : 1, t.now};
    }
    std::erase_if(demotions_, [&](auto const& d) { return !next.voter_index(d.first); });
}

}  // namespace doozer::consensus
