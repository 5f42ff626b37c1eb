// R11, for a member that lacks more than the log holds: the whole state, piece by piece. The taker
// asks for each piece, for a few ahead, so that the giver sends no faster than the taker takes.
#include "consensus/core.h"
#include "consensus/validity.h"

namespace doozer::consensus {

namespace {

/// A minute in all, with the default patience: the largest piece passes a slow link in less.
constexpr std::uint64_t piece_asked_again_max = 12;

}  // namespace

void Core::give_snapshot(Turn& t, MemberId to, Peer& peer) {
    peer.giving = Giving{t.app.begin_snapshot(), 0, t.now};
    give_piece(t, to, peer);
}

void Core::give_piece(Turn& t, MemberId to, Peer& peer) {
    Giving& giving = *peer.giving;
    SnapshotPiece piece = t.app.next_piece(giving.number);
    if (piece.lost) {
        stop_giving(t, peer);
        return give_snapshot(t, to, peer);
    }
    send(t, to,
         Snapshot{vector(), configuration_, delivered_, forced_from_, applied_oseq_, applied_,
                  fingerprint_, giving.number, giving.next++, piece.last, std::move(piece.bytes)});
    if (!piece.last) return;
    peer.given = giving.number;
    stop_giving(t, peer);
    // The log goes on where the snapshot ends, so it is kept from here on. Otherwise a busy member
    // may have forgotten it when the peer asks, and the next snapshot meets the same fate.
    peer.pinned = position();
}

void Core::stop_giving(Turn& t, Peer& peer) {
    if (peer.giving) t.app.end_snapshot(peer.giving->number);
    peer.giving.reset();
}

/// While a snapshot is being given, the application keeps what it could forget otherwise.
void Core::stop_giving_to_those_who_do_not_ask(Turn& t) {
    for (auto& [id, peer] : peers_) {
        if (peer.giving && t.now >= peer.giving->asked + tuning_.piece_patience) {
            stop_giving(t, peer);
        }
    }
}

/// Asks after each piece for two more, until enough are on their way. A giver that is asked for
/// many at once would make them all in one turn, while its clients wait.
void Core::ask_for_pieces(Turn& t) {
    std::uint64_t const until = taking_->next + tuning_.pieces_ahead;
    taking_->asked = std::max(taking_->asked, taking_->next);
    for (int more = 2; more > 0 && taking_->asked < until; --more) {
        send(t, taking_->from, Fetch{vector(), delivered_, taking_->number, taking_->asked++});
    }
}

/// A piece may take long. If it never comes, the transport has dropped it because too much waited,
/// and the giver does not have it any more. Then only another copy helps.
void Core::ask_again_for_piece(Turn& t) {
    MemberId const from = taking_->from;
    if (++taking_->again > piece_asked_again_max) {
        stop_taking(t);
        return send(t, from, Fetch{vector(), delivered_});
    }
    send(t, from, Fetch{vector(), delivered_, taking_->number, taking_->next});
}

/// Keeps a piece that overtook another one: a small piece takes the link's first connection, a
/// large one the second. The giver gives no piece twice. If the taker ignored this piece, it would
/// wait for it, and never vote.
bool Core::keep_early(MemberId from, Snapshot const& m) {
    bool const early = taking_ && taking_->from == from && taking_->number == m.number &&
                       m.piece > taking_->next && m.piece < taking_->asked;
    if (early) taking_->early.emplace(m.piece, m);
    return early;
}

void Core::stop_taking(Turn& t) {
    if (taking_) t.app.abandon_install();
    taking_.reset();
}

void Core::handle(Turn& t, MemberId from, Peer& peer, Snapshot const& m) {
    peer.learn(m.vector);
    if (!believes(from, t.now)) return t.ignore(Ignored::not_a_voter);
    // One giver at a time: otherwise two that answer undo each other's work without end.
    if (taking_ && taking_->from != from) return t.ignore(Ignored::gap);
    if (keep_early(from, m)) return;
    bool const begins = m.piece == 0 && (!taking_ || taking_->number < m.number);
    bool const follows = taking_ && taking_->number == m.number && taking_->next == m.piece;
    if (!begins && !follows) return t.ignore(Ignored::gap);
    if (fetching_from_ == from) fetching_from_.reset();
    Configuration const& c = m.configuration;
    bool const counts_voters =
        std::equal(c.voters.begin(), c.voters.end(), m.applied_oseq.begin(), m.applied_oseq.end(),
                   [](MemberId id, auto const& count) { return id == count.first; });
    if (!valid(c) || !counts_voters ||
        (epoch() > Epoch(0) && c.lineage != configuration_.lineage)) {
        return t.ignore(Ignored::malformed);
    }
    // The giver may have sent it before this process left that lineage.
    if (has_left(c.lineage)) return t.ignore(Ignored::other_lineage);
    if (Position{c.epoch, m.delivered} <= position()) {
        stop_taking(t);
        return t.ignore(Ignored::nothing_new);
    }
    if (begins) {
        t.app.begin_install();
        taking_ = Taking{from, m.number, 0, 0, 0, {}};
    }
    if (!t.app.install_piece(m.state)) {
        stop_taking(t);
        return t.ignore(Ignored::bad_snapshot);
    }
    if (!m.last) {
        ++taking_->next;
        taking_->again = 0;
        fetching_from_ = last_asked_ = from;
        fetched_at_ = t.now;
        ask_for_pieces(t);
        auto const early = taking_->early.extract(taking_->next);
        if (!early.empty()) handle(t, from, peer, early.mapped());
        return;
    }
    taking_.reset();
    if (!t.app.finish_install()) return t.ignore(Ignored::bad_snapshot);
    for (auto& [id, other] : peers_) stop_giving(t, other);
    become(t, m);
}

/// The application has the state of the snapshot now; this takes over the rest.
void Core::become(Turn& t, Snapshot const& m) {
    Configuration const& c = m.configuration;
    bool const was_voter = voter();
    bool const later = c.epoch > epoch();
    if (later) take_configuration(c);
    forced_from_ = m.forced_from;
    leave_lineage(forced_from_);
    applied_oseq_ = m.applied_oseq;
    applied_ = m.applied;
    fingerprint_ = m.fingerprint;
    compare_anew();
    catch_up_.reset();
    delivered_ = m.delivered;
    log_.start(position());
    for (Lane l = 0; l < lanes_.size(); ++l) {
        if (open()) lanes_[l].skip_to(delivered_);
        lanes_[l].drop_below(delivered_);
    }
    Oseq const settled = voter()        ? applied_oseq_.at(me_)
                         : own_.empty() ? Oseq(0)
                                        : own_.back().oseq();
    if (!own_.empty() && own_.front().oseq() <= settled) t.out.outcome_unknown = settled;
    settle_own(settled);
    trace(t, Happened::snapshot_installed);
    if (was_voter && !voter()) {
        refuse_reads(t);
        trace(t, Happened::removed);
    }
    for (MemberId const id : c.voters) {
        if (id != me_ && peers_.try_emplace(id).second) peers_[id].heard = t.now;
    }
    if (later) hello_to_all(t);
    retry_deferred(t);
    advance(t);
}

}  // namespace doozer::consensus
