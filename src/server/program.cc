#include "server/program.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/machine.h"
#include "server/node.h"
#include "server/options.h"

namespace doozer::server {
namespace {

std::optional<std::string> environment(char const* name) {
    char const* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no threads yet
    if (value == nullptr) return std::nullopt;
    return value;
}

int fail(int status, std::string const& why) {
    std::fprintf(stderr, "doozerd: %s\n", why.c_str());
    return status;
}

}  // namespace

int run_program(int argc, char** argv, Release const& release) {
    std::vector<std::string_view> const words(argv + 1, argv + argc);
    auto const options = parse_options(words, environment);
    if (!options.ok()) return fail(2, options.error().detail);
    if (options.value().show_help) {
        std::fputs(std::string(usage()).c_str(), stderr);
        return 0;
    }
    if (options.value().show_version) {
        std::printf("doozerd %s\n", release.version.c_str());
        return 0;
    }
    spdlog::set_default_logger(spdlog::stderr_color_mt("doozerd"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    prepare_process();
    raise_descriptor_limit();
    for (std::string const& warning : options.value().warnings) spdlog::warn("{}", warning);

    Node node(options.value(), release);
    if (auto const ready = node.prepare(); !ready.ok()) {
        return fail(1, ready.error().detail);
    }
    if (auto const ended = node.run(); !ended.ok()) return fail(1, ended.error().detail);
    return 0;
}

}  // namespace doozer::server
