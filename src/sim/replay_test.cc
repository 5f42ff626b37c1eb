#include "sim/replay.h"

#include <gtest/gtest.h>

#include <map>

#include "consensus/small_application.h"
#include "sim/cluster.h"
#include "wire/archive.h"
#include "wire/flight_recorder.h"

namespace doozer::sim {
namespace {

struct Told {
    std::vector<std::string> lines;
    std::string end;  // "identical", "differs at 7: ...", or why it is no recording
    /// How many lines have this in them.
    [[nodiscard]] std::size_t with(std::string const& text) const {
        return static_cast<std::size_t>(std::count_if(
            lines.begin(), lines.end(),
            [&](std::string const& line) { return line.find(text) != std::string::npos; }));
    }
};

Told told(std::string const& recording) {
    Told t;
    auto const r = replay(recording, [&](std::string const& line) { t.lines.push_back(line); });
    if (!r.ok()) {
        t.end = r.error().detail;
    } else if (r.value().differs_at) {
        t.end = "differs at " + std::to_string(*r.value().differs_at) + ": " + r.value().how;
    } else {
        t.end = "identical";
        EXPECT_EQ(r.value().inputs, t.lines.size());
    }
    return t;
}

/// Three members that write. An owner dies while it writes, so that the epoch is sealed; another
/// process comes at its address and takes its place, so that the voters change.
class BadDay {
  public:
    explicit BadDay(std::uint64_t seed, wire::FlightRecorder::Bounds bounds = {})
        : prng_(seed), cluster_(schedule_, prng_, options(bounds)) {}

    void go() {
        run(milliseconds(300));
        cluster_.crash(2, true);
        run(milliseconds(300));
        cluster_.start(2);
        run(seconds(4));
    }
    /// As far as the recording of each is asked for: some moment between two steps.
    void run(Duration d) {
        Instant const until = schedule_.now() + d;
        while (schedule_.now() < until) {
            if (prng_.one_in(20)) write();
            schedule_.run_one(until);
        }
    }
    Cluster& cluster() { return cluster_; }
    Prng& prng() { return prng_; }

  private:
    static ClusterOptions options(wire::FlightRecorder::Bounds bounds) {
        ClusterOptions o;
        o.tuning.kick_after = milliseconds(1000);
        o.tuning.readmit_after = milliseconds(200);
        o.recorded = bounds;
        return o;
    }
    void write() {
        Address const a = prng_.below(3);
        if (!cluster_.serving(a)) return;
        std::string const value = std::to_string(++writes_);
        Request r;
        r.verb = Verb::set;
        r.path = "/k";
        r.value = value;
        r.rev = clobber;
        cluster_.request(a, cluster_.open(a), r);
    }

