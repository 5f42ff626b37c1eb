// A STATUS can be asked for a part of what it tells.
#pragma once

#include <string_view>

namespace doozer::base {

/// The path of such a STATUS: which store this is. Source: docs/protocol.md, Status.
inline constexpr std::string_view status_lineage = "lineage";

}  // namespace doozer::base
