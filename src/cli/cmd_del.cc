#include "base/result.h"
#include "cli/commands.h"
#include "cli/input.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Revision const condition, parse_revision(call.arguments[1]));
    DOOZER_TRY(Writer client, call.connect_to_write());
    return client.del(call.arguments[0], condition);
}

}  // namespace

Command const cmd_del = {"del", "<path> <rev>", "delete a file",
                         R"(Deletes the file at <path>.

If <rev> is not greater than or equal to the revision of the file,
no change will be made.
)",
                         run};

}  // namespace doozer::cli
