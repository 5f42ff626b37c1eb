// Who waits for what. An event finds those who wait for it without looking at those who do not:
// globs are kept by the characters before their first wildcard, and only those whose beginning is
// the event's are tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.h"
#include "store/glob.h"
#include "store/name_trie.h"

namespace doozer::store {

class WatchTable {
  public:
    /// Names a waiter while it is in the table.
    using Handle = Strong<struct WatchHandleTag, std::uint32_t>;

    WatchTable() = default;
    WatchTable(WatchTable const&) = delete;
    WatchTable& operator=(WatchTable const&) = delete;
    ~WatchTable();

    /// `who` comes back from take() when an event matches `glob`.
    Handle add(Glob const& glob, std::uint64_t who);

    /// REQUIRES: `handle` is in the table.
    void remove(Handle handle);

    /// Takes out everybody whose glob matches `path`; appends their `who` to `woken`, in the
    /// order in which those with the same glob were added.
    void take(std::string_view path, std::vector<std::uint64_t>& woken);

    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    struct Group;
    struct Beginning;
    struct Waiter {
        Group* group;
        std::uint32_t position;  // in group->waiters
        std::uint64_t who;
    };

    Beginning& beginning_of(Glob const& glob);
    void drop_if_empty(Group& group);
    void free_waiter(std::uint32_t index);

    NameTrie<Beginning> beginnings_;
    std::vector<Waiter> waiters_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace doozer::store
