// Linear reads without a leader, a clock or a log entry: ask a majority what they have seen in the
// lanes, and wait until that is delivered. Source: docs/consensus.md, Linear reads.
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

/// All reads of this turn share one question. A closed voter asks in the next epoch: a seal may
/// have decided items that it has not seen.
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

/// This process has no vote any more, so no voter answers its questions.
void Core::refuse_reads(Turn& t) {
    for (std::uint64_t const token : reads_waiting_) t.out.reads_refused.push_back(token);
    reads_waiting_.clear();
}

/// The answer is this voter's vector. A write that was answered in this epoch was chosen by a
/// majority, or decided by a seal. In the first case that majority has a voter in common with the
/// one that answers this read, and its `seen` is above the write's slot. In the second case a
/// majority is closed, so no majority of open voters answers.
void Core::handle(Turn& t, MemberId from, Peer& peer, ReadQuery const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    send(t, from, ReadReply{vector(), m.nonce});
}

void Core::handle(Turn& t, MemberId from, Peer& peer, ReadReply const& m) {
    if (!same_epoch(t, from, peer, m.vector) || !both_vote(t, from)) return;
    // If it counted: a alone has x in slot 0. a and c accept a seal with x; a delivers x and
    // answers
    // its client. c has not heard that it is decided, nor of x in a lane, and answers with seen 0.
    // b and c are a majority, and b would answer this read without x.
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

/// Asks again after a while: the question or its answers may have been lost with a link.
void Core::ask_reads_again(Turn& t) {
    for (ReadRound& round : read_rounds_) {
        if (t.now < round.asked + suspicion_time()) continue;
        round.asked = t.now;
        send_to_voters(t, ReadQuery{vector(), round.nonce});
    }
}

}  // namespace doozer::consensus
