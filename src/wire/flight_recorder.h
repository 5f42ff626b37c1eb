// The last inputs of a member's core, kept so that what happened can be repeated exactly: by
// `doozer-sim --replay`, from the bytes that dump() gives.
//
// The core is a function of its state, its inputs and what the application answers. So a recording
// is a copy of the core and, from there on, each input with its time and the application's answers.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "consensus/recorder.h"

namespace doozer::wire {

using base::Errc;
using base::Error;
using base::Result;

/// Keeps between N and 2N of the last inputs, N being what the first bound that is met allows: a
/// segment is full then, the one before it is dropped, and a new one begins.
class FlightRecorder : public consensus::Recorder {
  public:
    struct Bounds {
        std::size_t bytes = base::flight_segment_bytes;
        std::size_t inputs = base::flight_segment_inputs;
    };
    FlightRecorder() : FlightRecorder(Bounds{}) {}
    explicit FlightRecorder(Bounds bounds) : bounds_(bounds) {}

    /// core.step(now, input, app), written down. REQUIRES: every step of this core goes through
    /// here, and only this core's.
    consensus::Output step(consensus::Core& core, base::Instant now, consensus::Input const& input,
                           consensus::Application& app) override;

    /// The recording, whose last state is `core`'s. May be called from within step(), by the hook
    /// of an assertion that fails: then the input that did it is the last.
    [[nodiscard]] std::string dump(consensus::Core const& core) const;

  private:
    struct Segment {
        consensus::Core start;
        std::string records;
        std::size_t inputs = 0;
        base::Instant last;  // time of the last input
    };
    Segment& segment_for(consensus::Core const& core);

    Bounds bounds_;
    std::deque<Segment> segments_;  // at most two
    bool stepping_ = false;
};

// --- reading a recording -----------------------------------------------------------------------

/// What the application answered, in the order in which it was asked.
struct SnapshotBegun {
    std::uint64_t number = 0;
    DOOZER_FIELDS(number);
};
struct PieceTaken {
    std::uint64_t bytes = 0;
    bool last = false;
    bool lost = false;
    DOOZER_FIELDS(bytes, last, lost);
};
/// A piece was, or all of it.
struct SnapshotInstalled {
    bool yes = false;
    DOOZER_FIELDS(yes);
};
using FlightAnswer = std::variant<consensus::Applied, SnapshotBegun, PieceTaken, SnapshotInstalled>;

/// One input. A snapshot's state is not kept: only the application looks into it.
struct FlightInput {
    base::Instant now;
    consensus::Input input;
    std::vector<FlightAnswer> answers;
    std::optional<std::uint64_t> outcome;  // none: the step did not come to its end
};
struct FlightSegment {
    consensus::Core start;  // which is where the segment before ends, too
    std::vector<FlightInput> inputs;
};
struct Flight {
    std::vector<FlightSegment> segments;   // one at least
    std::optional<consensus::Digest> end;  // of the core at last; none: in the middle of a step
};

/// What came of a step, in 32 bits and in brief, since it is asked at every one: enough to tell at
/// which input a repetition goes astray, or near which.
std::uint64_t outcome_of(consensus::Core const& core, consensus::Output const& out);

/// Everything that a core is made of.
consensus::Digest digest_of(consensus::Core const& core);

/// Reads what dump() wrote. Error (other): it is damaged, or no recording, or of a build whose
/// core is made otherwise.
Result<Flight> decode_flight(std::string_view dump);

}  // namespace doozer::wire
