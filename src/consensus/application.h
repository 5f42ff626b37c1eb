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
    /// The whole state as bytes, for install() on another member.
    [[nodiscard]] virtual Bytes snapshot() const = 0;
    /// Replaces the whole state. False: these bytes are no snapshot, and nothing was changed.
    virtual bool install(Bytes const& snapshot) = 0;
};

}  // namespace doozer::consensus
