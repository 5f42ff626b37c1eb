#include "base/result.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

/// How often a watch that sees nothing looks whether anybody still reads what it prints.
constexpr std::chrono::seconds reader_check_period{1};

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    DOOZER_TRY(Watch watch, client.watch(call.arguments[0], call.options.revision()));
    for (;;) {
        auto const event = watch.next(reader_check_period);
        bool const quiet = !event.ok() && event.error().code == Errc::timeout;
        if (!event.ok() && !quiet) return event.error();
        auto const printed = quiet ? check_reader(call.out) : print(call.out, record(*event));
        if (!printed.ok()) return printed;
    }
}

}  // namespace

Command const cmd_watch = {"watch", "<glob>", "watch for a change",
                           R"(Prints changes to any file matching <glob>.

If flag -r is given, prints changes beginning on <rev>.

Rules for <glob> pattern-matching:
 - '?' matches a single char in a single path component
 - '*' matches zero or more chars in a single path component
 - '**' matches zero or more chars in zero or more components
 - any other sequence matches itself

Output is a sequence of records, one for each change. Format of each record:

  <path> <rev> <set|del> <len> LF <body> LF

Here, <path> is the file's path, <rev> is the revision of the change,
<len> is the number of bytes in the body, and LF is an ASCII line-feed char.
)",
                           run};

}  // namespace doozer::cli
