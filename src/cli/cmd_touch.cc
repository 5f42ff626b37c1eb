#include "base/result.h"
#include "cli/commands.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    std::string_view const path = call.arguments[0];
    DOOZER_TRY(Writer client, call.connect_to_write());
    for (;;) {
        DOOZER_TRY(File const file, client.get(path));
        auto const touched = client.set(path, file.value, file.rev);
        if (touched.ok()) return {};
        // Somebody else wrote in between: theirs is the body to keep.
        if (touched.error().code != Errc::rev_mismatch) return touched.error();
    }
}

}  // namespace

Command const cmd_touch = {"touch", "<path>", "update rev of a file",
                           R"(Attempts to update the rev of a file to a value greater than
the current rev. If a file does not exist, it will be created.
)",
                           run};

}  // namespace doozer::cli
