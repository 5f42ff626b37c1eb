// Linearizable reads without a leader, a clock or a log entry: ask a majority how far the lanes go,
// and wait until that is delivered. Source: docs/consensus.md, Linear reads.
#include "consensus/core.h"

namespace doozer::consensus {

namespace {
constexpr std::size_t read_rounds_max = 8;
}

void Core::on(Turn& t, Read const& in) {
    if (!voter()) return t.out.reads_refused.push_back(in.token);
    if (reads_waiting_.size() >= reads_waiting_max) {
        t.ignore(Ignored::queue_full);
        return t.out.reads_refused.push_back(in.token);
    }
    reads_waiting_.push_back(in.token);
}

/// All reads of this turn share one question. A closed voter waits for the next epoch.
void Core::start_reads(Turn& t) {
    if (reads_waiting_.empty() || !voter() || !open()) return;
    if (read_rounds_.size() >= read_rounds_max) return;
    ReadRound round{++read_nonce_, std::move(reads_waiting_), {}, seen_, t.now};
    reads_waiting_.clear();
    round.answered.insert(*my_vote_);
    send_to_voters(t, ReadQuery{vector(), round.nonce});
    read_rounds_.push_back(std::move(round));
    answer_reads(t);
}

/// It votes no more, and so nobody answers it.
void Core::refuse_reads(Turn& t) {
    for (std::uint64_t const token : reads_waiting_) t.out.reads_refused.push_back(token);
    reads_waiting_.clear();
}

/// An open voter has seen every item it accepted; and every write that was answered has been
/// accepted by a majority, before any of that majority promised a seal.
void Core::handle(Turn& t, MemberId from, Peer& peer, ReadQuery const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    send(t, from, ReadReply{vector(), m.nonce});
}

void Core::handle(Turn& t, MemberId from, Peer& peer, ReadReply const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    // After its promise a seal may have decided items it has never seen, and the next epoch more.
    if (m.vector.closed) return t.ignore(Ignored::closed);
    auto const round = std::find_if(read_rounds_.begin(), read_rounds_.end(),
                                    [&](ReadRound const& r) { return r.nonce == m.nonce; });
    if (round == read_rounds_.end()) return t.ignore(Ignored::stale_answer);
    round->answered.insert(*configuration_.voter_index(from));
    round->upto = std::max(round->upto, m.vector.seen);
    advance(t);
}

void Core::answer_reads(Turn& t) {
    std::size_t const needed = configuration_.majority();
    std::erase_if(read_rounds_, [&](ReadRound const& r) {
        if (r.answered.size() < needed || delivered_ < r.upto) return false;
        t.out.reads_ready.insert(t.out.reads_ready.end(), r.tokens.begin(), r.tokens.end());
        return true;
    });
}

/// The question or its answers may have been lost with a link.
void Core::ask_reads_again(Turn& t) {
    for (ReadRound& round : read_rounds_) {
        if (t.now < round.asked + suspicion_time()) continue;
        round.asked = t.now;
        send_to_voters(t, ReadQuery{vector(), round.nonce});
    }
}

}  // namespace doozer::consensus
