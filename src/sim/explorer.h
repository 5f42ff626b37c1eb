// Every state that a small cluster can get into, with the real core.
//
// Time stands still: whatever waits for time may happen at any moment.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "sim/key_value.h"

namespace doozer::sim {

/// What is explored. Members are called a, b, c, ...
struct Scope {
    std::string name;
    std::string voters = "abc";
    std::string owners = "abc";
    std::string followers = {};
    /// What each member submits, in order: "x" is a write; "cal0=d" puts d into slot 0; "-"
    /// between.
    std::vector<std::pair<char, std::string>> writes;
    std::string readers = {};  // each reads once, at any moment
    std::size_t crashes = 1;
    std::size_t reconnects = 1;  // a link breaks, loses what is on its way, and stands again
    std::string may_crash = "abcdefg";
    std::string may_reconnect = {};    // links, as in "ab bc"; none named: any
    std::uint64_t rounds = 2;          // of ballots in an epoch
    std::uint64_t epochs = 2;          // states in which somebody has gone further are not pursued
    std::uint64_t slots = 16;          // nor those in which somebody has got so far
    std::string ticking = "abcdefg";   // whose timers may fire
    std::uint64_t ticking_epochs = 9;  // in the first so many epochs
    std::uint64_t park_ahead = 0;
    std::size_t window = 1;
    std::size_t log_bytes = base::log_bytes_default;
    bool burst = false;            // a turn takes all that has arrived on a link, not one message
    bool two_connections = false;  // DECIDED and SNAPSHOT do not order with other messages
    bool gossip = true;            // votes go to everybody, not to the owner alone
    bool probe = true;             // ask in every state whether the living can finish
    std::size_t states_max = 120'000'000;
    /// Called after each level of the search with its depth, the states seen, and those new in it.
    std::function<void(std::size_t, std::size_t, std::size_t)> progress = {};
};

struct Exploration {
    std::size_t states = 0;
    std::size_t steps = 0;
    std::size_t depth = 0;
    bool exhausted = false;
    std::size_t members = 0;        // different states of single members
    std::string violation;          // empty: none
    std::vector<std::string> path;  // the shortest way to it
};

Exploration explore(Scope const& scope);
/// The scopes of the check, smallest first; and larger ones.
std::vector<Scope> quick_scopes();
std::vector<Scope> check_scopes();
std::vector<Scope> large_scopes();

}  // namespace doozer::sim
