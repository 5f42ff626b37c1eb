// One member of the cluster as a pure function: messages and requests go in, messages and results
// come out.
//
// The rules R1 to R11 of docs/consensus.md are members of this class, in files named after their
// subjects: lanes.cc (R1-R3, R6), delivery.cc (R4, R5, R10), suspicion.cc (R7), sealing.cc (R8,
// R9), catch_up.cc (R11), forwarding.cc, reads.cc, owners.cc, forcing.cc and comparing.cc.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "consensus/application.h"
#include "consensus/lane.h"
#include "consensus/log.h"
#include "consensus/message.h"
#include "consensus/peer.h"
#include "consensus/seal.h"
#include "consensus/trace.h"
#include "consensus/tuning.h"

namespace doozer::consensus {

// --- what goes in ----------------------------------------------------------------------------
/// An authenticated link to `peer` is up. A newer one replaces an older one.
struct LinkUp {
    MemberId peer;
    DOOZER_FIELDS(peer);
};
struct LinkDown {
    MemberId peer;
    DOOZER_FIELDS(peer);
};
struct Receive {
    MemberId peer;
    Message message;
    DOOZER_FIELDS(peer, message);
};
/// A batch to be put into the sequence. Refused with not_a_voter or queue_full.
struct Submit {
    Bytes payload;
    DOOZER_FIELDS(payload);
};
/// Tell me when this member's state holds every write that was answered anywhere before now.
struct Read {
    std::uint64_t token = 0;
    DOOZER_FIELDS(token);
};
/// Ask `peer`, a voter, to submit this in its own name.
struct Ask {
    MemberId peer;
    Bytes payload;
    DOOZER_FIELDS(peer, payload);
};
/// The majority is lost for good: go on as a cluster of one under this name, with all that the
/// processes within reach know. The core gives the order up if one of them knows more and hands
/// over nothing for a while, unless leave_further allows to leave it behind. Refused with
/// not_a_voter.
struct Force {
    Lineage lineage;
    bool leave_further = false;
    DOOZER_FIELDS(lineage, leave_further);
};
/// A removed member goes on as a follower under a new id. REQUIRES: no link is up.
struct Rename {
    MemberId id;
    DOOZER_FIELDS(id);
};
struct Tick {
    DOOZER_FIELDS();
};
/// All inputs of this turn of the event loop are in: propose, and send what is to be sent.
struct EndOfTurn {
    DOOZER_FIELDS();
};
using Input =
    std::variant<LinkUp, LinkDown, Receive, Submit, Read, Rename, Tick, EndOfTurn, Ask, Force>;

// --- what comes out --------------------------------------------------------------------------
struct Send {
    MemberId to;
    Message message;
};
struct Output {
    std::vector<Send> sends;        // in order
    std::optional<Oseq> submitted;  // the number the batch got
    struct Asked {
        MemberId from;
        Bytes payload;
    };
    std::vector<Asked> asked;                // what linked followers ask this voter to submit
    std::vector<std::uint64_t> reads_ready;  // tokens; the state may be read now
    std::vector<std::uint64_t> reads_refused;
    /// The core will not report own batches up to this number: after a snapshot it cannot tell
    /// whether they were applied.
    std::optional<Oseq> outcome_unknown;
    /// Own batches that never count, because their origin is no voter any more.
    std::vector<Batch> returned;
    std::vector<Ignored> ignored;
    std::vector<TraceEvent> trace;
    Instant wake = never;  // send a Tick then, unless another input comes first
};

class Core {
  public:
    /// A voter of `start`, which all its voters begin with; or, with an epoch of 0, a process that
    /// holds no copy yet and takes it from a process that it is linked to.
    Core(MemberId me, Configuration start, Tuning const& tuning);

    Output step(Instant now, Input const& input, Application& app);

