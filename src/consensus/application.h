// The seam to whoever gives the batches a meaning: the replica, or the simulator's own.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "consensus/batch.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// What came of applying a batch.
struct Applied {
    /// The voters from now on, if the batch changed them: 1 to voters_max, sorted. The batch is
    /// then a stop sign: the epoch ends behind it, in the same step.
    std::optional<MemberIds> voters = {};
    /// A digest of the whole state after this batch. Members compare theirs.
    std::uint64_t fingerprint = 0;
    DOOZER_FIELDS(voters, fingerprint);
};

/// A part of the state on its way to another member.
struct SnapshotPiece {
    Bytes bytes;
    bool last = false;
    bool lost = false;  ///< too much has changed since it was begun: there is nothing more
};

/// The replicated state. Everything here must be a function of the batches applied so far, the
/// same on every member. Called only from within Core::step, which is not to be re-entered.
class Application {
  public:
    Application() = default;
    Application(Application const&) = default;
    Application& operator=(Application const&) = default;
    virtual ~Application() = default;

    /// The next batch of the one sequence. Batches that do not count are filtered out before.
    virtual Applied apply(Batch const& batch) = 0;
    /// An operator has made this member a cluster of its own: the state goes on with it as the only
    /// voter, at revisions that nobody of the old cluster can have given out.
    virtual Applied force(MemberId survivor) = 0;

    /// Begins to give the whole state away. What is applied while its pieces are taken is in it,
    /// too: with the last piece it is the state as it is then. Returns a number above 0 that was
    /// never returned before.
    virtual std::uint64_t begin_snapshot() = 0;
    /// The next piece. REQUIRES: begun, not ended, and none of its pieces was the last or lost.
    virtual SnapshotPiece next_piece(std::uint64_t snapshot) = 0;
    /// To be called once for each that was begun.
    virtual void end_snapshot(std::uint64_t snapshot) = 0;

    /// What comes is another state, in pieces; what had come of one before is thrown away.
    virtual void begin_install() = 0;
    /// False: this is no piece that could follow.
    virtual bool install_piece(Bytes const& piece) = 0;
    /// Replaces the whole state with the one that has come. False: it is none, and nothing was
    /// changed.
    virtual bool finish_install() = 0;
    /// No more will come.
    virtual void abandon_install() = 0;
};

}  // namespace doozer::consensus
