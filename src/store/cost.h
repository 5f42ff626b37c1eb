// What things in the store cost in memory, as far as the budget goes. The numbers are computed,
// not measured at run time, so that every member of a cluster refuses the same SET; store_bench
// compares them with what the allocator gives out.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "store/history.h"
#include "store/tree.h"

namespace doozer::store {

/// The allocator gives memory in steps of 16 bytes, with 8 bytes of its own.
constexpr std::size_t allocated(std::size_t bytes) {
    return (bytes + 8 + 15) / 16 * 16;
}

/// The share of a name in the nodes above it.
inline constexpr std::size_t trie_share_bytes = 32;
inline constexpr std::size_t directory_cost = allocated(sizeof(Directory)) + allocated(32);
/// A change of a directory's count of names; its first is part of directory_cost.
inline constexpr std::size_t count_change_cost = 2 * sizeof(Revision);
inline constexpr std::size_t record_cost = sizeof(Record);

constexpr std::size_t entry_cost(std::size_t name_bytes) {
    return allocated(sizeof(Entry) + name_bytes) + trie_share_bytes;
}
constexpr std::size_t value_cost(std::size_t bytes) {
    return bytes == 0 ? 0 : allocated(8 + bytes);
}

}  // namespace doozer::store
