#include "cli/outcome.h"

#include <utility>

#include "base/visible.h"

namespace doozer::cli {

Outcome::Outcome(int exit_status, std::string lines)
    : status(exit_status), message(std::move(lines)) {}

Outcome::Outcome(Error const& error)
    : status(error.code == Errc::rev_mismatch ? exit_rev_mismatch : exit_failure),
      message("Error: " + base::visible_line(error.message()) + "\n") {}

Outcome::Outcome(Result<Done> const& result) : Outcome(result.ok() ? Outcome() : result.error()) {}

Outcome failure(std::string_view reason) {
    return {exit_failure, "Error: " + base::visible_line(reason) + "\n"};
}

Outcome no_such_file(std::string_view path) {
    return {exit_failure, "No such file or directory: " + base::visible_line(path) + "\n"};
}

}  // namespace doozer::cli
