// The store that was not built: one persistent (path-copying) tree, every revision a root of its
// own. Kept so that docs/decisions/0005-versions-per-file.md can be measured again beside
// store_bench.
//
//   build/release/bin/persistent_tree_bench
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/prng.h"

namespace {

using doozer::base::Bytes;
using doozer::base::Prng;

/// A treap (Seidel and Aragon, Algorithmica 16, 1996) whose nodes are shared between revisions;
/// sizes make the k-th name of any revision a walk from the root.
struct Node {
    std::uint32_t references = 1;
    std::uint32_t size = 1;
    std::uint64_t priority;
    Node* left = nullptr;
    Node* right = nullptr;
    Bytes name;
    Bytes value;
    std::int64_t rev;
};

std::uint32_t size_of(Node const* node) {
    return node != nullptr ? node->size : 0;
}

Node* share(Node* node) {
    if (node != nullptr) ++node->references;
    return node;
}

void release(Node* node) {
    if (node == nullptr || --node->references > 0) return;
    release(node->left);
    release(node->right);
    delete node;
}

/// A node like `node` with other children, which it takes over.
Node* with_children(Node const& node, Node* left, Node* right) {
    return new Node{1,
                    1 + size_of(left) + size_of(right),
                    node.priority,
                    left,
                    right,
                    node.name,
                    node.value,
                    node.rev};
}

Node* set(Node const* node, std::string_view name, std::string_view value, std::int64_t rev) {
    if (node == nullptr) {
        return new Node{1,
                        1,
                        std::hash<std::string_view>{}(name)*0x9E3779B97F4A7C15U,
                        nullptr,
                        nullptr,
                        Bytes(name),
                        Bytes(value),
                        rev};
    }
    int const order = name.compare(node->name.view());
    if (order == 0) {
        Node* const made = with_children(*node, share(node->left), share(node->right));
        made->value = Bytes(value);
        made->rev = rev;
        return made;
    }
    bool const left = order < 0;
    Node* const child = set(left ? node->left : node->right, name, value, rev);
    Node* const other = share(left ? node->right : node->left);
    if (child->priority <= node->priority) {
        return left ? with_children(*node, child, other) : with_children(*node, other, child);
    }
    // The child comes above: it is new, so it may be changed.
    Node* const inner = left ? child->right : child->left;
    Node* const below =
        left ? with_children(*node, inner, other) : with_children(*node, other, inner);
    (left ? child->right : child->left) = below;
    child->size = 1 + size_of(child->left) + size_of(child->right);
    return child;
}

Node const* kth(Node const* node, std::uint32_t k) {
    for (;;) {
        std::uint32_t const before = size_of(node->left);
        if (k == before) return node;
        node = k < before ? node->left : node->right;
        if (k > before) k -= before + 1;
    }
}

class PersistentStore {
  public:
    explicit PersistentStore(std::size_t history) : history_(history) {}
    PersistentStore(PersistentStore const&) = delete;
    PersistentStore& operator=(PersistentStore const&) = delete;
    ~PersistentStore() {
        for (Node* const root : roots_) release(root);
    }

    void apply(std::string_view name, std::string_view value) {
        roots_.push_back(set(roots_.empty() ? nullptr : roots_.back(), name, value, ++rev_));
        if (roots_.size() > history_) {
            release(roots_.front());
            roots_.pop_front();
        }
    }
    [[nodiscard]] Node const* oldest() const { return roots_.front(); }

  private:
    std::size_t history_;
    std::deque<Node*> roots_;
    std::int64_t rev_ = 0;
};

std::string name_of(std::uint64_t i) {
    return "f" + std::to_string(10'000'000 + i);
}

std::size_t heap_bytes() {
    auto const info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

constexpr std::string_view small_value = "0123456789abcdef";

/// As store_bench's BM_SetExisting: range(1) of range(0) files, the history full (of 20,000).
void BM_SetExisting(benchmark::State& state) {
    PersistentStore store(20'000);
    auto const files = static_cast<std::uint64_t>(state.range(0));
    auto const written = static_cast<std::uint64_t>(state.range(1));
    for (std::uint64_t i = 0; i < files; ++i) store.apply(name_of(i), small_value);
    Prng prng(1);
    for (auto _ : state) store.apply(name_of(prng.below(written) * (files / written)), small_value);
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SetExisting)->Args({100, 100})->Args({10'000, 100})->Args({1'000'000, 100});

/// Bytes a revision costs beyond its value, among range(0) files.
void BM_HistoryMemory(benchmark::State& state) {
    std::string const value(100, 'x');
    for (auto _ : state) {
        PersistentStore store(1'000'000);
        auto const files = static_cast<std::uint64_t>(state.range(0));
        for (std::uint64_t i = 0; i < files; ++i) store.apply(name_of(i), value);
        std::size_t const before = heap_bytes();
        Prng prng(1);
        std::size_t const n = 20'000;
        for (std::size_t i = 0; i < n; ++i) store.apply(name_of(prng.below(files)), value);
        state.counters["bytes/revision"] =
            static_cast<double>(heap_bytes() - before) / static_cast<double>(n) - 100;
    }
}
BENCHMARK(BM_HistoryMemory)->Arg(1000)->Arg(100'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_FileMemory(benchmark::State& state) {
    std::string const value(100, 'x');
    for (auto _ : state) {
        std::size_t const before = heap_bytes();
        PersistentStore store(1);
        std::size_t const n = 1'000'000;
        std::size_t content = 0;
        for (std::size_t i = 0; i < n; ++i) {
            std::string const name = name_of(i);
            content += name.size() + value.size();
            store.apply(name, value);
        }
        state.counters["bytes/file"] =
            static_cast<double>(heap_bytes() - before - content) / static_cast<double>(n);
    }
}
BENCHMARK(BM_FileMemory)->Iterations(1)->Unit(benchmark::kMillisecond);

/// 100,000 names one after the other at a revision that is no longer the newest.
void BM_ListAll(benchmark::State& state) {
    PersistentStore store(20'000);
    for (std::uint64_t i = 0; i < 100'000; ++i) store.apply(name_of(i), small_value);
    for (auto _ : state) {
        Node const* const root = store.oldest();
        for (std::uint32_t k = 0; k < root->size; ++k) benchmark::DoNotOptimize(kth(root, k));
    }
}
BENCHMARK(BM_ListAll)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
