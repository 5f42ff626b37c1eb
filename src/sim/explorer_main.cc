// doozer-explore: every state of small clusters, with the real core.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "sim/explorer.h"

namespace {

constexpr char usage[] =
    "usage: doozer-explore [--quick | --large] [--list] [--scope NAME] [--message-by-message]\n"
    "                      [--states MAX] [--progress]\n"
    "Explores the scopes of the check, or fewer, or larger ones. Exits 0 if all are exhausted\n"
    "without a violation, 1 with the shortest way to a violation, 2 if it had to stop before.\n";

/// Returns the exit code for this scope.
int explore_one(doozer::sim::Scope const& scope) {
    auto const start = std::chrono::steady_clock::now();
    doozer::sim::Exploration const e = doozer::sim::explore(scope);
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    std::printf("%-46s %zu states, %s; %zu steps, depth %zu, %zu states of a member, %.1f s\n",
                scope.name.c_str(), e.states, e.exhausted ? "exhausted" : "NOT exhausted", e.steps,
                e.depth, e.members, took.count());
    std::fflush(stdout);
    if (e.violation.empty()) return e.exhausted ? 0 : 2;
    std::printf("VIOLATION: %s\n", e.violation.c_str());
    int n = 0;
    for (std::string const& step : e.path) std::printf("  %d. %s\n", ++n, step.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<doozer::sim::Scope> scopes = doozer::sim::check_scopes();
    std::string only;
    std::size_t states_max = 0;
    bool list = false;
    bool single = false;
    bool progress = false;
    for (int i = 1; i < argc; ++i) {
        std::string const arg = argv[i];
        if (arg == "--quick") {
            scopes = doozer::sim::quick_scopes();
        } else if (arg == "--large") {
            scopes = doozer::sim::large_scopes();
        } else if (arg == "--list") {
            list = true;
        } else if (arg == "--progress") {
            progress = true;
        } else if (arg == "--message-by-message") {
            single = true;
        } else if (arg == "--scope" && i + 1 < argc) {
            only = argv[++i];
        } else if (arg == "--states" && i + 1 < argc && std::atoll(argv[i + 1]) > 0) {
            states_max = static_cast<std::size_t>(std::atoll(argv[++i]));
        } else {
            std::fputs(usage, stderr);
            return 2;
        }
    }
    int worst = 0;
    for (doozer::sim::Scope& scope : scopes) {
        if (!only.empty() && scope.name != only) continue;
        if (list) {
            std::printf("%s\n", scope.name.c_str());
            continue;
        }
        if (states_max > 0) scope.states_max = states_max;
        scope.burst = scope.burst && !single;
        if (progress) {
            scope.progress = [](std::size_t depth, std::size_t states, std::size_t fresh) {
                std::fprintf(stderr, "depth %zu: %zu states, %zu of them new\n", depth, states,
                             fresh);
            };
        }
        int const code = explore_one(scope);
        if (code == 1) return 1;
        worst = std::max(worst, code);
    }
    return worst;
}
