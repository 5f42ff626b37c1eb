// The table of commands; each is defined in the file of its name, cmd_<name>.cc.
#pragma once

#include <span>
#include <string_view>

#include "cli/command.h"

namespace doozer::cli {

extern Command const cmd_add;
extern Command const cmd_del;
extern Command const cmd_find;
extern Command const cmd_force;
extern Command const cmd_get;
extern Command const cmd_help;
extern Command const cmd_nop;
extern Command const cmd_rev;
extern Command const cmd_self;
extern Command const cmd_set;
extern Command const cmd_stat;
extern Command const cmd_status;
extern Command const cmd_touch;
extern Command const cmd_wait;
extern Command const cmd_watch;

/// All of them, in the order of their names.
std::span<Command const* const> commands();

/// Null if there is no command of that name.
Command const* find_command(std::string_view name);

}  // namespace doozer::cli
