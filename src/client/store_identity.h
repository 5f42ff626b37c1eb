// Which store a server serves, so that a client notices when a server comes back with another one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace doozer::client {

/// How many ancestors of a store are read.
inline constexpr std::size_t store_ancestors_max = 64;

/// What the answer to STATUS says. Source: docs/protocol.md, Status.
struct StoreIdentity {
    std::string lineage = {};  ///< empty: the server does not tell, as the original
    std::vector<std::string> ancestors = {};
    /// The revision at which the cluster went on that was founded from a journal; or missing.
    base::Revision restored_at = base::missing;

    [[nodiscard]] bool is_known() const { return !lineage.empty(); }

    /// Whether this is the store `before`, or was made from it by FORCE or from its journal. A
    /// journal does not name its lineage; so any restored store will do if it gives out no revision
    /// that the client, which has met `seen`, may have met already.
    /// REQUIRES: both are known.
    [[nodiscard]] bool continues(StoreIdentity const& before, base::Revision seen) const;
};

/// Reads these fields; one that is missing, or is something else, is not known.
StoreIdentity parse_store(std::string_view document);

}  // namespace doozer::client
