#include "cli/write.h"

#include "base/result.h"
#include "cli/input.h"
#include "cli/output.h"

namespace doozer::cli {

Outcome write(Invocation const& call, Revision condition) {
    DOOZER_TRY(Writer client, call.connect_to_write());
    DOOZER_TRY(std::string const body, read_body(call.in, call.deadline));
    DOOZER_TRY(Revision const rev, client.set(call.arguments[0], body, condition));
    return print_line(call.out, rev);
}

}  // namespace doozer::cli
