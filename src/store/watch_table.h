// Who waits for what. Three kinds of globs are kept in three ways, so that a change costs what it
// has to tell and no more:
//
//   - A path, and a glob with one run of stars (`/d/*`, `/d/**`, `/d/*/addr`, `/**.lock`), is found
//     by its beginning and its end. A change looks at nobody whom it does not wake.
//   - A few others of each directory are tried with every change below that directory.
//   - All the rest is tried later, in turns and within a budget (store/glob_scan.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/strong.h"
#include "store/glob.h"
#include "store/glob_scan.h"
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

    /// `who` waits for the first event after revision `seen` whose path matches `glob`: take() or
    /// scan() gives it back. `payer` is who pays for globs that are tried later: payers have their
    /// turns alternately. REQUIRES: `seen` is the revision of the last event given to take().
    Handle add(Glob const& glob, std::uint64_t who, std::uint64_t payer, Revision seen);

    /// REQUIRES: `handle` is in the table.
    void remove(Handle handle);

    /// Takes out the waiters that are found at once to wait for an event on `path`; appends their
    /// `who` to `woken`, in the order in which those with the same glob were added.
    void take(std::string_view path, std::vector<std::uint64_t>& woken);

    /// Tries the other globs on the events up to the newest one, as far as the budget goes, and
    /// takes out the waiters that are due.
    void scan(Store const& store, SearchBudget& budget, std::vector<GlobScan::Due>& due);
    /// Whether some glob was not tried on all events up to `newest`.
    [[nodiscard]] bool is_behind(Revision newest) const { return scan_.is_behind(newest); }

    [[nodiscard]] std::size_t size() const { return size_; }
    /// How many different globs scan() tries.
    [[nodiscard]] std::size_t scanned_globs() const { return scan_.size(); }

  private:
    struct Group;
    struct Beginning;
    /// In a group, or, if that is null, in the scan.
    struct Waiter {
        Group* group = nullptr;
        std::uint32_t position = 0;  // in group->waiters
        bool used = false;
        std::uint64_t who = 0;
    };

    Group* group_of(Glob const& glob);
    Group& path_group(Glob const& glob);
    Group* tried_group(Glob const& glob);
    Beginning& beginning_at(std::string_view prefix);
    void wake(Group& group, std::vector<std::uint64_t>& woken);
    void drop_if_empty(Group& group);
    std::uint32_t new_waiter();
    void free_waiter(std::uint32_t index);

    NameTrie<Group> paths_;           // by the path
    NameTrie<Beginning> beginnings_;  // by what precedes the first wildcard
    GlobScan scan_;
    std::vector<Waiter> waiters_;
    std::vector<std::uint32_t> free_;
    std::vector<Group*> emptied_;  // used again with every event
    std::string reversed_;
    std::size_t size_ = 0;
};

}  // namespace doozer::store
