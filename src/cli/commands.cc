#include "cli/commands.h"

#include <array>

namespace doozer::cli {

std::span<Command const* const> commands() {
    static constexpr std::array<Command const*, 15> table = {
        &cmd_add,  &cmd_del, &cmd_find, &cmd_force,  &cmd_get,   &cmd_help, &cmd_nop,   &cmd_rev,
        &cmd_self, &cmd_set, &cmd_stat, &cmd_status, &cmd_touch, &cmd_wait, &cmd_watch,
    };
    return table;
}

Command const* find_command(std::string_view name) {
    for (Command const* command : commands()) {
        if (command->name == name) return command;
    }
    return nullptr;
}

}  // namespace doozer::cli
