// How a command ends, and how errors become that.
#pragma once

#include <string>
#include <string_view>

#include "doozer/error.h"

namespace doozer::cli {

/// The exit statuses. Source: doozer(1).
inline constexpr int exit_success = 0;
inline constexpr int exit_rev_mismatch = 1;
inline constexpr int exit_failure = 2;
inline constexpr int exit_usage = 127;

struct Outcome {
    int status = exit_success;
    std::string message = {};  ///< for standard error: whole lines, or nothing

    Outcome() = default;
    Outcome(int exit_status, std::string lines);
    /// "Error: REV_MISMATCH", "Error: OTHER: permission denied". Implicit, so that DOOZER_TRY
    /// passes the library's errors on.
    Outcome(Error const& error);          // NOLINT(*-explicit-*)
    Outcome(Result<Done> const& result);  // NOLINT(*-explicit-*)

    [[nodiscard]] bool ok() const { return status == exit_success; }
    bool operator==(Outcome const&) const = default;
};

/// exit_failure with the line "Error: <reason>".
Outcome failure(std::string_view reason);

/// exit_failure with the line "No such file or directory: <path>".
Outcome no_such_file(std::string_view path);

}  // namespace doozer::cli
