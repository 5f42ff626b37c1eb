#include "base/result.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/write.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Revision const condition, parse_revision(call.arguments[1]));
    return write(call, condition);
}

}  // namespace

Command const cmd_set = {"set", "<path> <rev>", "write a file",
                         R"(Sets the body of the file at <path>.

The body is read from stdin. If <rev> is not greater than or equal to
the revision of the file, no change will be made.

Prints the new revision on stdout, or an error message on stderr.
)",
                         run};

}  // namespace doozer::cli
