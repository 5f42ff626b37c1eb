#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    Command const* const command = find_command(call.arguments[0]);
    if (command == nullptr) return unknown_command(call.arguments[0]);
    return print(call.out, usage_of(*command));
}

}  // namespace

Command const cmd_help = {"help", "<command>", "provide detailed help on a command", "", run};

}  // namespace doozer::cli
