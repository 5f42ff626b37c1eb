// One WATCH: how far it is in the history, and what it is told next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/client_message.h"
#include "replica/effects.h"
#include "store/store.h"
#include "store/watch_table.h"

namespace doozer::replica {

/// The bits of a WATCH's options.
inline constexpr std::int32_t watch_state = 1;   ///< all files that match come first
inline constexpr std::int32_t watch_before = 2;  ///< each change tells what was there before it

class Stream {
  public:
    /// Tells what happens from revision `from` on, or, if the options want the state, first the
    /// files of now.
    Stream(std::optional<Tag> tag, store::Glob glob, Revision from, std::int32_t options);

    /// Whether something may have to be told of what has happened up to `newest`.
    [[nodiscard]] bool is_behind(Revision newest) const { return walk_ || next_ <= newest; }
    /// Whether the history no longer has what was not told yet.
    [[nodiscard]] bool is_too_late(store::Store const& store) const {
        return next_ < store.first_revision();
    }
    /// Everything up to this revision was told.
    [[nodiscard]] Revision told() const;

    /// Makes the next part, of about stream_part_bytes at most, as far as the budget goes. Null:
    /// nothing is to be told yet. REQUIRES: !is_too_late().
    std::shared_ptr<ReplyEvents const> next_part(store::Store const& store,
                                                 store::SearchBudget& budget);
    /// Nothing before this revision concerns it any more.
    void wake(Revision rev) { next_ = std::max(next_, rev); }

    [[nodiscard]] std::optional<Tag> tag() const { return tag_; }
    [[nodiscard]] store::Glob const& glob() const { return glob_; }
    /// The memory that it takes at most, with its place in the watch table.
    [[nodiscard]] std::size_t memory() const;

    /// Its place among those that wait for an event, if it is not behind.
    std::optional<store::WatchTable::Handle> watch;

  private:
    struct Part;
    void read_history(store::Store const& store, store::SearchBudget& budget, Part& part);
    void read_state(store::Store const& store, store::SearchBudget& budget, Part& part);
    void add_change(store::Store const& store, store::Event const& event, Part& part) const;

    std::optional<Tag> tag_;
    store::Glob glob_;
    Revision next_;  // the first that was not looked at
    std::int32_t options_;
    // How far the files of the state were told. Of what happens meanwhile, what concerns files that
    // were told is told as a change, and the other files are found as they are when their turn
    // comes. So the stream never needs an old revision, and is never sent a file twice for one
    // change.
    std::optional<store::FileSearch> walk_;
};

}  // namespace doozer::replica
