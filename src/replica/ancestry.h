// The stores that a store continues. A client that has used one of them may go on with this one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "consensus/types.h"
#include "replica/state.h"

namespace doozer::replica {

using base::Revision;

/// The file that holds it, in clusters that were forced on or restored. It is a file so that a
/// process that joins later knows it, too.
inline constexpr char const* ancestry_path = "/ctl/lineage";
/// How many lineages that FORCE has ended a store remembers.
inline constexpr std::size_t ancestors_max = 16;

struct Ancestry {
    /// The lineages that FORCE has ended, the newest first; at most ancestors_max.
    std::vector<std::string> lineages = {};
    /// The cluster was founded from a journal and goes on from this revision; otherwise `missing`.
    Revision restored_at = base::missing;

    bool operator==(Ancestry const&) const = default;
};

/// 32 hexadecimal digits.
std::string text_of(consensus::Lineage const& lineage);

/// The file's content: a line for each lineage, and "journal <revision>" if it was restored.
std::string text_of(Ancestry const& ancestry);

/// The same after FORCE has ended this lineage.
Ancestry forced_on(Ancestry before, consensus::Lineage const& ended);

/// Passes over lines that make no sense: every client that may write may write there.
Ancestry parse_ancestry(std::string_view text);

/// What the tree says.
Ancestry ancestry_in(State const& state);

/// Writes it into the tree: a change that uses a revision. Only for a process that is the whole
/// cluster; all other processes get it with their copy of the state.
store::Applied write_ancestry(Ancestry const& ancestry, State& state);

}  // namespace doozer::replica
