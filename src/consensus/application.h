// The interface to the state that batches change: the replica's, or the simulator's own.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "consensus/batch.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// The result of applying a batch.
struct Applied {
    /// The voters from now on, if the batch changed them: 1 to voters_max, sorted. The batch is
    /// then a stop sign: the epoch ends with it, in the same step.
    std::optional<MemberIds> voters = {};
    /// A digest of the whole state after this batch. Members compare theirs.
    std::uint64_t fingerprint = 0;
    DOOZER_FIELDS(voters, fingerprint);
};

/// A part of the state on its way to another member.
struct SnapshotPiece {
    Bytes bytes;
    bool last = false;
    bool lost = false;  ///< too much has changed since it was begun: no further piece exists
};

/// The replicated state. Everything here must be a function of the batches applied so far, the
/// same on every member. Core::step calls it, and must not be called from it.
class Application {
  public:
    Application() = default;
    Application(Application const&) = default;
    Application& operator=(Application const&) = default;
    virtual ~Application() = default;

    /// Applies the next batch of the one sequence. The core filters out batches that do not count.
    virtual Applied apply(Batch const& batch) = 0;
    /// An operator is making this member a cluster of its own: force() follows in this step. What
    /// is applied until then may have had another place on a member that is dead.
    virtual void begin_force() {}
    /// An operator has made this member a cluster of its own: the state goes on with it as the only
    /// voter, at revisions that no member of the old cluster can have given out.
    virtual Applied force(MemberId survivor) = 0;

    /// Begins to give the whole state away. It includes batches that are applied while its pieces
    /// are taken: with the last piece it is the state as it is then. Returns a number above 0 that
    /// was never returned before.
    virtual std::uint64_t begin_snapshot() = 0;
    /// The next piece. REQUIRES: begun, not ended, and none of its pieces was the last or lost.
    virtual SnapshotPiece next_piece(std::uint64_t snapshot) = 0;
    /// To be called once for each snapshot that was begun.
    virtual void end_snapshot(std::uint64_t snapshot) = 0;

    /// The state is about to be replaced by a snapshot, in pieces. Throws away the pieces of an
    /// earlier one.
    virtual void begin_install() = 0;
    /// Takes the next piece. False: this piece cannot follow.
    virtual bool install_piece(Bytes const& piece) = 0;
    /// Replaces the whole state with the snapshot. False: the pieces are no state, and nothing was
    /// changed.
    virtual bool finish_install() = 0;
    /// No further piece will come.
    virtual void abandon_install() = 0;
};

}  // namespace doozer::consensus
