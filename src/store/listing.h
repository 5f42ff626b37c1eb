// Listings: clients ask for the first entry, then for the second, and so on, each with a request
// of its own, at one revision. A listing remembers how far it has come, so that the next offset
// is a step and not a walk from the beginning.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "store/glob.h"
#include "store/tree.h"

namespace doozer::store {

/// What a request may still look at before others have their turn.
struct SearchBudget {
    std::size_t steps = search_steps_per_turn;
    [[nodiscard]] bool spent() const { return steps == 0; }
    void use(std::size_t n = 1) { steps -= std::min(steps, n); }
};

/// The file as it was at revision `at`. REQUIRES: history.first() <= at <= history.newest().
Version version_at(Entry const& entry, Revision at, History const& history);
/// Whether the name was a directory at `at`, and with how many entries if so.
std::optional<std::uint32_t> directory_at(Entry const& entry, Revision at);

/// The files that match a glob (WALK), depth first with names in byte order, or the names in a
/// directory (GETDIR), at one revision.
class Listing {
  public:
    enum class State { found, end, unfinished };
    struct Answer {
        State state;
        Entry const* entry;  ///< the one asked for, if found
    };

    /// The files below `top` that match `glob`.
    Listing(Entry const& top, Glob glob, Revision at);
    /// The names in `top`.
    Listing(Entry const& top, Revision at);

    /// The entry at `offset`. `unfinished` means that the budget is spent: what was found is
    /// kept, and the same question goes on from there. REQUIRES: at() is still in the history.
    Answer seek(std::size_t offset, History const& history, SearchBudget& budget);

    [[nodiscard]] Revision at() const { return at_; }

  private:
    /// A name that is there at at(), or none: before the first. If it `counts`, it is the
    /// `offset`-th; if not, the next that counts will be.
    struct Mark {
        Entry const* entry = nullptr;
        std::size_t offset = 0;
        bool counts = false;
    };
    /// Where a search stopped among names that are not there at at(). Such a name may go while
    /// the listing lives; the directory it is in cannot.
    struct Parked {
        Entry const* directory;
        std::string name;
    };
    enum class Step { moved, parked, end };

    Step advance(Mark& mark, std::optional<Parked>& parked, History const& history,
                 SearchBudget& budget) const;
    [[nodiscard]] bool enters(Entry const& directory, SearchBudget& budget) const;
    [[nodiscard]] bool counts(Entry const& entry, History const& history,
                              SearchBudget& budget) const;
    void remember(Mark const& mark);
    [[nodiscard]] Mark nearest_mark(std::size_t offset) const;

    Entry const* top_;
    std::optional<Glob> glob_;
    Revision at_;
    Mark last_;                     // where the last answer was found
    Mark front_;                    // the furthest that was looked at
    std::optional<Parked> parked_;  // where to go on after front_
    bool complete_ = false;         // nothing comes after front_
    std::vector<Mark> marks_;       // now and then a name that counts, to come back to
    std::size_t steps_unmarked_ = 0;
};

/// The listings in progress, by what they list; those used last are kept.
class Listings {
  public:
    /// WALK, or GETDIR with a null glob. REQUIRES: `at` is in the history.
    std::shared_ptr<Listing> find_or_make(Entry const& top, Glob const* glob, Revision at);

    /// Forgets listings of revisions before `first`: the names they point to may be gone.
    void collect(Revision first);

  private:
    struct Item {
        Entry const* top;
        std::string glob;  // empty for GETDIR
        std::shared_ptr<Listing> listing;
    };
    std::list<Item> recent_first_;
};

}  // namespace doozer::store
