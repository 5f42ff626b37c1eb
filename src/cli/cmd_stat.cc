#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    DOOZER_TRY(Stat const stat, client.stat(call.arguments[0], call.options.at()));
    if (!stat.exists()) return no_such_file(call.arguments[0]);
    std::string const what = stat.is_directory() ? "d" : std::to_string(stat.rev.value());
    return print(call.out, what + " " + std::to_string(stat.len) + "\n");
}

}  // namespace

Command const cmd_stat = {"stat", "<path>", "print file status",
                          R"(Print the status for each <path>.

If path is a directory, prints "d" and the number of entries.
Otherwise, prints its revision and length.
)",
                          run};

}  // namespace doozer::cli
