#include <algorithm>
#include <cstdio>

#include "base/result.h"
#include "base/visible.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace doozer::cli {
namespace {

/// How often a watch that sees nothing looks whether anybody still reads what it prints.
constexpr std::chrono::seconds reader_check_period{1};

/// How long to wait for the next event; not above 0 when the command's time is over.
std::chrono::milliseconds patience_of(Invocation const& call) {
    if (!call.deadline) return reader_check_period;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(
        *call.deadline - std::chrono::steady_clock::now());
    return std::min<std::chrono::milliseconds>(left, reader_check_period);
}

/// An error that is not the watch's end.
bool is_notice(Error const& error, Invocation const& call) {
    return call.options.begin_anew && error.code == Errc::other_store;
}

Outcome run(Invocation const& call) {
    DOOZER_TRY(Client client, call.connect());
    DOOZER_TRY(Watch watch, client.watch(call.arguments[0], call.options.revision()));
    for (auto patience = patience_of(call); patience.count() > 0; patience = patience_of(call)) {
        auto const event = watch.next(patience);
        bool const quiet = !event.ok() && event.error().code == Errc::timeout;
        if (!event.ok() && is_notice(event.error(), call)) {
            std::fputs((base::visible_line(event.error().message()) + "; beginning anew\n").c_str(),
                       stderr);
            continue;
        }
        if (!event.ok() && !quiet) return event.error();
        auto const printed = quiet ? check_reader(call.out) : print_record(call.out, *event);
        if (!printed.ok()) return printed;
    }
    return failure("wait timeout");
}

void add_flags(base::Flags& flags, GlobalOptions& options) {
    flags.add_boolean("anew", options.begin_anew);
}

}  // namespace

Command const cmd_watch = {"watch",
                           "<glob>",
                           "watch for a change",
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
                           run,
                           add_flags};

}  // namespace doozer::cli
