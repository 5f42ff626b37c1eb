// What a batch holds: mutations, in order. One that a process wants for itself may carry a guard:
// it happens only if nobody was faster, and otherwise leaves no trace.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/mutation.h"

namespace doozer::replica {

using namespace base;

/// The change happens only if this file still has this revision (`missing`: is not there), and if
/// the mutation's own condition holds exactly. Else no revision is used, and nobody is told.
struct Guard {
    store::Path path;
    Revision rev;
    bool operator==(Guard const&) const = default;
};

struct Change {
    std::optional<Guard> guard;
    store::Mutation mutation;
    bool operator==(Change const&) const = default;
};

/// Appends a guard, if there is one (1 byte, revision 8, path size 2, path; numbers
/// little-endian), and the mutation as store::append_mutation() does.
void append_change(std::string& batch, Change const& change);

/// Takes the first change off `batch`. REFUSES with other whatever append_change cannot have
/// written.
Result<Change> take_change(std::string_view& batch);

}  // namespace doozer::replica
