// What linked processes say of themselves: which revision they have applied, and how long their
// round trips take. For people to see; no rule depends on it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "consensus/core.h"

namespace doozer::replica {

using namespace base;
using consensus::MemberId;

/// A process that was not heard for so long is shown to people as away.
inline constexpr Duration heard_lately = seconds(1);

struct Neighbour {
    Revision revision;                  ///< what it had applied when it told so,
    std::int64_t behind = 0;            ///< how many fewer that was than here,
    Instant at;                         ///< and when
    std::map<MemberId, Duration> rtts;  ///< of its round trips to voters

    /// How many changes it lacks, as far as is known; if it has become silent, all changes since.
    [[nodiscard]] std::int64_t lag(Instant now, Revision newest) const {
        if (now - at <= heard_lately) return behind;
        return std::max<std::int64_t>(newest.value() - revision.value(), 0);
    }
};

class Neighbours {
  public:
    /// What this process tells of itself with a PING.
    static consensus::Figures figures(consensus::Core const& core, Revision revision);

    /// A PING has come. REQUIRES: core.reaches(peer).
    void heard(Instant now, MemberId peer, consensus::Ping const& ping, consensus::Core const& core,
               Revision revision);
    /// A link is lost: forgets the processes that the core has forgotten.
    void forget_gone(consensus::Core const& core);

    /// Null: it has said nothing yet.
    [[nodiscard]] Neighbour const* find(MemberId peer) const;

  private:
    std::map<MemberId, Neighbour> neighbours_;
};

}  // namespace doozer::replica
