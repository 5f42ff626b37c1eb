#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/status_table.h"

namespace doozer::cli {
namespace {

std::string warning_of(StatusOfProcess const& process) {
    return "This makes " + process.id + " at " + process.address + " the only member of cluster " +
           process.cluster +
           ".\nThe other members never take part again. Changes that only they know are lost. If a"
           "\nmajority of them lives on somewhere, there are two clusters from now on.\n"
           "Type the name of the cluster to go on: ";
}

/// A line, without its end.
std::string read_line(std::FILE* in) {
    std::string line;
    for (int c = std::fgetc(in); c != EOF && c != '\n' && line.size() < 1024; c = std::fgetc(in)) {
        line += static_cast<char>(c);
    }
    return line;
}

Outcome run(Invocation const& call) {
    std::string name = call.options.confirmed_name;
    bool const ask = name.empty();
    if (ask && isatty(fileno(call.in)) == 0) {
        return failure(
            "this is done only if the cluster's name is typed on a terminal or given by -confirm");
    }
    DOOZER_TRY(Uri const uri, parse_uri(call.options.uri));
    if (uri.addresses.size() != 1) {
        return failure("the uri must have one address: that of the process that is to go on");
    }
    DOOZER_TRY(Client client, call.connect_to_process());
    DOOZER_TRY(std::string const document, client.status());
    auto const process = process_in(document);
    if (!process) return failure("the server's status cannot be understood");
    if (ask) {
        std::fputs(warning_of(*process).c_str(), stderr);
        name = read_line(call.in);
    }
    if (name != process->cluster) {
        return failure("the cluster at " + process->address + " is not called \"" + name +
                       "\": nothing was done");
    }
    DOOZER_TRY(Revision const rev, client.force(name, process->id, call.options.others_are_dead,
                                                call.options.leave_further));
    return print_line(call.out, rev);
}

void add_flags(base::Flags& flags, GlobalOptions& options) {
    flags.add_text("confirm", options.confirmed_name);
    flags.add_boolean("yes", options.others_are_dead);
    flags.add_boolean("leave", options.leave_further);
}

}  // namespace

Command const cmd_force = {
    "force",
    "",
    "go on without a majority",
    R"(Makes the server, a member of a cluster whose majority is lost for good, the
only member of that cluster. Everything that it knows, and that members
which it can still reach know, is kept; other members are shut out for ever
and have to be started anew.

The server refuses it while it hears a majority, or if it has heard a member
that does not answer within -timeout. With flag -yes it is done although
members were heard a short time ago: only if you know that they are dead,
since a majority that is merely cut off goes on as a cluster of its own.

If a process that the server reaches knows more, the server takes it over,
however long that takes. If nothing arrives for 2 s, nothing is done, and the
answer says which process it is and how far each of them is. With flag -leave,
what only that process knows is left behind.

The cluster's name has to be typed on a terminal, or given with flag
-confirm.

Prints the revision from which the cluster goes on.
)",
    run,
    add_flags};

}  // namespace doozer::cli
