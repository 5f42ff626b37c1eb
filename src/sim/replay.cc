#include "sim/replay.h"

#include <cstdio>

#include "base/overload.h"
#include "wire/flight_recorder.h"

namespace doozer::sim {

using namespace consensus;
using wire::FlightAnswer;
using wire::FlightInput;
using wire::PieceTaken;
using wire::SnapshotBegun;
using wire::SnapshotInstalled;

namespace {

/// Answers what was answered then.
class Recorded : public Application {
  public:
    explicit Recorded(std::vector<FlightAnswer> const& answers) : answers_(answers) {}
    Applied apply(Batch const&) override { return next<Applied>(); }
    Applied force(MemberId) override { return next<Applied>(); }
    std::uint64_t begin_snapshot() override { return next<SnapshotBegun>().number; }
    SnapshotPiece next_piece(std::uint64_t) override {
        auto const piece = next<PieceTaken>();
        return {Bytes(std::string(piece.bytes, ' ')), piece.last, piece.lost};
    }
    void end_snapshot(std::uint64_t) override {}
    void begin_install() override {}
    bool install_piece(Bytes const&) override { return next<SnapshotInstalled>().yes; }
    bool finish_install() override { return next<SnapshotInstalled>().yes; }
    void abandon_install() override {}

    /// Asked for exactly what was asked for then.
    [[nodiscard]] bool as_recorded() const { return !astray_ && used_ == answers_.size(); }

  private:
    template <typename Answer>
    Answer next() const {
        auto const* const answer =
            used_ < answers_.size() ? std::get_if<Answer>(&answers_[used_]) : nullptr;
        ++used_;
        if (answer) return *answer;
        astray_ = true;
        return {};
    }
    std::vector<FlightAnswer> const& answers_;
    mutable std::size_t used_ = 0;
    mutable bool astray_ = false;
};

std::string words_for(Input const& input) {
    return std::visit(
        Overload{[](LinkUp const& in) { return "link to " + in.peer.str() + " up"; },
                 [](LinkDown const& in) { return "link to " + in.peer.str() + " down"; },
                 [](Receive const& in) { return name_of(in.message) + (" from " + in.peer.str()); },
                 [](Submit const& in) {
                     return "submit " + std::to_string(in.payload.size()) + " bytes";
                 },
                 [](Read const& in) { return "read " + std::to_string(in.token); },
                 [](Rename const& in) { return "rename to " + in.id.str(); },
                 [](Tick const&) { return std::string("tick"); },
                 [](EndOfTurn const&) { return std::string("end of turn"); },
                 [](Ask const& in) { return "ask " + in.peer.str(); },
                 [](Force const&) { return std::string("force"); }},
        input);
}

/// "D 41, applies 2, sends FRAME to b, ignored gap, sealed 9 in epoch 3"; D in any case.
std::string words_for(Core const& core, Output const& out, std::uint64_t applied_before) {
    std::string words = ": D " + std::to_string(core.delivered().value());
    if (core.applied() > applied_before) {
        words += ", applies " + std::to_string(core.applied() - applied_before);
    }
    for (Send const& s : out.sends) {
        words += std::string(", sends ") + name_of(s.message) + " to " + s.to.str();
    }
    if (!out.reads_ready.empty()) words += ", reads " + std::to_string(out.reads_ready.size());
    for (Ignored const why : out.ignored) words += std::string(", ignored ") + name_of(why);
    for (TraceEvent const& e : out.trace) {
        words += std::string(", ") + name_of(e.what) + " " + std::to_string(e.value) +
                 " in epoch " + std::to_string(e.epoch.value());
    }
    return words;
}

std::string head(std::size_t number, FlightInput const& in) {
    char text[64];
    std::snprintf(text, sizeof text, "%zu %.6f ", number,
                  static_cast<double>(in.now.value()) / 1e9);
    return text + words_for(in.input);
}

/// Empty, or why this is not what happened then.
std::string repeat(Core& core, FlightInput const& in, std::string const& title,
                   std::function<void(std::string const&)> const& say) {
    if (!in.outcome) say(title + ": its step did not come to an end");
    std::uint64_t const applied_before = core.applied();
    Recorded app(in.answers);
    Output const out = core.step(in.now, in.input, app);
    if (!in.outcome) return {};
    say(title + words_for(core, out, applied_before));
    if (!app.as_recorded()) return "it asks the application for something else";
    if (wire::outcome_of(core, out) != *in.outcome) return "something else comes of it";
    return {};
}

}  // namespace

base::Result<Replay> replay(std::string_view recording,
                            std::function<void(std::string const&)> const& say) {
    DOOZER_TRY(wire::Flight flight, wire::decode_flight(recording));
    Replay result;
    Core core = flight.segments.front().start;
    for (wire::FlightSegment const& segment : flight.segments) {
        if (wire::digest_of(core) != wire::digest_of(segment.start)) {
            result.differs_at = result.inputs;
            result.how = "the state behind it is another";
            return result;
        }
        for (FlightInput const& in : segment.inputs) {
            ++result.inputs;
            result.how = repeat(core, in, head(result.inputs, in), say);
            if (result.how.empty()) continue;
            result.differs_at = result.inputs;
            return result;
        }
    }
    if (flight.end && *flight.end != wire::digest_of(core)) {
        result.differs_at = result.inputs;
        result.how = "the state behind it is another";
    }
    return result;
}

}  // namespace doozer::sim
