#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    DOOZER_TRY(Revision const rev, call.options.newest(client));
    return print_line(call.out, rev);
}

}  // namespace

Command const cmd_rev = {"rev", "", "show current revision",
                         R"(Prints the current revision of the store.
)",
                         run};

}  // namespace doozer::cli
