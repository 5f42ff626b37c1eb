// Where the flight recorder's recordings go: when somebody asks, and when the process must stop.
#pragma once

#include <string>

#include "consensus/core.h"
#include "wire/flight_recorder.h"

namespace doozer::server {

/// Writes the recording into the directory for temporary files, readable for this user only.
/// Returns the file's path, or a line that says what failed.
std::string write_recording(wire::FlightRecorder const& recorder, consensus::Core const& core);

/// From now on a failing assertion writes the recording before it ends the process. Both outlive
/// all assertions.
void record_failures(wire::FlightRecorder const& recorder, consensus::Core const& core);

}  // namespace doozer::server
