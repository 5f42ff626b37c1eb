// doozer [options] <command> [options] [args]
#pragma once

#include <cstdio>
#include <span>
#include <string_view>

#include "cli/global_options.h"
#include "cli/outcome.h"

namespace doozer::cli {

/// Does what the words (without the program's name) say. Bodies are read from `in`, results are
/// written to `out`; what belongs on standard error is returned.
Outcome run(std::span<std::string_view const> words, GlobalOptions options, std::FILE* in,
            std::FILE* out);

}  // namespace doozer::cli
