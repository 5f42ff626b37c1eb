// What the program says about itself.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace doozer::cli {

/// Options, environment and commands.
std::string overview();

/// How to use one command.
std::string usage_of(Command const& command);

/// exit_usage with "Unknown command: <name>" and the overview.
Outcome unknown_command(std::string_view name);

}  // namespace doozer::cli
