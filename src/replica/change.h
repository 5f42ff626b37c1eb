// What a batch holds: mutations, in order, or new rules. One that a process wants for itself may
// carry a guard: it happens only if nobody was faster, and otherwise leaves no trace.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "replica/rules.h"
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
    /// A client's change that gives a slot to a process with which the proposer is linked. Proposed
    /// only where rules_of_willing_voters are in force: earlier releases cannot read it.
    bool vouched = false;
    bool operator==(Change const&) const = default;
};

/// A batch that is this and nothing else: from here on changes are applied by these rules. Uses no
/// revision.
std::string encode_switch(Rules to);
/// The rules that the batch is to bring; none: it holds changes.
std::optional<Rules> switch_in(std::string_view batch);

/// Appends a guard, if there is one (1 byte, revision 8, path size 2, path; numbers
/// little-endian), a byte if the change is vouched for, and the mutation as
/// store::append_mutation() does.
void append_change(std::string& batch, Change const& change);

/// Takes the first change off `batch`. REFUSES with other whatever append_change cannot have
/// written.
Result<Change> take_change(std::string_view& batch);

}  // namespace doozer::replica
