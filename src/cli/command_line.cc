#include "cli/command_line.h"

#include <string>

#include "base/visible.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage.h"
#include "doozer/version.h"

namespace doozer::cli {
namespace {

Outcome print_version(std::FILE* out) {
    return print(out, std::string("doozer ") + version() + "\n");
}

Outcome run_command(Command const& command, std::span<std::string_view const> words,
                    GlobalOptions options, std::FILE* in, std::FILE* out) {
    auto const taken = options.parse(words, command.add_flags);
    if (!taken.ok())
        return {exit_failure, base::visible_line(taken.error().detail) + "\n" + overview()};
    if (options.help) return print(out, usage_of(command));
    if (options.version) return print_version(out);

    auto const arguments = words.subspan(taken.value());
    if (arguments.size() == command.parameter_count())
        return command.run({options, arguments, in, out});
    auto const printed = print(out, usage_of(command));
    if (!printed.ok()) return printed;
    return {exit_usage, std::string(command.name) + ": wrong number of arguments\n"};
}

}  // namespace

Outcome run(std::span<std::string_view const> words, GlobalOptions options, std::FILE* in,
            std::FILE* out) {
    auto const taken = options.parse(words);
    if (!taken.ok()) {
        std::string const usage = "\nUsage of doozer:\n" + std::string(option_list);
        return {exit_failure, base::visible_line(taken.error().detail) + usage};
    }
    if (options.help) return print(out, overview());
    if (options.version) return print_version(out);

    words = words.subspan(taken.value());
    if (words.empty()) return {exit_usage, "doozer: missing command\n" + overview()};
    Command const* const command = find_command(words.front());
    if (command == nullptr) return unknown_command(words.front());
    return run_command(*command, words.subspan(1), options, in, out);
}

}  // namespace doozer::cli
