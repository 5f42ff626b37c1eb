// What members say to each other. Each message arrives on an authenticated link, in order while
// the link lives; its sender is the link's peer and never a field. docs/consensus.md says
// what each is for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "consensus/batch.h"
#include "consensus/hasher.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// What a member has delivered, seen and accepted; every message carries it. All of it only grows
/// while the epoch lasts, so a late vector does no harm, and the next one makes up for a lost one.
struct Vector {
    Epoch epoch;
    Slot delivered;       // D: every slot below is delivered
    Slot seen;            // X: 1 + the highest slot of an item heard of
    bool closed = false;  // has promised a ballot: changes no lane of this epoch any more
    Frontier upto;        // U of each lane; no lanes: not a voter
    bool operator==(Vector const&) const = default;
    DOOZER_FIELDS(epoch, delivered, seen, closed, upto);
};

/// The first message on a link, and one to everybody when an epoch is entered.
struct Hello {
    Vector vector;
    Lineage lineage;
    Lineage forced_from = {};  // the lineage that an operator made this one of; zero: none
    DOOZER_FIELDS(vector, lineage, forced_from);
};

/// The sender's own lane from slot `from` up to vector.upto[its lane]: the items in it. Every other
/// slot in between is skipped for good. Without a lane, or without news of it, it is just a vector.
struct Frame {
    Vector vector;
    Slot from;
    Items items;
    DOOZER_FIELDS(vector, from, items);
};

/// May I close this epoch? And the answer.
struct Prevote {
    Vector vector;
    DOOZER_FIELDS(vector);
};
struct PrevoteReply {
    Vector vector;
    bool yes = false;
    DOOZER_FIELDS(vector, yes);
};

/// What a seal decides: the final contents of all lanes from `base` on, and who owns lanes next.
struct SealValue {
    Slot base;      // some voter has delivered everything below
    Frontier upto;  // where each lane ends: slots at or above are void
    Items items;    // every item in [base, upto)
    MemberIds owners;
    Ballot tag;  // the ballot that first proposed it
    bool operator==(SealValue const&) const = default;
    DOOZER_FIELDS(base, upto, items, owners, tag);
};
using SealValuePtr = std::shared_ptr<SealValue const>;

struct Prepare {
    Vector vector;
    Ballot ballot;
    DOOZER_FIELDS(vector, ballot);
};
struct Promise {
    Vector vector;
    Ballot ballot;
    Ballot accepted;     // the highest ballot accepted so far, 0: none
    SealValuePtr value;  // what was accepted; null: none
    IndexSet blocked;    // the lanes that the sender waits for
    Items items;         // undelivered items of all lanes
    DOOZER_FIELDS(vector, ballot, accepted, value, blocked, items);
};
struct Accept {
    Vector vector;
    Ballot ballot;
    SealValuePtr value;
    DOOZER_FIELDS(vector, ballot, value);
};
struct Accepted {
    Vector vector;
    Ballot ballot;
    DOOZER_FIELDS(vector, ballot);
};
/// The ballot offered is not above `promised`.
struct Nack {
    Vector vector;
    Ballot promised;
    DOOZER_FIELDS(vector, promised);
};
/// A majority accepted this value.
struct Sealed {
    Vector vector;
    SealValuePtr value;
    DOOZER_FIELDS(vector, value);
};

/// Send me what follows (vector.epoch, from). A voter gets an answer at once, a follower when there
/// is news.
struct Fetch {
    Vector vector;
    Slot from;
    std::uint64_t snapshot = 0;  // instead: this piece of the snapshot of this number; 0: none
    std::uint64_t piece = 0;
    DOOZER_FIELDS(vector, from, snapshot, piece);
};
/// What was delivered of one epoch in [from, upto), and how it ended if it did.
struct Decided {
    Vector vector;
    Epoch epoch;
    Slot from;
    Items items;
    Slot upto;
    std::optional<Configuration> end;  // only once upto is the last slot of the epoch
    DOOZER_FIELDS(vector, epoch, from, items, upto, end);
};
/// The whole state, in pieces, for a process that lacks more than the log holds. All pieces
/// together are the state as of the last of them.
struct Snapshot {
    Vector vector;
    Configuration configuration;
    Slot delivered;
    Lineage forced_from;
    std::map<MemberId, Oseq> applied_oseq;
    std::uint64_t applied = 0;  // batches applied since the cluster was founded
    std::uint64_t fingerprint = 0;
    std::uint64_t number = 0;  // of this snapshot, among those of its sender
    std::uint64_t piece = 0;   // from 0 on
    bool last = false;
    Bytes state;  // a piece of the application's
    DOOZER_FIELDS(vector, configuration, delivered, forced_from, applied_oseq, applied, fingerprint,
                  number, piece, last, state);
};

/// From a voter that owns no lane: put this into yours.
struct Forward {
    Vector vector;
    Batch batch;
    DOOZER_FIELDS(vector, batch);
};

/// A linear read: what have you seen?
struct ReadQuery {
    Vector vector;
    std::uint64_t nonce = 0;
    DOOZER_FIELDS(vector, nonce);
};
struct ReadReply {
    Vector vector;
    std::uint64_t nonce = 0;
    DOOZER_FIELDS(vector, nonce);
};

/// What a member tells people about itself; no rule looks at it. The application fills it.
struct Figures {
    Revision revision;       // applied so far
    PerLane<Duration> rtts;  // to each voter of the sender's epoch; 0: not measured
    DOOZER_FIELDS(revision, rtts);
};

struct Ping {
    Vector vector;
    Instant sent;     // of the sender's clock, returned by the answer
    IndexSet silent;  // voters not heard of for the kick time
    std::uint64_t applied = 0;
    std::uint64_t fingerprint = 0;  // of the state after `applied` batches
    Figures figures = {};
    DOOZER_FIELDS(vector, sent, silent, applied, fingerprint, figures);
};
struct Pong {
    Vector vector;
    Instant sent;
    DOOZER_FIELDS(vector, sent);
};

/// From a process without a vote: submit this as yours. There is no answer: the sender sees whether
/// it is applied.
struct Propose {
    Vector vector;
    Bytes payload;
    DOOZER_FIELDS(vector, payload);
};

using Message = std::variant<Hello, Frame, Prevote, PrevoteReply, Prepare, Promise, Accept,
                             Accepted, Nack, Sealed, Fetch, Decided, Snapshot, Forward, ReadQuery,
                             ReadReply, Ping, Pong, Propose>;

inline Vector const& vector_of(Message const& m) {
    return std::visit([](auto const& x) -> Vector const& { return x.vector; }, m);
}
/// The name a person reads in a trace.
char const* name_of(Message const& m);
/// The same by the index in the variant. REQUIRES: there is such an alternative.
char const* name_of_kind(std::size_t kind);
Digest digest_of(Message const& m);

}  // namespace doozer::consensus
