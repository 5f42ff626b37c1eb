#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

Result<Event> next_change(Client& client, Invocation const& call) {
    auto from = call.options.revision();
    if (!from) {
        // The present one and not the next: a script that has just learned the revision misses
        // nothing.
        DOOZER_TRY(from, call.options.newest(client));
    }
    return client.wait(call.arguments[0], *from, call.options.timeout());
}

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    auto const event = next_change(client, call);
    if (event.ok()) return print_record(call.out, *event);
    if (event.error().code == Errc::timeout) return failure("wait timeout");
    return event.error();
}

}  // namespace

Command const cmd_wait = {"wait", "<glob>", "wait for a change",
                          R"(Prints the next change to a file matching <glob>.

If flag -r is given, prints the next change on or after <rev>.
if flag -t is given, the wait will timeout after the specified
	duration (i.e. -t 1m30s will wait 1 minute and 30 seconds,
	valid time units: "ns", "us" (or "µs"), "ms", "s", "m", "h").

Rules for <glob> pattern-matching:
 - '?' matches a single char in a single path component
 - '*' matches zero or more chars in a single path component
 - '**' matches zero or more chars in zero or more components
 - any other sequence matches itself

Output is a sequence of records, one for each change. Format of each record:

  <path> <rev> <set|del> <len> LF <body> LF

Here, <path> is the file's path, <rev> is the revision, <len> is the number of
bytes in the body, and LF is an ASCII line-feed char.
)",
                          run};

}  // namespace doozer::cli
