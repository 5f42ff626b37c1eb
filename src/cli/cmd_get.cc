#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    DOOZER_TRY(File const file, client.get(call.arguments[0], call.options.at()));
    if (!file.exists()) return no_such_file(call.arguments[0]);
    return print_foreign(call.out, file.value);
}

}  // namespace

Command const cmd_get = {"get", "<path>", "read a file",
                         R"(Prints the body of the file at <path>.
)",
                         run};

}  // namespace doozer::cli