    Schedule schedule_;
    Prng prng_;
    Cluster cluster_;
    std::uint64_t writes_ = 0;
};

TEST(Replay, RepeatsADayWithASealAndAChangeOfVoters) {
    BadDay day(1);
    day.go();
    Told const survivor = told(day.cluster().recording(0));
    EXPECT_EQ(survivor.end, "identical");
    EXPECT_GT(survivor.with("sealed"), 0U);
    EXPECT_GT(survivor.with("entered_epoch"), 1U);
    EXPECT_GT(survivor.with("applies"), 100U);
    Told const newcomer = told(day.cluster().recording(2));
    EXPECT_EQ(newcomer.end, "identical");
    EXPECT_GT(newcomer.with("snapshot_installed") + newcomer.with("DECIDED from"), 0U);
    EXPECT_TRUE(day.cluster().core(2).voter());
}

TEST(Replay, RepeatsFromAnyMomentOn) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        BadDay day(seed, {.bytes = 20'000, .inputs = 50 + seed * 30});
        for (int part = 0; part < 3; ++part) {
            day.run(milliseconds(static_cast<std::int64_t>(1 + day.prng().below(200))));
            EXPECT_EQ(told(day.cluster().recording(day.prng().below(3))).end, "identical");
        }
        day.go();
        for (Address const a : {0U, 1U, 2U}) {
            Told const t = told(day.cluster().recording(a));
            EXPECT_EQ(t.end, "identical");
            EXPECT_LE(t.lines.size(), 2 * (50 + seed * 30));
        }
    }
}

/// The recording with other records or another checkpoint, and a checksum that fits.
std::string falsified(std::string const& recording, std::string const& from,
                      std::string const& to) {
    std::size_t const at = recording.find(from);
    EXPECT_NE(at, std::string::npos);
    std::string other = recording;
    other.replace(at, from.size(), to);
    other.resize(other.size() - 16);
    Hasher h;
    h.bytes(other);
    Digest const d = h.digest();
    other.append(reinterpret_cast<char const*>(&d.high), 8);
    other.append(reinterpret_cast<char const*>(&d.low), 8);
    return other;
}

TEST(Replay, SeesWhereAnInputIsNotWhatItWas) {
    BadDay day(3);
    day.run(milliseconds(200));
    std::string const recording = day.cluster().recording(0);
    Told const right = told(recording);
    ASSERT_EQ(right.end, "identical");

    // The first write goes to another file: its batch is another, and the log that holds it.
    Told const wrong = told(falsified(recording, "/k", "/j"));
    EXPECT_EQ(wrong.end.substr(0, 11), "differs at ") << wrong.end;
    EXPECT_TRUE(wrong.end.ends_with("the state behind it is another")) << wrong.end;
}

TEST(Replay, SeesThatAnotherCoreIsBehindTheInputs) {
    BadDay day(4);
    day.run(milliseconds(200));
    std::string const recording = day.cluster().recording(0);
    std::string const id = day.cluster().core(1).me().str();
    std::string stranger = id;
    ++stranger[0];
    std::string padded = id;
    padded.resize(base::process_id_chars, '\0');
    std::string other = stranger;
    other.resize(base::process_id_chars, '\0');
    EXPECT_EQ(told(recording).end, "identical");
    EXPECT_EQ(told(falsified(recording, padded, other)).end.substr(0, 11), "differs at ");
}

/// Takes a dump in the middle of a step, as the hook of a failing assertion does.
class Interrupted : public SmallApplication {
  public:
    Interrupted(wire::FlightRecorder const& recorder, Core const& core)
        : recorder_(recorder), core_(core) {}
    Applied apply(Batch const&) override {
        dump = recorder_.dump(core_);
        return {};
    }
    Applied force(MemberId) override { return {}; }
    [[nodiscard]] Bytes snapshot() const override { return {}; }
    bool install(Bytes const&) override { return true; }
    std::string dump;

  private:
    wire::FlightRecorder const& recorder_;
    Core const& core_;
};

TEST(Replay, EndsWithTheInputWhoseStepDidNotComeToAnEnd) {
    MemberIds const alone{MemberId("a")};
    Core core(alone[0], {Lineage{1, 1}, Epoch(1), alone, alone}, Tuning{});
    wire::FlightRecorder recorder;
    Interrupted app(recorder, core);
    recorder.step(core, Instant(1'000'000), Submit{Bytes("x")}, app);
    recorder.step(core, Instant(2'000'000), EndOfTurn{}, app);
    Told const t = told(app.dump);
    EXPECT_EQ(t.end, "identical");
    EXPECT_EQ(t.lines, (std::vector<std::string>{
                           "1 0.001000 submit 1 bytes: D 0",
                           "2 0.002000 end of turn: its step did not come to an end"}));
    EXPECT_EQ(told(recorder.dump(core)).lines.back(), "2 0.002000 end of turn: D 1, applies 1");
}

TEST(Replay, RefusesWhatIsNoRecordingInOneLine) {
    BadDay day(5);
    day.run(milliseconds(50));
    std::string const recording = day.cluster().recording(1);
    ASSERT_EQ(told(recording).end, "identical");
    EXPECT_EQ(told("").end, "not a flight recording");
    for (std::size_t n = 0; n < 200; ++n) {
        std::string damaged = recording;
        std::size_t const at = day.prng().below(damaged.size());
        damaged[at] = static_cast<char>(damaged[at] + 1);
        std::string const end = told(damaged).end;
        EXPECT_TRUE(end.ends_with("its checksum does not fit") || end == "not a flight recording")
            << end;
        std::string const cut = recording.substr(0, day.prng().below(recording.size()));
        EXPECT_NE(told(cut).end, "identical");
    }
}

}  // namespace
}  // namespace doozer::sim
