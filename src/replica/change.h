// What a batch holds: mutations, in order, or new rules. A change that a process wants for itself
// may carry a guard: it is made only if no other process was faster, and otherwise leaves no trace.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "replica/rules.h"
#include "store/mutation.h"

namespace doozer::replica {

using namespace base;

/// The change is made only if this file still has this revision (`missing`: does not exist), and if
/// the mutation's own condition is met exactly. Otherwise it uses no revision, and no client hears
/// of it: racing orders of several members leave no trace.
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

/// A batch that holds only this: from here on members apply changes by these rules. Uses no
/// revision.
std::string encode_switch(Rules to);
/// The rules that the batch brings; none: it holds changes.
std::optional<Rules> switch_in(std::string_view batch);

/// Appends a guard, if there is one (1 byte, revision 8, path size 2, path; numbers
/// little-endian), a byte if the change is vouched for, and the mutation as
/// store::append_mutation() does.
void append_change(std::string& batch, Change const& change);

/// Takes the first change off `batch`. REFUSES with other any bytes that append_change cannot have
/// written.
Result<Change> take_change(std::string_view& batch);

}  // namespace doozer::replica
