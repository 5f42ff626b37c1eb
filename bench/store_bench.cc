// What the store costs: time and memory of the operations that docs/data-model.md promises.
//
//   build/release/bin/store_bench [--benchmark_filter=...]
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "store/store.h"
#include "store/watch_table.h"

namespace {

using namespace doozer::store;  // NOLINT(google-build-using-namespace): a program, not a library

std::string name_of(std::uint64_t i) {
    return "/d/f" + std::to_string(10'000'000 + i);
}

Mutation set(std::string const& path, std::string_view value) {
    return Mutation::set(Path::trusted(path), value, clobber);
}

std::vector<std::string> names(std::size_t n) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(name_of(i));
    return out;
}

void fill(Store& store, std::vector<std::string> const& paths, std::string_view value) {
    for (auto const& path : paths) store.apply(set(path, value));
}

std::size_t heap_bytes() {
    auto const info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

StoreLimits roomy() {
    return {.tree_bytes = std::size_t{16} << 30};
}

/// The i-th path, made without touching memory that the store does not touch.
class PathBuffer {
  public:
    std::string_view operator()(std::uint64_t i) {
        std::uint64_t digits = 10'000'000 + i;
        for (std::size_t at = text_.size() - 1; at >= 4; --at, digits /= 10) {
            text_[at] = static_cast<char>('0' + digits % 10);
        }
        return text_;
    }

  private:
    std::string text_ = name_of(0);
};

constexpr std::string_view small_value = "0123456789abcdef";

/// SETs of existing files, 16-byte values, with a full history: range(1) of the range(0) files of
/// one directory, evenly spread over it, are written in random order. With range(1) fixed this
/// shows what the size of the directory costs; with all of them, what the caches of the machine do.
void BM_SetExisting(benchmark::State& state) {
    Store store(roomy());
    auto const files = static_cast<std::uint64_t>(state.range(0));
    auto const written = static_cast<std::uint64_t>(state.range(1));
    PathBuffer path;
    for (std::uint64_t i = 0; i < files; ++i) {
        store.apply(Mutation::set(Path::trusted(path(i)), small_value, clobber));
    }
    Prng prng(1);
    auto const step = [&] {
        std::uint64_t const i = prng.below(written) * (files / written);
        return store.apply(Mutation::set(Path::trusted(path(i)), small_value, clobber));
    };
    for (int i = 0; i < 400'000; ++i) step();
    for (auto _ : state) benchmark::DoNotOptimize(step());
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SetExisting)
    ->Args({100, 100})
    ->Args({10'000, 100})
    ->Args({1'000'000, 100})
    ->Args({10'000, 10'000})
    ->Args({1'000'000, 1'000'000});

/// SETs of new files: range(1) names come and go in a directory that holds range(0) others. The
/// DEL that makes room is part of what is measured and of what is counted.
void BM_SetNewAndDelete(benchmark::State& state) {
    Store store(roomy());
    auto const files = static_cast<std::uint64_t>(state.range(0));
    auto const written = static_cast<std::uint64_t>(state.range(1));
    PathBuffer path;
    for (std::uint64_t i = 0; i < files; ++i) {
        store.apply(Mutation::set(Path::trusted(path(2 * i)), small_value, clobber));
    }
    Prng prng(1);
    auto const step = [&] {
        auto const name = Path::trusted(path(2 * prng.below(written) * (files / written) + 1));
        benchmark::DoNotOptimize(store.apply(Mutation::set(name, small_value, clobber)));
        benchmark::DoNotOptimize(store.apply(Mutation::del(name, clobber)));
    };
    for (int i = 0; i < 200'000; ++i) step();
    for (auto _ : state) step();
    state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(BM_SetNewAndDelete)
    ->Args({100, 100})
    ->Args({10'000, 100})
    ->Args({1'000'000, 100})
    ->Args({10'000, 10'000})
    ->Args({1'000'000, 1'000'000});

/// Growing from range(0) files by up to 50,000, each name new, in the order of the names.
void BM_SetNew(benchmark::State& state) {
    auto const files = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t const more = std::min<std::uint64_t>(files, 50'000);
    PathBuffer path;
    for (auto _ : state) {
        state.PauseTiming();
        auto store = std::make_unique<Store>(roomy());
        for (std::uint64_t i = 0; i < files; ++i) {
            store->apply(Mutation::set(Path::trusted(path(i)), small_value, clobber));
        }
        state.ResumeTiming();
        for (std::uint64_t i = files; i < files + more; ++i) {
            store->apply(Mutation::set(Path::trusted(path(i)), small_value, clobber));
        }
        state.PauseTiming();
        store.reset();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(more));
}
BENCHMARK(BM_SetNew)->Arg(100)->Arg(10'000)->Arg(1'000'000);

void BM_Get(benchmark::State& state) {
    Store store(roomy());
    auto const paths = names(static_cast<std::size_t>(state.range(0)));
    fill(store, paths, "0123456789abcdef");
    Prng prng(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            store.find(Path::trusted(paths[prng.below(paths.size())]), store.revision()));
    }
}
BENCHMARK(BM_Get)->Arg(100)->Arg(1'000'000);

/// Bytes of memory a revision of history costs beyond path and value.
void BM_HistoryMemory(benchmark::State& state) {
    std::string const value(100, 'x');
    for (auto _ : state) {
        Store store(roomy());
        auto const paths = names(1000);
        fill(store, paths, value);
        std::size_t const before = heap_bytes();
        std::size_t const counted_before = store.history_bytes();
        std::size_t const n = 300'000;
        Prng prng(1);
        for (std::size_t i = 0; i < n; ++i) store.apply(set(paths[prng.below(1000)], value));
        state.counters["bytes/revision"] =
            static_cast<double>(heap_bytes() - before) / static_cast<double>(n) - 100;
        state.counters["counted"] =
            static_cast<double>(store.history_bytes() - counted_before) / static_cast<double>(n) -
            100;
    }
}
BENCHMARK(BM_HistoryMemory)->Iterations(1)->Unit(benchmark::kMillisecond);

/// The same where every revision makes or removes a name.
void BM_HistoryMemoryOfNames(benchmark::State& state) {
    for (auto _ : state) {
        Store store(roomy());
        std::size_t const before = heap_bytes();
        std::size_t const n = 300'000;
        std::size_t name_bytes = 0;
        for (std::size_t i = 0; i < n / 2; ++i) {
            std::string const path = name_of(i);
            name_bytes += path.size() - 3;
            store.apply(set(path, ""));
            store.apply(Mutation::del(Path::trusted(path), clobber));
        }
        state.counters["bytes/revision"] =
            static_cast<double>(heap_bytes() - before - name_bytes) / static_cast<double>(n);
        state.counters["counted"] =
            static_cast<double>(store.history_bytes() - name_bytes) / static_cast<double>(n);
    }
}
BENCHMARK(BM_HistoryMemoryOfNames)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Bytes of memory a file costs beyond path and value: 10^6 files of 100 bytes.
void BM_FileMemory(benchmark::State& state) {
    std::string const value(100, 'x');
    for (auto _ : state) {
        StoreLimits limits = roomy();
        limits.history_revisions = 1;
        std::size_t const before = heap_bytes();
        std::size_t const n = 1'000'000;
        std::size_t content = 0;
        Store store(limits);
        for (std::size_t i = 0; i < n; ++i) {
            std::string const path = name_of(i);
            content += path.size() + value.size();
            store.apply(set(path, value));
        }
        state.counters["bytes/file"] =
            static_cast<double>(heap_bytes() - before - content) / static_cast<double>(n);
        state.counters["counted"] =
            static_cast<double>(store.tree_bytes() - content) / static_cast<double>(n);
    }
}
BENCHMARK(BM_FileMemory)->Iterations(1)->Unit(benchmark::kMillisecond);

template <typename MakeListing>
void list_all(benchmark::State& state, MakeListing make_listing) {
    std::size_t const n = 100'000;
    Store store(roomy());
    auto const paths = names(n);
    fill(store, paths, "0123456789abcdef");
    Prng prng(1);
    for (auto _ : state) {
        Revision const at = store.revision();
        store.apply(set(paths[0], "x"));  // so that `at` is no longer the newest
        std::size_t i = 0;
        for (;; ++i) {
            SearchBudget budget;
            auto const listing = make_listing(store, at);
            if (store.seek(*listing, i, budget).state != Listing::State::found) break;
            if (i % 10 == 0) store.apply(set(paths[prng.below(n)], "y"));
        }
        if (i != n) state.SkipWithError("not all were listed");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}

/// 100,000 entries, each with a request of its own, at an old revision, while writes go on.
void BM_GetdirAll(benchmark::State& state) {
    list_all(state, [](Store& s, Revision at) { return s.getdir(Path::trusted("/d"), at); });
}
BENCHMARK(BM_GetdirAll)->Unit(benchmark::kMillisecond);

void BM_WalkAll(benchmark::State& state) {
    auto const glob = Glob::parse("/d/**").value();
    list_all(state, [&](Store& s, Revision at) { return s.walk(glob, at); });
}
BENCHMARK(BM_WalkAll)->Unit(benchmark::kMillisecond);

/// The i-th of many globs of a kind, none of which matches a path of name_of().
std::string waiting_glob(std::int64_t kind, std::int64_t i) {
    std::string const n = std::to_string(i);
    switch (kind) {
        case 0:
            return "/w" + n;
        case 1:
            return "/w" + n + "/**";
        case 2:
            return "/d/w" + n;
        case 3:
            return "/x/*";
        case 4:
            return "/d/*/" + n;
        case 5:
            return "/**/" + n;
        case 6:
            return "/**/*-" + n + "?/*";
        default:
            return ("/**" + n).append(1000, '?').append("*f");
    }
}

/// An event nobody waits for, among range(0) who wait for others; range(1) is the kind of their
/// globs. Beside it, the steps of later work that each event leaves, and their time.
void BM_EventWithWaiters(benchmark::State& state) {
    Store store(roomy());
    WatchTable table;
    auto const paths = names(10'000);
    fill(store, paths, "0123456789abcdef");
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        table.add(Glob::parse(waiting_glob(state.range(1), i)).value(),
                  static_cast<std::uint64_t>(i), 1, store.revision());
    }
    state.SetLabel(waiting_glob(state.range(1), 0).substr(0, 24));
    Prng prng(1);
    std::vector<std::uint64_t> woken;
    std::vector<GlobScan::Due> due;
    for (auto _ : state) {
        auto const applied = store.apply(set(paths[prng.below(paths.size())], "0123456789abcdef"));
        table.take(applied.event.path, woken);
    }
    auto const began = std::chrono::steady_clock::now();
    SearchBudget budget{3'000'000};
    table.scan(store, budget, due);
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
    std::size_t const used = 3'000'000 - budget.steps;
    if (used > 0) state.counters["ns/step"] = 1e9 * took.count() / static_cast<double>(used);
    state.counters["globs"] = static_cast<double>(table.scanned_globs());
    if (!woken.empty() || !due.empty()) state.SkipWithError("woke somebody");
}
BENCHMARK(BM_EventWithWaiters)
    ->Args({0, 0})
    ->Args({100'000, 0})
    ->Args({100'000, 1})
    ->Args({100'000, 2})
    ->Args({100'000, 3})
    ->Args({100'000, 4})
    ->Args({100'000, 5})
    ->Args({100'000, 6})
    ->Args({20'000, 7});

/// The longest globs against the longest paths: what a step of a search takes.
void BM_CostlyMatch(benchmark::State& state) {
    auto const bytes = static_cast<std::size_t>(state.range(0));
    std::string text = "/**";
    while (text.size() + 4 < bytes) text += state.range(1) == 0 ? "a**" : "?*a";
    auto const glob = Glob::parse(text + "b").value();
    std::string const path = "/" + std::string(bytes - 3, 'a') + "cb";
    for (auto _ : state) benchmark::DoNotOptimize(glob.matches(path));
    state.counters["steps"] = benchmark::Counter(
        static_cast<double>(glob.cost(path)) * static_cast<double>(state.iterations()),
        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_CostlyMatch)
    ->Args({16, 0})
    ->Args({60, 0})
    ->Args({100, 0})
    ->Args({1000, 0})
    ->Args({4096, 0})
    ->Args({4096, 1});

}  // namespace

BENCHMARK_MAIN();
