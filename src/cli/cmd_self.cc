#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    DOOZER_TRY(std::string const id, client.self());
    return print_foreign(call.out, id);
}

}  // namespace

Command const cmd_self = {"self", "", "identify a node",
                          R"(Prints the node's ID.
)",
                          run};

}  // namespace doozer::cli