    // --- what it is, for its callers and for checkers
    [[nodiscard]] MemberId me() const { return me_; }
    [[nodiscard]] Configuration const& configuration() const { return configuration_; }
    [[nodiscard]] Epoch epoch() const { return configuration_.epoch; }
    [[nodiscard]] Slot delivered() const { return delivered_; }
    [[nodiscard]] Slot seen() const { return seen_; }
    [[nodiscard]] bool voter() const { return my_vote_.has_value(); }
    [[nodiscard]] bool owner() const { return my_lane_.has_value(); }
    [[nodiscard]] bool open() const { return acceptor_.promised == Ballot(0); }
    [[nodiscard]] Acceptor const& acceptor() const { return acceptor_; }
    [[nodiscard]] LaneCopy const& lane(Lane l) const { return lanes_[l]; }
    [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
    [[nodiscard]] std::map<MemberId, Oseq> const& applied_oseq() const { return applied_oseq_; }
    [[nodiscard]] std::uint64_t applied() const { return applied_; }
    [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }
    [[nodiscard]] Lineage forced_from() const { return forced_from_; }
    /// An operator's order to go on alone is being carried out.
    [[nodiscard]] bool forcing() const { return forcing_.has_value(); }
    /// A process within reach that knows more than this one, if any.
    [[nodiscard]] std::optional<MemberId> further_survivor() const;
    /// Its cluster was forced on, and it has no copy of the new lineage yet.
    [[nodiscard]] bool forgot() const { return epoch() == Epoch(0) && !left_.empty(); }
    [[nodiscard]] std::size_t unsettled() const { return own_.size(); }
    [[nodiscard]] Oseq last_submitted() const;
    [[nodiscard]] std::map<MemberId, Peer> const& peers() const { return peers_; }
    /// Its link is up and its HELLO has come.
    [[nodiscard]] bool reaches(MemberId peer) const;
    /// This voter and the voters that it heard lately are a majority.
    [[nodiscard]] bool hears_majority(Instant now, Duration lately) const;
    /// A majority of the voters is known to have begun this epoch. They need nothing more from the
    /// voters of the one before.
    [[nodiscard]] bool majority_entered() const;
    [[nodiscard]] bool waiting() const;  // for something that other members must do
    [[nodiscard]] Vector vector() const;
    [[nodiscard]] Duration suspicion_time() const;
    /// A majority of the voters has not heard of this one for the kick time.
    [[nodiscard]] bool majority_misses(MemberId voter, Instant now) const;

  private:
    struct Turn {
        Instant now;
        Application& app;
        Output& out;
        void ignore(Ignored why) const { out.ignored.push_back(why); }
    };
    using Peers = std::map<MemberId, Peer>;
    static constexpr std::uint64_t no_claim = ~std::uint64_t{0};
    /// How many lineages a follower remembers that it left when its cluster was forced on.
    static constexpr std::size_t lineages_left_max = 16;

    // core.cc
    void on(Turn& t, LinkUp const& in);
    void on(Turn& t, LinkDown const& in);
    void on(Turn& t, Receive const& in);
    void on(Turn& t, Submit const& in);
    void on(Turn& t, Read const& in);
    void on(Turn& t, Rename const& in);
    void on(Turn& t, Ask const& in);
    void on(Turn& t, Force const& in);
    void on(Turn& t, Tick const& in);
    void on(Turn& t, EndOfTurn const& in);
    void trace(Turn& t, Happened what, std::uint64_t value = 0) const;
    void send(Turn& t, MemberId to, Message message);
    void send_to_voters(Turn& t, Message const& message);
    bool same_epoch(Turn& t, MemberId from, Peer& peer, Vector const& v);
    [[nodiscard]] bool both_vote(Turn& t, MemberId from) const;
    [[nodiscard]] Instant next_wake(Instant now) const;
    void handle(Turn& t, MemberId from, Peer& peer, Hello const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Frame const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Prevote const& m);
    void handle(Turn& t, MemberId from, Peer& peer, PrevoteReply const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Prepare const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Promise const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Accept const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Accepted const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Nack const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Sealed const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Fetch const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Decided const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Snapshot const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Forward const& m);
    void handle(Turn& t, MemberId from, Peer& peer, ReadQuery const& m);
    void handle(Turn& t, MemberId from, Peer& peer, ReadReply const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Ping const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Pong const& m);
    void handle(Turn& t, MemberId from, Peer& peer, Propose const& m);
    bool same_lineage(Turn& t, MemberId from, Peer& peer, Hello const& m);
    [[nodiscard]] bool believes(MemberId peer, Instant now) const;
    void hello_to_all(Turn& t);

    // lanes.cc: R1, R2, R3, R6
    void propose(Turn& t);
    bool window_open() const;
    bool parked() const;
    void propose_one(Batch batch);
    void skip(Turn& t);
    bool take_items(Turn& t, Peer& peer, Lane lane, Frame const& m);
    void flush(Turn& t);
    void flush_to(Turn& t, MemberId id, Peer& peer, Vector const& now);
    void note_acknowledged(Turn& t, Peer& peer);
    void stream_again(Turn& t, Peer& peer, Slot from);
    [[nodiscard]] bool may_stream(Peer const& peer) const;
    [[nodiscard]] std::optional<Items> my_items_from(Slot from) const;
    void stream(Peer& peer, Frame& frame);

    // delivery.cc: R4, R5, R10
    [[nodiscard]] Item const* next_item() const;
    [[nodiscard]] Slot known_below() const;
    [[nodiscard]] bool chosen(Slot s) const;
    [[nodiscard]] IndexSet blocked_lanes() const;
    void advance(Turn& t);
    bool deliver(Turn& t, Item const& item);
    std::optional<Configuration> take(Turn& t, Item const& item);
    std::optional<Configuration> apply(Turn& t, Batch const& batch);
    void settle_own(Oseq upto);
    void reach(Slot upto);
    void enter(Turn& t, Configuration next);
    void take_configuration(Configuration next);

    // suspicion.cc: R7
    void note_progress(Turn& t, Epoch epoch_before, Slot delivered_before);
    void note_waits(Instant now, IndexSet before);
    void doubt_self(Instant now);
    void note_standstill(Instant now);
    void suspect(Turn& t);
    void ask_prevote(Turn& t);
    [[nodiscard]] bool would_help_to_close(Instant now, Slot asker_delivered) const;
    [[nodiscard]] Duration majority_rtt(Duration Peer::*what) const;

    // sealing.cc: R8, R9
    void start_round(Turn& t);
    void promise(Turn& t, Ballot ballot);
    [[nodiscard]] Promise my_promise(Slot from) const;
    void count_promise(Turn& t, std::size_t voter, Promise promise);
    bool accept(Turn& t, MemberId from, Ballot ballot, SealValuePtr const& value);
    void retry_deferred(Turn& t);
    void count_accepted(Turn& t, std::size_t voter);
    void apply_seal(Turn& t, SealValue const& value);

    // catch_up.cc: R11
    [[nodiscard]] Position position() const { return {epoch(), delivered_}; }
    [[nodiscard]] bool is_ahead(Peer const& p) const;
    void fetch(Turn& t, MemberId from);
    void expect_nothing_of(Turn& t, MemberId peer);
    bool fetch_from_any(Turn& t, std::function<bool(Peer const&)> const& helps);
    void keep_fetching(Turn& t);
    void serve(Turn& t, MemberId to, Peer& peer, Fetch const& m);
    void serve_waiting(Turn& t);
    void take_current(Turn& t, MemberId from, Decided const& m);
    void take_ended(Turn& t, MemberId from, Decided const& m);
    [[nodiscard]] Duration fetch_patience(Instant now) const;

    // snapshots.cc: what is given to and taken from others as a whole
    void give_snapshot(Turn& t, MemberId to, Peer& peer);
    void give_piece(Turn& t, MemberId to, Peer& peer);
    static void stop_giving(Turn& t, Peer& peer);
    void stop_giving_to_those_who_do_not_ask(Turn& t);
    void ask_for_pieces(Turn& t);
    void ask_again_for_piece(Turn& t);
    [[nodiscard]] bool keep_early(MemberId from, Snapshot const& m);
    void stop_taking(Turn& t);
    void become(Turn& t, Snapshot const& m);

    // forwarding.cc
    void forward(Turn& t);
    void forward_again(Turn& t);
    [[nodiscard]] Duration forward_patience() const;
    [[nodiscard]] bool stands_in_a_lane(Batch const& batch) const;

    // forcing.cc
    void fence(Turn& t);
    void force_further(Turn& t);
    void note_arrivals(Turn& t);
    bool wait_for_further(Turn& t);
    SealValuePtr choose_forced_value();
    void finish_forcing(Turn& t, SealValue const& value);
    void forget(Turn& t);
    void leave_lineage(Lineage lineage);
    [[nodiscard]] bool has_left(Lineage lineage) const;

    // comparing.cc: is this copy the right one?
    void hear_of_copy(MemberId from, Peer& peer, Ping const& m);
    void compare(Peer& peer, CopyWord said);
    void compare_claims();
    void compare_anew();
    void judge_copy(Turn& t);
    void take_copy_anew(Turn& t);
    void drop_copy(Turn& t);

    // reads.cc
    void start_reads(Turn& t);
    void refuse_reads(Turn& t);
    void answer_reads(Turn& t);
    void ask_reads_again(Turn& t);

    // owners.cc
    void ping(Turn& t);
    void measure_blocking(Turn& t);
    void choose_owners(Turn& t);
    [[nodiscard]] std::optional<Lane> lane_to_demote(Instant now, Duration slow) const;
    [[nodiscard]] std::optional<Duration> time_of_votes(Instant now,
                                                        MemberIds const& without) const;
    void note_demotions(Turn& t, Configuration const& next);
    [[nodiscard]] bool healthy(MemberId voter, Instant now) const;
    [[nodiscard]] bool misses(Peer const& peer, Instant now) const;
    [[nodiscard]] bool lowest_healthy_owner(Instant now) const;

    // Add each new member to DOOZER_FIELDS below.
    // --- for the life of the process
    Tuning tuning_;
    MemberId me_;
    Log log_;
    std::map<MemberId, Oseq> applied_oseq_;  // one for each voter
    std::uint64_t applied_ = 0;
    std::uint64_t fingerprint_ = 0;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> fingerprints_;  // (applied, fingerprint)
    std::uint64_t next_claim_ = no_claim;    // the lowest `applied` of all claims of peers
    Instant doubted_since_ = never;          // when a voter's copy was first found to differ
    std::uint64_t doubted_from_ = no_claim;  // and after how many batches
    std::vector<Batch> own_;                 // my batches: numbered, in order, not applied yet
    std::size_t offered_ = 0;                // how many of own_ are on their way in this epoch
    Peers peers_;

    Lineage forced_from_;
    std::deque<Lineage> left_;  // of a follower, by force; the newest is the last

    // --- of this epoch
    Configuration configuration_;
    std::optional<std::size_t> my_vote_;
    std::optional<Lane> my_lane_;
    Slot delivered_;  // D
    Slot seen_;       // 1 + the highest slot of an item heard of
    PerLane<LaneCopy> lanes_;
    Acceptor acceptor_;
    Sealer sealer_;
    Ballot ballot_seen_;
    std::optional<std::pair<MemberId, Accept>> deferred_;  // waits until D reaches its base
    std::vector<Batch> forwarded_;                         // others' batches for my lane
    std::optional<Batch> control_;                         // a NEXT_EPOCH for my lane
    bool control_offered_ = false;

    // --- catching up
    struct CatchUp {
        Items items;
        Slot upto;
        std::size_t weight = 0;
        DOOZER_FIELDS(items, upto, weight);
    };
    std::optional<CatchUp> catch_up_;  // of the end of this epoch, held back until it is complete
    struct Taking {                    // a snapshot that this member takes
        MemberId from;
        std::uint64_t number = 0;
        std::uint64_t next = 0;
        std::uint64_t asked = 0;                  // every piece below was asked for
        std::uint64_t again = 0;                  // how often the next one was asked for again
        std::map<std::uint64_t, Snapshot> early;  // pieces that overtook the next one
        DOOZER_FIELDS(from, number, next, asked, again, early);
    };
    std::optional<Taking> taking_;
    std::optional<MemberId> fetching_from_;
    MemberId last_asked_;
    Instant fetched_at_;

    // --- reads
    struct ReadRound {
        std::uint64_t nonce = 0;
        std::vector<std::uint64_t> tokens;
        IndexSet answered;
        Slot upto;
        Instant asked;
        DOOZER_FIELDS(nonce, tokens, answered, upto, asked);
    };
    std::vector<std::uint64_t> reads_waiting_;
    std::deque<ReadRound> read_rounds_;
    std::uint64_t read_nonce_ = 0;

    // --- an operator's order to go on alone
    struct Forcing {
        Lineage next;
        bool leave_further = false;
        Instant until;           // unless something arrives before
        std::uint64_t mark = 0;  // a digest of all that has arrived
        Epoch epoch;             // the voters of this epoch are fenced; 0: none yet
        Ballot ballot;
        Instant asked;
        std::map<std::size_t, Promise> promises;
        DOOZER_FIELDS(next, leave_further, until, mark, epoch, ballot, asked, promises);
    };
    std::optional<Forcing> forcing_;

    // --- liveness only
    Instant blocked_since_ = never;  // when D stopped below seen
    Instant prevote_at_;
    Instant seal_round_at_ = never;  // when a closed voter tries a round of its own
    Instant doubt_until_;
    Instant wake_promised_ = never;
    Instant woke_;       // when this process ran again after it had stood still for a while
    Instant woke_late_;  // the same after a good part of the kick time
    Instant own_busy_;   // when my lane last had items
    Instant offered_at_;
    std::size_t forward_to_ = 0;
    std::uint64_t forward_tries_ = 0;  // since one of my batches was applied
    Instant pinged_at_;
    IndexSet waited_for_;  // the lanes whose frontier the next delivery waits for
    PerLane<Duration>
        lane_waited_;  // how long this delivery waited for lanes that it no longer does
    PerLane<Duration> lane_blocking_;  // smoothed time that deliveries waited for this lane
    std::uint64_t items_watched_ = 0;
    struct Demotions {
        std::uint64_t times = 0;
        Instant last;
        DOOZER_FIELDS(times, last);
    };
    std::map<MemberId, Demotions> demotions_;

    // Everything that step() reads: a core that is written and read back goes on like this one.
    DOOZER_FIELDS(tuning_, me_, log_, applied_oseq_, applied_, fingerprint_, fingerprints_,
                  next_claim_, doubted_since_, doubted_from_, own_, offered_, peers_,
                  configuration_, my_vote_, my_lane_, delivered_, seen_, lanes_, acceptor_, sealer_,
                  ballot_seen_, deferred_, forwarded_, control_, control_offered_, catch_up_,
                  taking_, fetching_from_, last_asked_, fetched_at_, reads_waiting_, read_rounds_,
                  read_nonce_, forced_from_, left_, forcing_, blocked_since_, prevote_at_,
                  seal_round_at_, doubt_until_, wake_promised_, woke_, woke_late_, own_busy_,
                  offered_at_, forward_to_, forward_tries_, pinged_at_, waited_for_, lane_waited_,
                  lane_blocking_, items_watched_, demotions_);
};

}  // namespace doozer::consensus
