// What commands print.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "cli/outcome.h"
#include "doozer/event.h"

namespace doozer::cli {

/// Writes all of `text`, at once: nothing stays in a buffer. Fails if it cannot be written.
Outcome print(std::FILE* out, std::string_view text);

/// The same for what others have written. On a terminal control characters are shown and not
/// obeyed; anywhere else every byte is as it was.
Outcome print_foreign(std::FILE* out, std::string_view text);
Outcome print_record(std::FILE* out, Event const& event);

/// Fails, as the next print() would, if `out` is a pipe whose reader is gone.
Outcome check_reader(std::FILE* out);

/// The number and a newline.
Outcome print_line(std::FILE* out, Revision rev);

/// What print_record() prints where that is no terminal:
/// `<path> <rev> <set|del> <len>` LF body LF; the third field of a NOP is empty. Source:
/// doozer(1), wait.
std::string record(Event const& event);

}  // namespace doozer::cli
