#include "wire/flight_recorder.h"

#include <gtest/gtest.h>

#include <string>

#include "consensus/small_application.h"

namespace doozer::wire {
using namespace consensus;
namespace {

class Deaf : public SmallApplication {
  public:
    Applied apply(Batch const&) override { return {}; }
    Applied force(MemberId) override { return {}; }
    [[nodiscard]] Bytes snapshot() const override { return {}; }
    bool install(Bytes const&) override { return true; }
};

/// A cluster of one, which applies whatever it is given.
class Alone {
  public:
    explicit Alone(FlightRecorder::Bounds bounds) : recorder_(bounds) {}
    void step(Input const& input) { recorder_.step(core_, Instant(++now_), input, app_); }
    void write(std::size_t bytes) {
        step(Submit{Bytes(std::string(bytes, 'x'))});
        step(EndOfTurn{});
    }
    [[nodiscard]] std::string dump() const { return recorder_.dump(core_); }
    [[nodiscard]] std::size_t inputs() const {
        Flight const flight = decode_flight(dump()).value();
        std::size_t n = 0;
        for (FlightSegment const& s : flight.segments) n += s.inputs.size();
        return n;
    }
    [[nodiscard]] Core const& core() const { return core_; }

  private:
    static Configuration start() {
        return {Lineage{1, 2}, Epoch(1), {MemberId("a")}, {MemberId("a")}};
    }
    Deaf app_;
    Core core_{MemberId("a"), start(), Tuning{}};
    FlightRecorder recorder_;
    std::int64_t now_ = 1'000'000;
};

TEST(FlightRecorder, KeepsOneToTwoTimesTheNumberOfInputs) {
    Alone a({.bytes = 1'000'000, .inputs = 10});
    for (std::size_t n = 1; n <= 100; ++n) {
        a.step(Tick{});
        EXPECT_GE(a.inputs(), std::min<std::size_t>(n, 10));
        EXPECT_LE(a.inputs(), 20U);
    }
}

TEST(FlightRecorder, KeepsOneToTwoTimesTheBytes) {
    Alone a({.bytes = 10'000, .inputs = 1'000'000});
    for (int n = 0; n < 100; ++n) a.write(1'000);
    EXPECT_GE(a.inputs(), 20U);
    EXPECT_LE(a.inputs(), 42U);
}

TEST(FlightRecorder, WritesDownACoreThatIsReadBackAsItWas) {
    Alone a({.bytes = 5'000, .inputs = 1'000});
    for (int n = 0; n < 200; ++n) a.write(100);
    auto const flight = decode_flight(a.dump());
    ASSERT_TRUE(flight.ok()) << flight.error().detail;
    ASSERT_EQ(flight.value().segments.size(), 2U);
    EXPECT_EQ(flight.value().end, digest_of(a.core()));
    EXPECT_GT(flight.value().segments[0].start.applied(), 0U);
    EXPECT_LT(flight.value().segments[0].start.applied(), a.core().applied());
}

TEST(FlightRecorder, DoesNotKeepTheStateInASnapshot) {
    Alone a({});
    a.step(LinkUp{MemberId("b")});
    Snapshot s;
    s.state = Bytes(std::string(100'000, 's'));
    a.step(Receive{MemberId("b"), s});
    EXPECT_LT(a.dump().size(), 2'000U);
    Flight const flight = decode_flight(a.dump()).value();
    auto const& in = std::get<Receive>(flight.segments[0].inputs[1].input);
    EXPECT_TRUE(std::get<Snapshot>(in.message).state.empty());
}

}  // namespace
}  // namespace doozer::wire
