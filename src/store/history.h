// The changes of the last revisions, oldest first: what WAIT finds in the past, and what makes
// every revision of the tree readable. A file's versions are not stored twice: its records here
// are linked to each other, newest to oldest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "store/event.h"

namespace doozer::store {

struct Entry;

/// One change. For a change of a name in the tree, `value` is the file's new value; for a deletion
/// of what has no place in the tree (entry is null, kind is del), `value` is its path.
struct Record {
    Entry* entry = nullptr;
    Bytes value;
    Revision previous;          ///< the entry's change before this one, `missing` if there is none
    Revision jump;              ///< an earlier one, chosen so that any is found in O(log n) steps
    std::uint32_t ordinal = 0;  ///< how many changes of the entry came before, as far as linked
    EventKind kind = EventKind::nop;
    bool presence_changed = false;  ///< a name appeared in or went from a directory
};

/// Revisions first() to newest(), without a gap.
class History {
  public:
    [[nodiscard]] Revision newest() const { return newest_; }
    /// newest().next() if nothing is kept.
    [[nodiscard]] Revision first() const {
        return Revision(newest_.value() - static_cast<std::int64_t>(size_) + 1);
    }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// REQUIRES: first() <= rev <= newest().
    [[nodiscard]] Record const& at(Revision rev) const;

    /// Adds the change of revision newest().next() and links it to the entry's change before it,
    /// which `record.previous` names.
    void append(Record record);

    /// The next change is that of newest.next(). REQUIRES: size() == 0.
    void move_to(Revision newest) { newest_ = newest; }

    /// Takes out the oldest. REQUIRES: size() > 0.
    Record take_first();

    /// Of the changes of one entry, of which `last` is the newest: the newest that is not after
    /// `at`, or `missing` if none that is still kept is. REQUIRES: at >= first().
    [[nodiscard]] Revision newest_not_after(Revision last, Revision at) const;

  private:
    static constexpr std::size_t block_records = 1024;
    using Block = std::unique_ptr<Record[]>;  // NOLINT(*-avoid-c-arrays): of fixed size on the heap

    [[nodiscard]] bool kept(Revision rev) const { return rev >= first() && rev > missing; }

    std::deque<Block> blocks_;
    std::size_t offset_ = 0;  // of the oldest record in the first block
    std::size_t size_ = 0;
    Revision newest_;
};

}  // namespace doozer::store
