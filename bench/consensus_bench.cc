// How many batches the consensus core of three members agrees on in a second, on one core of the
// machine and without any network, how often it asks for memory for each, and what it costs to have
// every input written down by a flight recorder.
//
//   build/release/bin/consensus_bench
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <deque>
#include <new>
#include <string>

#include "consensus/core.h"
#include "consensus/small_application.h"
#include "wire/flight_recorder.h"

namespace {
std::size_t allocations = 0;
}

// Not inlined: g++ 12 would find that free() does not match new.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const p = std::malloc(size)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

namespace doozer::consensus {
namespace {

/// Counts what it is told.
class Counter : public SmallApplication {
  public:
    Applied apply(Batch const&) override {
        ++applied;
        return {};
    }
    Applied force(MemberId) override { return {}; }
    [[nodiscard]] Bytes snapshot() const override { return {}; }
    bool install(Bytes const&) override { return true; }
    std::uint64_t applied = 0;
};

/// Three members; what one sends the others get in the order in which it was sent.
class Three {
  public:
    explicit Three(bool recorded) : recorded_(recorded) {
        Configuration start{Lineage{1, 1}, Epoch(1), ids_, ids_};
        for (MemberId const id : ids_) cores_.emplace_back(id, start, Tuning{});
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t j = 0; j < 3; ++j) {
                if (i != j) step(i, LinkUp{ids_[j]});
            }
        }
        settle();
    }
    void step(std::size_t who, Input const& input) {
        Output out = recorded_ ? recorders_[who].step(cores_[who], now_, input, counters_[who])
                               : cores_[who].step(now_, input, counters_[who]);
        for (Send& s : out.sends) {
            std::size_t const to = static_cast<std::size_t>(s.to.text[0] - 'a');
            way_.push_back({who, to, std::move(s.message)});
        }
    }
    void settle() {
        while (!way_.empty()) {
            Sent const sent = std::move(way_.front());
            way_.pop_front();
            step(sent.to, Receive{ids_[sent.from], sent.message});
            step(sent.to, EndOfTurn{});
        }
    }
    void submit(std::size_t who, Bytes const& payload) { step(who, Submit{payload}); }
    void pass(Duration d) { now_ = now_ + d; }
    [[nodiscard]] Core const& core(std::size_t who) const { return cores_[who]; }
    [[nodiscard]] std::uint64_t applied(std::size_t who) const { return counters_[who].applied; }

  private:
    struct Sent {
        std::size_t from;
        std::size_t to;
        Message message;
    };
    MemberIds ids_{MemberId("a"), MemberId("b"), MemberId("c")};
    std::vector<Core> cores_;
    Counter counters_[3];
    wire::FlightRecorder recorders_[3];
    bool recorded_;
    std::deque<Sent> way_;
    Instant now_{1'000'000'000};
};

/// `range(0)` members write, `range(1)` batches each before the others hear of them; `range(2)`:
/// with flight recorders.
void agree(benchmark::State& state) {
    Three three(state.range(2) != 0);
    Bytes const payload(std::string(100, 'x'));
    std::uint64_t const before = three.applied(0);
    std::size_t const allocated = allocations;
    for (auto _ : state) {
        for (std::int64_t who = 0; who < state.range(0); ++who) {
            auto const w = static_cast<std::size_t>(who);
            for (std::int64_t n = 0; n < state.range(1); ++n) three.submit(w, payload);
            three.step(w, EndOfTurn{});
        }
        three.settle();
        three.pass(microseconds(100));
    }
    auto const batches = static_cast<double>(three.applied(0) - before);
    state.counters["batches/s"] = benchmark::Counter(batches, benchmark::Counter::kIsRate);
    state.counters["allocations/batch"] = static_cast<double>(allocations - allocated) / batches;
}
BENCHMARK(agree)->ArgsProduct({{1, 3}, {1, 8}, {0, 1}});

/// What a flight recorder does every 65,536 inputs: a copy of a member whose log is full, and an
/// older copy that goes.
void checkpoint(benchmark::State& state) {
    Three three(false);
    Bytes const payload(std::string(100, 'x'));
    for (int n = 0; n < 40'000; ++n) {
        for (int b = 0; b < 8; ++b) three.submit(0, payload);
        three.step(0, EndOfTurn{});
        three.settle();
    }
    Core copy = three.core(0);
    for (auto _ : state) {
        copy = three.core(0);
        benchmark::DoNotOptimize(copy.applied());
    }
    state.counters["log_batches"] = static_cast<double>(three.core(0).applied());
}
BENCHMARK(checkpoint);

}  // namespace
}  // namespace doozer::consensus

BENCHMARK_MAIN();
