// What it costs to write and to read the message that members send most: a FRAME with one batch.
//
//   build/release/bin/wire_bench
#include <benchmark/benchmark.h>

#include <string>

#include "wire/member_codec.h"

namespace doozer::wire {
namespace {

using namespace consensus;

/// Of three owners, one of which writes; `range(0)` bytes of mutations.
Message frame(benchmark::State const& state) {
    std::string const payload(static_cast<std::size_t>(state.range(0)), 'x');
    Frame f;
    f.vector = {Epoch(3), Slot(300'000), Slot(300'001), false, Frontier(3)};
    f.vector.upto[0] = Slot(300'001);
    f.vector.upto[1] = f.vector.upto[2] = Slot(365'000);
    f.from = Slot(300'000);
    f.items.push_back(
        {Slot(300'000), Batch(MemberId("ABCDEFGHIJKLMNOP"), Oseq(99'000), Bytes(payload))});
    return f;
}

void encode_frame(benchmark::State& state) {
    Message const m = frame(state);
    std::string out;
    for (auto _ : state) {
        out.clear();
        append_message(out, m);
        benchmark::DoNotOptimize(out.data());
    }
    state.counters["bytes"] = static_cast<double>(out.size());
}
BENCHMARK(encode_frame)->Arg(200)->Arg(16'384);

void decode_frame(benchmark::State& state) {
    std::string body;
    append_message(body, frame(state));
    for (auto _ : state) {
        auto read = decode_message(body);
        benchmark::DoNotOptimize(read.ok());
    }
}
BENCHMARK(decode_frame)->Arg(200)->Arg(16'384);

}  // namespace
}  // namespace doozer::wire

BENCHMARK_MAIN();
