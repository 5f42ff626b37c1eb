// Repeats what a flight recorder has kept of a member: the same core, the same inputs, and an
// application that answers as the recorded one did.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace doozer::sim {

struct Replay {
    std::size_t inputs = 0;                 // that were repeated
    std::optional<std::size_t> differs_at;  // the number of an input, from 1; none: identical
    std::string how;                        // it differs
};

/// Steps through the recording and says one line for each input: its number, the time in seconds,
/// what it was, and what came of it. Ends where it goes astray. If the recording was made by a
/// failing assertion, that fails here too. Error (other): no recording that can be read.
base::Result<Replay> replay(std::string_view recording,
                            std::function<void(std::string const&)> const& say);

}  // namespace doozer::sim
