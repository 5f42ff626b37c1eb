#include "consensus/core.h"

#include "consensus/validity.h"

namespace doozer::consensus {

Core::Core(MemberId me, Configuration start, Tuning const& tuning) : tuning_(tuning), me_(me) {
    DOOZER_ASSERT(start.epoch == Epoch(0) ? start.voters.empty() : valid(start));
    for (MemberId const id : start.voters) {
        applied_oseq_[id] = Oseq(0);
        if (id != me) peers_[id];
    }
    take_configuration(std::move(start));
    log_.start(position());
}

Output Core::step(Instant now, Input const& input, Application& app) {
    Output out;
    Turn t{now, app, out};
    Epoch const epoch_before = epoch();
    Slot const delivered_before = delivered_;
    doubt_self(now);
    note_standstill(now);
    std::visit([&](auto const& in) { on(t, in); }, input);
    note_progress(t, epoch_before, delivered_before);
    out.wake = next_wake(now);
    if (tuning_.self_doubt_max > Duration(0)) wake_promised_ = out.wake;
    DOOZER_ASSERT(epoch() == Epoch(0) || epoch() > epoch_before ||
                  (epoch() == epoch_before && delivered_ >= delivered_before));
    DOOZER_ASSERT(acceptor_.accepted <= acceptor_.promised);
    return out;
}

void Core::on(Turn& t, LinkUp const& in) {
    Peer& peer = peers_[in.peer];
    peer.linked = true;
    peer.greeted = peer.judged = false;
    peer.heard = t.now;
    peer.waiting.reset();
    stop_giving(t, peer);
    peer.given = 0;
    expect_nothing_of(t, in.peer);
    send(t, in.peer, Hello{vector(), configuration_.lineage, forced_from_});
}

void Core::on(Turn& t, LinkDown const& in) {
    auto const at = peers_.find(in.peer);
    if (at == peers_.end() || !at->second.linked) return t.ignore(Ignored::unknown_link);
    stop_giving(t, at->second);
    expect_nothing_of(t, in.peer);
    at->second.linked = at->second.greeted = false;
    at->second.waiting.reset();
    at->second.pinned.reset();
    at->second.healthy_since = never;
    if (!configuration_.voter_index(in.peer)) peers_.erase(at);
}

void Core::on(Turn& t, Receive const& in) {
    auto const at = peers_.find(in.peer);
    if (at == peers_.end() || !at->second.linked) return t.ignore(Ignored::unknown_link);
    Peer& peer = at->second;
    if (!peer.greeted && !std::holds_alternative<Hello>(in.message)) {
        return t.ignore(peer.resurrected ? Ignored::resurrected : Ignored::not_greeted);
    }
    peer.heard = t.now;
    std::visit([&](auto const& m) { handle(t, in.peer, peer, m); }, in.message);
}

void Core::on(Turn& t, Submit const& in) {
    if (!voter()) return t.ignore(Ignored::not_a_voter);
    if (own_.size() >= unsettled_batches_max) return t.ignore(Ignored::queue_full);
    Oseq const next = last_submitted().next();
    own_.emplace_back(me_, next, in.payload);
    t.out.submitted = next;
}

/// The number of the newest batch of this member, settled or not. REQUIRES: voter().
Oseq Core::last_submitted() const {
    return own_.empty() ? applied_oseq_.at(me_) : own_.back().oseq();
}

void Core::on(Turn& t, Ask const& in) {
    send(t, in.peer, Propose{vector(), in.payload});
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Propose const& m) {
    if (!same_epoch(t, from, peer, m.vector)) return;
    if (!voter()) return t.ignore(Ignored::not_a_voter);
    t.out.asked.push_back({from, m.payload});
}

void Core::on(Turn& t, Rename const& in) {
    DOOZER_ASSERT(!voter());
    DOOZER_ASSERT(own_.empty());
    DOOZER_ASSERT(!configuration_.voter_index(in.id));
    for (auto const& [id, peer] : peers_) DOOZER_ASSERT(!peer.linked);
    me_ = in.id;
    trace(t, Happened::removed);
}

void Core::on(Turn& t, Tick const&) {
    force_further(t);
    suspect(t);
    forward_again(t);
    ask_reads_again(t);
    keep_fetching(t);
    stop_giving_to_those_who_do_not_ask(t);
    ping(t);
    judge_copy(t);
    choose_owners(t);
}

void Core::on(Turn& t, EndOfTurn const&) {
    Epoch before;
    do {  // again if a stop sign of this member was delivered at once and began an epoch
        before = epoch();
        propose(t);
        skip(t);
        forward(t);
        advance(t);
    } while (epoch() != before);
    start_reads(t);
    flush(t);
    serve_waiting(t);
    std::optional<Position> pinned;
    for (auto const& [id, peer] : peers_) {
        if (!peer.pinned) continue;
        // It never asks again for what it has delivered since it asked.
        Position const needs =
            std::max(*peer.pinned, Position{peer.vector.epoch, peer.vector.delivered});
        if (!pinned || needs < *pinned) pinned = needs;
    }
    log_.trim(tuning_.log_bytes, pinned);
}

void Core::trace(Turn& t, Happened what, std::uint64_t value) const {
    t.out.trace.push_back({what, epoch(), value});
}

Vector Core::vector() const {
    Vector v{epoch(), delivered_, seen_, !open(), Frontier(lanes_.size())};
    for (Lane l = 0; l < lanes_.size(); ++l) v.upto[l] = lanes_[l].upto();
    return v;
}

bool Core::waiting() const {
    return voter() && (delivered_ < seen_ || !open() || !own_.empty() || !read_rounds_.empty() ||
                       !reads_waiting_.empty());
}

void Core::send(Turn& t, MemberId to, Message message) {
    auto const at = peers_.find(to);
    if (at == peers_.end() || !at->second.linked) return;  // the HELLO of the next link tells more
    t.out.sends.push_back({to, std::move(message)});
}

void Core::send_to_voters(Turn& t, Message const& message) {
    for (MemberId const id : configuration_.voters) {
        if (id != me_) send(t, id, message);
    }
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Hello const& m) {
    peer.greeted = false;  // it may have been forced on since it greeted
    if (!same_lineage(t, from, peer, m)) return expect_nothing_of(t, from);
    peer.greeted = true;
    peer.stream_from(Slot(0));
    peer.told = Vector{};
    if (!same_epoch(t, from, peer, m.vector)) return;
    if (my_lane_ && both_vote(t, from)) peer.stream_from(m.vector.upto[*my_lane_]);
    advance(t);
}

/// Whether the sender belongs to this cluster, and was not set back to an earlier moment.
bool Core::same_lineage(Turn& t, MemberId from, Peer& peer, Hello const& m) {
    bool const is_empty = m.vector.epoch == Epoch(0);
    bool const same =
        epoch() == Epoch(0) ? !has_left(m.lineage) : m.lineage == configuration_.lineage;
    // It has no copy yet, or has dropped it. A process that has voted cannot say so.
    if (is_empty && peer.vector.upto.size() == 0) peer.vector = Vector{};
    if (!is_empty && !same) {
        t.ignore(Ignored::other_lineage);
        // It may have been away during several forces: then it does not know the lineages in
        // between, and must be told that this one goes on from its own.
        bool const of_ancestor = epoch() > Epoch(0) && has_left(m.lineage);
        if (of_ancestor) send(t, from, Hello{vector(), configuration_.lineage, m.lineage});
        // A voter believes it only of a voter, such as the survivor. Otherwise a HELLO of any
        // process without a vote makes a healthy member refuse all writes.
        bool const forced_on = epoch() > Epoch(0) && m.forced_from == configuration_.lineage;
        bool const by_voter = configuration_.voter_index(from).has_value();
        if (forced_on && voter() && by_voter) trace(t, Happened::left_behind);
        if (!forced_on || voter() || !believes(from, t.now)) return false;
        forget(t);
        return true;
    }
    bool const was_resurrected = peer.resurrected;
    if (!peer.judge(m.vector)) return true;
    t.ignore(Ignored::resurrected);
    if (!was_resurrected) trace(t, Happened::resurrected);
    return false;
}

void Core::hello_to_all(Turn& t) {
    for (auto const& [id, peer] : peers_) {
        send(t, id, Hello{vector(), configuration_.lineage, forced_from_});
    }
}

bool Core::reaches(MemberId peer) const {
    auto const at = peers_.find(peer);
    return at != peers_.end() && at->second.greeted;
}

bool Core::majority_entered() const {
    auto const entered = std::count_if(peers_.begin(), peers_.end(), [&](auto const& p) {
        return configuration_.voter_index(p.first) && p.second.vector.epoch >= epoch();
    });
    return static_cast<std::size_t>(entered) + (voter() ? 1 : 0) >= configuration_.majority();
}

bool Core::hears_majority(Instant now, Duration lately) const {
    if (!voter()) return false;
    auto const heard = std::count_if(peers_.begin(), peers_.end(), [&](auto const& p) {
        return configuration_.voter_index(p.first) && p.second.greeted &&
               now - p.second.heard <= lately;
    });
    return static_cast<std::size_t>(heard) + 1 >= configuration_.majority();
}

/// Whether this member may apply what `peer` says was decided: yes if it is a voter of this epoch.
/// A process without a vote is believed only while this member hears no majority: all its voters
/// may have been replaced while it was away, and it can change nothing then. If it were believed
/// always, any process that attaches could make up an END that names itself the only voter.
///
/// Voters that were heard a moment ago count although their links are down, and so does the time in
/// which this process stood still: otherwise such a process waits until a switch resets all links,
/// or until this one is stopped for 3 s, and is believed before the voters are linked again.
bool Core::believes(MemberId peer, Instant now) const {
    if (configuration_.voters.empty() || configuration_.voter_index(peer)) return true;
    auto const heard = std::count_if(peers_.begin(), peers_.end(), [&](auto const& p) {
        return configuration_.voter_index(p.first) &&
               now - std::max(p.second.heard, woke_) < tuning_.strangers_after;
    });
    return static_cast<std::size_t>(heard) + (voter() ? 1 : 0) < configuration_.majority();
}

/// Takes over the sender's vector. True if the sender is in this member's epoch; only then may the
/// caller look at the rest of the message: a vote of another epoch counts nowhere (R3, R4).
bool Core::same_epoch(Turn& t, MemberId from, Peer& peer, Vector const& v) {
    bool const same = v.epoch == epoch();
    bool const votes = configuration_.voter_index(from).has_value();
    if (same && votes && v.upto.size() != configuration_.owners.size()) {
        t.ignore(Ignored::malformed);
        return false;
    }
    peer.learn(v);
    if (v.epoch > epoch()) {
        t.ignore(Ignored::epoch_ahead);
        fetch(t, from);
        return false;
    }
    if (v.epoch < epoch()) {
        t.ignore(Ignored::epoch_over);  // the HELLO of this epoch tells the sender
        return false;
    }
    if (votes && voter()) seen_ = std::max(seen_, v.seen);
    return true;
}

/// Only voters exchange votes. REQUIRES: the sender is in this epoch.
bool Core::both_vote(Turn& t, MemberId from) const {
    if (voter() && configuration_.voter_index(from)) return true;
    t.ignore(Ignored::not_a_voter);
    return false;
}

Instant Core::next_wake(Instant now) const {
    Instant wake = peers_.empty() ? never : pinged_at_ + tuning_.ping_every;
    bool const waits = waiting() || deferred_ || fetching_from_ || forcing_;
    if (waits) wake = std::min(wake, now + Duration(suspicion_time().value() / 4));
    if (open() && my_lane_ && lanes_.size() > 1 && !parked()) {
        wake = std::min(wake, own_busy_ + tuning_.park_after);
    }
    for (auto const& [id, peer] : peers_) wake = std::min(wake, peer.tell_by);
    return std::max(wake, now);
}

}  // namespace doozer::consensus
