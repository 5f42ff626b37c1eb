// The history of a run in which survivors were forced on. Each force ends a branch and begins the
// next one: what a dead member had applied beyond the survivor is true on the old branch and never
// happened on the new one. So every branch is checked by itself, with all that clients were told
// of it.
#pragma once

#include <string>
#include <vector>

#include "sim/checkers.h"

namespace doozer::sim {

/// What is to be checked of one branch.
struct History {
    std::vector<Op> ops;
    std::vector<Watch> watches;
    ChangeLog log;
};

/// One history for each branch, the oldest first; a single one if nobody was forced on.
///
/// An operation that was answered on an earlier branch is part of a later one as far as the later
/// one keeps it. A write that was lost counts as refused there: it must not come back.
std::vector<History> branches_of(std::vector<Op> const& ops, std::vector<Watch> const& watches,
                                 Agreement const& agreement);

/// What is wrong at the forks themselves, a line each: an answered write was dropped although a
/// process that the survivor reached knew it; a watch went on over a fork although it had asked for
/// more than the survivor kept.
std::vector<std::string> check_forks(std::vector<Op> const& ops, std::vector<Watch> const& watches,
                                     Agreement const& agreement);

}  // namespace doozer::sim
