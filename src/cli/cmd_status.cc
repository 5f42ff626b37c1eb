#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/status_table.h"

namespace doozer::cli {
namespace {

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect_to_process());
    DOOZER_TRY(std::string const document, client.status());
    if (call.options.json) return print_foreign(call.out, document + "\n");
    auto const table = status_table(document);
    if (!table) return failure("the server's status cannot be understood");
    return print(call.out, *table);
}

void add_flags(base::Flags& flags, GlobalOptions& options) {
    flags.add_boolean("json", options.json);
}

}  // namespace

Command const cmd_status = {
    "status",
    "",
    "show the state of the cluster",
    R"(Prints what the server knows of its cluster: whether there is a majority,
and for each process its slot, id, address and state, the revision it has
applied, by how many changes it is behind, and the round trip to it.

The state is "owner" for a member that proposes changes by itself, "member"
for one whose changes go through an owner, "follower", or "away" and for how
long it was not heard. The server itself is marked with a star.

Any process answers, a follower, too, and also without a majority. With
flag -json, prints the whole document as it is.
)",
    run,
    add_flags};

}  // namespace doozer::cli
