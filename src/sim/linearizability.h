// Whether what clients were told of single files could have been told by one file that does one
// thing at a time. It knows nothing of how a cluster works or of what its members applied, so it
// finds what the other checkers take for granted.
// Source: J. Wing and C. Gong, Testing and Verifying Concurrent Objects, 1993; the memory of what
// was tried: G. Lowe, Testing for linearizability, 2017.
#pragma once

#include <string>
#include <vector>

#include "sim/checkers.h"

namespace doozer::sim {

/// How many arrangements of one file's operations are tried at most; what needs more is undecided,
/// and said so. A history without a fault needs little more than one for each operation.
inline constexpr std::size_t arrangements_max = 2'000'000;

struct Linearizability {
    std::vector<std::string> wrong;      // a line for each file that has no such arrangement
    std::vector<std::string> undecided;  // a line for each that was given up
    std::size_t operations = 0;          // that were judged
    std::size_t arrangements = 0;        // that were tried, of all files together
};

/// Judges writes, deletions and linear reads; reads that may be stale are left out. A write that
/// was refused did not happen; one whose outcome is unknown happened once or never, at any time
/// after its start. Values that were written differ from each other.
Linearizability check_linearizability(std::vector<Op> const& ops,
                                      std::size_t most = arrangements_max);

}  // namespace doozer::sim
