// The globs that nothing but trying them on every event can decide. They are tried after the event
// has been applied, in steps, so that no number of them delays a change: the waiters hear of the
// event a little later, and of none too few. Payers have their turns alternately, so one with many
// costly globs delays its own waiters and hardly those of others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "store/glob.h"
#include "store/listing.h"

namespace doozer::store {

class Store;

class GlobScan {
  public:
    struct Waiter {
        std::uint64_t who;
        std::uint32_t handle;  ///< names it here
        Revision seen;         ///< it waits for a later event
    };
    /// A waiter whose event was found at revision `at`; or, if that is `missing`, the history no
    /// longer has all events that it waits for.
    struct Due {
        std::uint64_t who;
        std::uint32_t handle;
        Revision at;
    };

    GlobScan() = default;
    GlobScan(GlobScan const&) = delete;
    GlobScan& operator=(GlobScan const&) = delete;
    ~GlobScan() = default;

    /// REQUIRES: the handle is not in use; waiter.seen is the newest revision of the store.
    void add(Glob const& glob, Waiter waiter, std::uint64_t payer);
    /// REQUIRES: the handle is in use.
    void remove(std::uint32_t handle);

    /// Tries globs on events up to the newest of `store`, until all are done or the budget is
    /// spent. Appends the waiters that are due to `due` and forgets them. REQUIRES: the same store
    /// each time, for as long as anybody waits.
    void run(Store const& store, SearchBudget& budget, std::vector<Due>& due);
    /// Whether some glob was not tried on all events up to `newest`.
    [[nodiscard]] bool is_behind(Revision newest) const {
        return !payers_.empty() && (behind_ > 0 || newest > newest_);
    }
    /// How many different globs there are.
    [[nodiscard]] std::size_t size() const { return groups_.size(); }

  private:
    struct Payer;
    /// The waiters with one and the same glob.
    struct Group {
        Glob glob;
        Payer* payer;
        Revision next;        // the glob was tried on all events before this one
        std::uint64_t round;  // of its payer, in which it was tried last
        std::vector<Waiter> waiters = {};
    };
    using Groups = std::list<Group>;
    /// Rounds: each begins with all groups behind, and is over when all were tried up to `marked`.
    struct Payer {
        std::uint64_t id;
        std::uint64_t round_of_all;  // in which it was up to date last
        Groups groups = {};
        Groups::iterator cursor = groups.end();  // whose turn it is
        std::uint64_t round = 1;
        std::size_t behind = 0;
        Revision marked = missing;
    };
    using Payers = std::list<Payer>;
    struct Place {
        Groups::iterator group;
        std::size_t position;
    };
    struct EventPath {
        Revision rev = missing;
        std::string path = {};
    };

    Payer& payer_with(std::uint64_t id);
    Groups::iterator group_with(Glob const& glob, Revision seen, Payer& payer);
    void hand_over(Groups::iterator group, Payer& payer);
    bool advance(Payer& payer, Store const& store, SearchBudget& budget, std::vector<Due>& due);
    bool advance(Groups::iterator group, Store const& store, std::size_t floor,
                 SearchBudget& budget, std::vector<Due>& due);
    void give(Groups::iterator group, Revision at, Revision seen_before, std::vector<Due>& due);
    void take_out(Groups::iterator group, std::size_t position);
    void erase(Groups::iterator group);
    void drop_if_empty(Payer& payer);
    std::string const& path_at(Store const& store, Revision rev, SearchBudget& budget);

    Payers payers_;
    Payers::iterator cursor_ = payers_.end();  // whose turn it is
    std::unordered_map<std::uint64_t, Payers::iterator> payer_of_;
    std::unordered_map<std::string_view, Groups::iterator> groups_;  // by the glob's text
    std::unordered_map<std::uint32_t, Place> places_;                // by handle
    std::uint64_t round_ = 1;
    std::size_t behind_ = 0;  // payers whose round_of_all is not round_
    Revision newest_ = missing;
    std::array<EventPath, 64> paths_;  // of recent events
};

}  // namespace doozer::store
