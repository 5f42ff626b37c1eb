// What commands are given: a body on standard input, a revision as an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/outcome.h"
#include "doozer/client.h"

namespace doozer::cli {

/// Every byte up to the end of `in`, `limit` of them at most: more is refused, and not read. Fails
/// if the end has not come by the deadline.
base::Result<std::string, Outcome> read_body(
    std::FILE* in, std::optional<std::chrono::steady_clock::time_point> deadline = {},
    std::size_t limit = request_value_bytes_max);

/// A decimal number with an optional sign; the errors are worded like Go's strconv.
base::Result<Revision, Outcome> parse_revision(std::string_view text);

}  // namespace doozer::cli
