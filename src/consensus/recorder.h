// The interface to a recorder of the inputs of a core.
#pragma once

#include "consensus/core.h"

namespace doozer::consensus {

class Recorder {
  public:
    Recorder() = default;
    Recorder(Recorder const&) = default;
    Recorder& operator=(Recorder const&) = default;
    virtual ~Recorder() = default;

    /// core.step(now, input, app), and a note of it. Every step of one core goes through here.
    virtual Output step(Core& core, Instant now, Input const& input, Application& app) = 0;
};

}  // namespace doozer::consensus
