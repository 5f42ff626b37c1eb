#include "cli/commands.h"
#include "cli/write.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    return write(call, missing);
}

}  // namespace

Command const cmd_add = {
    "add", "<path>", "add a key only if it isn't already set",
    R"(Sets the body of the file located at <path> only if it didn't already exist.

Equivalent to

  set <path> 0

The body is read from stdin. If the file already exists,
no change will be made.

Prints the new revision on stdout, or an error message on stderr.
)",
    run};

}  // namespace doozer::cli
