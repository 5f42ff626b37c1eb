// What add and set do, which differ in the condition only.
#pragma once

#include "cli/command.h"

namespace doozer::cli {

/// Writes what is on standard input to the file that the first argument names, and prints the new
/// revision.
Outcome write(Invocation const& call, Revision condition);

}  // namespace doozer::cli
