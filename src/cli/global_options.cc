#include "cli/global_options.h"

#include <algorithm>
#include <cstdlib>

#include "base/flags.h"
#include "base/parse.h"

namespace doozer::cli {
namespace {

/// A deadline that far ahead can still be expressed, and nobody meets it.
constexpr std::chrono::milliseconds timeout_max = std::chrono::hours(100 * 365 * 24);

/// What a command gets to connect and ask even if -t is less.
constexpr std::chrono::milliseconds command_time_min{100};

void take_variable(char const* name, std::string& target) {
    char const* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') target = value;
}

}  // namespace

std::string_view const option_list =
    "  -a string\n"
    "    \tthe address to bind to (default \"doozer:?ca=127.0.0.1:8046\")\n"
    "  -b string\n"
    "    \tthe DzNS uri\n"
    "  -durable id\n"
    "    \twait until that doozerp has the change on its disk\n"
    "  -h\tshow help\n"
    "  -l\tread what is newest anywhere, asking a majority\n"
    "  -r int\n"
    "    \trequest rev (default -1)\n"
    "  -t duration\n"
    "    \twait timeout\n"
    "  -tlsca file\n"
    "    \twhom to trust where a uri says tl=1 (default the system's certificates)\n"
    "  -v\tprint version string\n";

GlobalOptions GlobalOptions::from_environment() {
    GlobalOptions options;
    take_variable("DOOZER_URI", options.uri);
    take_variable("DOOZER_BOOT_URI", options.boot_uri);
    take_variable("DOOZER_TLSCA", options.tls_authority_file);
    return options;
}

base::Result<std::size_t> GlobalOptions::parse(std::span<std::string_view const> words,
                                               AddFlags more) {
    base::Flags flags;
    flags.add_text("a", uri);
    flags.add_text("b", boot_uri);
    flags.add_text("tlsca", tls_authority_file);
    flags.add("durable", [this](std::string_view text) -> base::Result<base::Done> {
        auto const id = base::parse_integer(text);
        if (!id.ok()) return id.error();
        if (id.value() < 1) return base::Error{base::Errc::other, "an instance is at least 1"};
        durable = id.value();
        return base::Done{};
    });
    flags.add_integer("r", rev);
    flags.add_duration("t", wait_timeout);
    flags.add_boolean("h", help);
    flags.add_boolean("help", help);
    flags.add_boolean("l", linear);
    flags.add_boolean("v", version);
    flags.add_boolean("version", version);
    if (more != nullptr) more(flags, *this);
    return flags.parse(words);
}

std::optional<Revision> GlobalOptions::revision() const {
    if (rev < 0) return std::nullopt;
    return Revision(rev);
}

At GlobalOptions::at() const {
    if (rev < 0 && linear) return doozer::linear;
    return revision();
}

std::optional<std::chrono::milliseconds> GlobalOptions::timeout() const {
    if (wait_timeout <= base::Duration(0)) return std::nullopt;
    auto const whole = std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::nanoseconds(wait_timeout.value()));
    return std::min(whole, timeout_max);
}

std::optional<std::chrono::steady_clock::time_point> GlobalOptions::deadline_from_now() const {
    auto const time = timeout();
    if (!time) return std::nullopt;
    return std::chrono::steady_clock::now() + std::max(*time, command_time_min);
}

}  // namespace doozer::cli
