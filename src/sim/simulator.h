// One run: a cluster, clients, and a bad day, all from one seed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/cluster.h"

namespace doozer::sim {

struct RunOptions {
    std::size_t members = 3;
    std::uint64_t seed = 1;
    std::size_t operations = 120;  // at least so many, and five faults
    bool trace = false;            // keep a line for everything that happens
    bool calm = false;             // an operation a second and a fault a minute, not all at once
};

struct RunResult {
    std::vector<std::string> failures;
    std::size_t operations = 0;
    Duration duration;                            // of the cluster's time
    std::size_t injected = 0;                     // faults that happened at a moment
    std::map<std::string, std::uint64_t> faults;  // by kind
    std::uint64_t epochs = 0;
    std::uint64_t seals = 0;
    std::map<std::string, std::uint64_t> counts;  // what the cores said
    Duration longest_gap;  // liveness: from the last fault to the write that had to succeed
    bool liveness_checked = false;
    Digest trace;
    std::vector<std::string> lines;
};

/// Every kind of fault there is.
std::vector<std::string> const& fault_kinds();

RunResult run(RunOptions const& options);

}  // namespace doozer::sim
