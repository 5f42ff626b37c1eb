#include "base/result.h"
#include "cli/commands.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    return client.nop();
}

}  // namespace

Command const cmd_nop = {"nop", "", "consensus",
                         R"(Performs a consensus operation.

No change will be made to the data store.
)",
                         run};

}  // namespace doozer::cli
