// What a command is, and what it is given.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>

#include "cli/global_options.h"
#include "cli/outcome.h"
#include "doozer/client.h"

namespace doozer::cli {

/// One run of a command.
struct Invocation {
    GlobalOptions const& options;
    std::span<std::string_view const> arguments;  ///< as many as the command takes
    std::FILE* in;
    std::FILE* out;

    /// Connects to the cluster that the options name. `request_timeout` as in doozer::Options.
    [[nodiscard]] Result<Client> connect(
        std::optional<std::chrono::milliseconds> request_timeout = {}) const;
};

struct Command {
    std::string_view name;
    std::string_view parameters;  ///< "<path> <rev>": as many as it takes, each in angle brackets
    std::string_view summary;     ///< a few words, for the list of commands
    std::string_view details;     ///< paragraphs, for the help of the command
    Outcome (*run)(Invocation const&);

    [[nodiscard]] std::size_t parameter_count() const;
};

}  // namespace doozer::cli
