// The rules by which changes are applied. All members must apply a change alike. So a program with
// new rules begins by the old ones, and goes over with a change of its own, when every process of
// the cluster is known to have the new ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace doozer::replica {

/// Numbered from 1. The form of the snapshot belongs to the rules: it begins with their number.
using Rules = std::uint8_t;

/// From these rules on only a process that is linked with the members gets a vote, and /ctl/cal
/// takes a bounded number of entries. See decision 0016.
inline constexpr Rules rules_of_willing_voters = 2;

/// Which release brought which rules.
struct RulesTable {
    /// At index n, the first release (major, minor) that knows rules n + 1. Not empty.
    std::vector<std::pair<int, int>> since = {{1, 0}, {1, 1}};
    /// The version of the program that has this table.
    std::string release = {};

    [[nodiscard]] Rules newest() const { return static_cast<Rules>(since.size()); }
    /// Whether a process of this version, as in /ctl/node/<id>/version, knows these rules. All know
    /// the first, whatever their version says. REQUIRES: 1 <= rules <= newest().
    [[nodiscard]] bool are_known_to(std::string_view version, Rules rules) const;
    /// Whether a process of this version may know rules that this table does not have.
    [[nodiscard]] bool is_newer(std::string_view version) const;
};

}  // namespace doozer::replica
