// doozer-sim: whole clusters in one thread, virtual time, a hostile network, and a seed.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "sim/latency.h"
#include "sim/replay.h"
#include "sim/scenario.h"
#include "sim/simulator.h"

namespace {

using doozer::sim::RunOptions;
using doozer::sim::RunResult;

struct Options {
    std::size_t members = 3;
    std::uint64_t seeds = 60;
    std::uint64_t first_seed = 1;
    std::size_t operations = 120;
    bool trace = false;
    bool calm = false;
    std::string scenario;
    std::string recording;
    std::string stories;  // the directory that failing seeds are written to
    bool latency = false;
};

constexpr char usage[] =
    "usage: doozer-sim [--members n] [--seeds N] [--first-seed S] [--operations n] [--trace]\n"
    "                  [--calm] [--stories DIR]\n"
    "       doozer-sim [--trace] --scenario FILE\n"
    "       doozer-sim --replay FILE\n"
    "       doozer-sim [--members n] --latency\n"
    "Runs N simulated clusters of n members (1 to 7), with the seeds S, S+1, ... Exits 0 if every\n"
    "checker is content with all of them, else 1. --trace prints what happened in each.\n"
    "--calm: an operation a second and a fault a minute of the cluster's time, not all at once.\n"
    "--stories writes a scenario file for each seed that fails.\n"
    "--latency says how many round trips a write takes in a healthy and in an ill cluster.\n"
    "--replay repeats what the flight recorder of a member has kept, with a line for each input;\n"
    "exits 0 if all went as it did then, 1 if not, 2 if the file is no recording.\n";

bool parse_number(char const* text, std::uint64_t& into) {
    char const* const end = text + std::strlen(text);
    auto const [rest, error] = std::from_chars(text, end, into);
    return error == std::errc() && rest == end;
}

bool parse(int argc, char** argv, Options& o) {
    for (int i = 1; i < argc; ++i) {
        std::string const name = argv[i];
        if (name == "--trace") {
            o.trace = true;
            continue;
        }
        if (name == "--calm") {
            o.calm = true;
            continue;
        }
        if (name == "--scenario" && i + 1 < argc) {
            o.scenario = argv[++i];
            continue;
        }
        if (name == "--stories" && i + 1 < argc) {
            o.stories = argv[++i];
            continue;
        }
        if (name == "--latency") {
            o.latency = true;
            continue;
        }
        if (name == "--replay" && i + 1 < argc) {
            o.recording = argv[++i];
            continue;
        }
        std::uint64_t value = 0;
        if (++i >= argc || !parse_number(argv[i], value)) return false;
        if (name == "--members" && value >= 1 && value <= 7) {
            o.members = value;
        } else if (name == "--seeds" && value >= 1) {
            o.seeds = value;
        } else if (name == "--first-seed") {
            o.first_seed = value;
        } else if (name == "--operations" && value >= 100) {
            o.operations = value;
        } else {
            return false;
        }
    }
    return true;
}

void print_failures(Options const& o, std::uint64_t seed, RunResult const& r) {
    std::printf("seed %llu FAILED\n", static_cast<unsigned long long>(seed));
    for (std::string const& f : r.failures) std::printf("  %s\n", f.c_str());
    std::printf(
        "  repeat: doozer-sim --members %zu --seeds 1 --first-seed %llu --operations %zu%s\n",
        o.members, static_cast<unsigned long long>(seed), o.operations, o.calm ? " --calm" : "");
}

/// The seed as a scenario, which takes exactly the same course; with what happened in it and what
/// went wrong as comments.
void write_story(Options const& o, std::uint64_t seed, RunResult const& r) {
    std::string const path =
        o.stories + "/seed_" + std::to_string(o.members) + "_" + std::to_string(seed) + ".txt";
    std::ofstream out(path);
    for (std::string const& failure : r.failures) out << "# " << failure << "\n";
    RunResult const again = doozer::sim::run({o.members, seed, o.operations, true, o.calm});
    for (std::string const& line : again.lines) {
        if (line.find(" -> ") == std::string::npos) out << "#   " << line << "\n";
    }
    out << "day " << o.members << " " << seed << " " << o.operations << "\n";
    out.flush();
    std::printf("  %s %s\n", out ? "written to" : "cannot write", path.c_str());
}

bool read_file(std::string const& name, std::string& into) {
    std::ifstream in(name, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    into = text.str();
    if (!in) std::fprintf(stderr, "doozer-sim: cannot read %s\n", name.c_str());
    return static_cast<bool>(in);
}

int tell(Options const& o) {
    std::string text;
    if (!read_file(o.scenario, text)) return 2;
    std::string const bad = doozer::sim::run_scenario(text, o.trace);
    std::printf("%s\n", bad.empty() ? "the story ends well" : bad.c_str());
    return bad.empty() ? 0 : 1;
}

int repeat(Options const& o) {
    std::string recording;
    if (!read_file(o.recording, recording)) return 2;
    // By lines, since a repeated assertion ends this process and loses what is still buffered.
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    auto const replayed = doozer::sim::replay(
        recording, [](std::string const& line) { std::printf("%s\n", line.c_str()); });
    if (!replayed.ok()) {
        std::fprintf(stderr, "doozer-sim: %s: %s\n", o.recording.c_str(),
                     replayed.error().detail.c_str());
        return 2;
    }
    auto const& r = replayed.value();
    if (r.differs_at) {
        std::printf("differs at input %zu: %s\n", *r.differs_at, r.how.c_str());
        return 1;
    }
    std::printf("replayed %zu inputs: identical\n", r.inputs);
    return 0;
}

struct Totals {
    std::uint64_t failed = 0;
    std::uint64_t operations = 0;
    std::uint64_t injected = 0;
    std::uint64_t epochs = 0;
    std::uint64_t seals = 0;
    std::uint64_t frozen = 0;
    double seconds = 0;  // of the clusters' time
    doozer::base::Duration longest;
    std::map<std::string, std::uint64_t> faults;

    void add(RunResult const& r) {
        operations += r.operations;
        injected += r.injected;
        epochs += r.epochs;
        seals += r.seals;
        frozen += r.liveness_checked ? 1 : 0;
        seconds += static_cast<double>(r.duration.value()) / 1e9;
        longest = std::max(longest, r.longest_gap);
        for (auto const& [kind, times] : r.faults) faults[kind] += times;
    }

    void print(std::uint64_t seeds) const {
        auto const number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
        std::string kinds;
        for (auto const& [kind, times] : faults) kinds += ", " + std::to_string(times) + " " + kind;
        std::printf(
            "%llu seeds, %llu failed: %llu operations%s; %llu epochs, %llu seals; "
            "%llu frozen majorities, longest wait for a write %.1f ms\n",
            number(seeds), number(failed), number(operations), kinds.c_str(), number(epochs),
            number(seals), number(frozen), static_cast<double>(longest.value()) / 1e6);
        std::printf("%.0f s of cluster time, %llu operations, %llu faults\n", seconds,
                    number(operations), number(injected));
    }
};

/// Returns the exit code.
int run_seeds(Options const& o) {
    Totals totals;
    for (std::uint64_t seed = o.first_seed; seed < o.first_seed + o.seeds; ++seed) {
        RunOptions const run_options{o.members, seed, o.operations, o.trace, o.calm};
        RunResult r = doozer::sim::run(run_options);
        for (std::string const& line : r.lines) std::printf("%s\n", line.c_str());
        bool const again = !o.calm && seed % 16 == o.first_seed % 16;
        if (again && doozer::sim::run(run_options).trace != r.trace) {
            r.failures.emplace_back("a second run of the seed took another course");
        }
        totals.add(r);
        if (r.failures.empty()) continue;
        ++totals.failed;
        print_failures(o, seed, r);
        if (!o.stories.empty()) write_story(o, seed, r);
    }
    for (std::string const& kind : doozer::sim::fault_kinds()) {
        if (o.seeds < 300 || o.members < 3 || o.calm || totals.faults[kind] > 0) continue;
        std::printf("FAILED: not one fault of the kind \"%s\"\n", kind.c_str());
        ++totals.failed;
    }
    totals.print(o.seeds);
    return totals.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options o;
    if (!parse(argc, argv, o)) {
        std::fputs(usage, stderr);
        return 2;
    }
    if (!o.scenario.empty()) return tell(o);
    if (!o.recording.empty()) return repeat(o);
    if (o.latency) {
        for (std::string const& line : doozer::sim::measure_latency(o.members)) {
            std::printf("%s\n", line.c_str());
        }
        return 0;
    }
    return run_seeds(o);
}
