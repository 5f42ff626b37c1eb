#include "cli/usage.h"

#include <algorithm>

#include "base/visible.h"
#include "cli/commands.h"

namespace doozer::cli {
namespace {

std::string synopsis(Command const& command) {
    std::string text(command.name);
    if (!command.parameters.empty()) text.append(" ").append(command.parameters);
    return text;
}

std::string command_list() {
    std::size_t width = 0;
    for (Command const* command : commands()) width = std::max(width, synopsis(*command).size());
    std::string text;
    for (Command const* command : commands()) {
        std::string name = synopsis(*command);
        name.resize(width, ' ');
        text.append("  ").append(name).append(" - ").append(command->summary).append("\n");
    }
    return text;
}

}  // namespace

std::string overview() {
    std::string text = R"(Use: doozer [options] <command> [options] [args]

Each command takes zero or more options and zero or more arguments.
In addition, there are some global options that can be used with any command.
The exit status is 0 on success, 1 for a rev mismatch, and 2 otherwise.

Global Options:
)";
    text += option_list;
    text += R"(
Environment:

  DOOZER_URI - The doozer cluster to bind to; overriden by -a.

  DOOZER_BOOT_URI - The DzNS to lookup address in; overriden by -b.

  DOOZER_TLSCA - The certificates to trust; overriden by -tlsca.

Commands:
)";
    return text + command_list();
}

std::string usage_of(Command const& command) {
    std::string text = "Use: doozer [options] ";
    text.append(command.name).append(" [options] ").append(command.parameters);
    return text.append("\n\n").append(command.details);
}

Outcome unknown_command(std::string_view name) {
    return {exit_usage, "Unknown command: " + base::visible_line(name) + "\n" + overview()};
}

}  // namespace doozer::cli
