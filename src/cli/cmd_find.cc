#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/tree.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    std::string const root(call.arguments[0]);
    DOOZER_TRY(Client client, call.connect());
    auto rev = call.options.revision();
    if (!rev) {
        DOOZER_TRY(rev, call.options.newest(client));
    }
    DOOZER_TRY(Stat const stat, client.stat(root, rev));
    if (!stat.exists()) return Error{Errc::noent};
    if (!stat.is_directory()) return print_foreign(call.out, root + "\n");
    DOOZER_TRY(std::vector<Event> const files,
               client.walk(root == "/" ? "/**" : root + "/**", rev));
    return print_foreign(call.out, tree(root, files));
}

}  // namespace

Command const cmd_find = {"find", "<path>", "list files",
                          R"(Prints the tree rooted at <path>

Prints the path for each file or directory, one per line.
)",
                          run};

}  // namespace doozer::cli
