// A journal that is being written: changes in groups, one sync each, and compaction meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "journal/compaction.h"
#include "journal/file.h"
#include "journal/index.h"
#include "journal/record.h"

namespace doozer::journal {

class Journal {
  public:
    /// What was found when a journal was opened.
    struct Found {
        std::uint64_t records = 0;
        /// What was cut off its end and why; else empty.
        std::string cut = {};
    };

    /// Opens or creates it, reads all of it and forces it to disk. A torn last record is cut off;
    /// with `repair` everything behind the last good record is. Error: it is being written by
    /// another process; or it is damaged, with the offset, and nothing was changed. If the name is
    /// that of a symbolic link, the journal is where that leads.
    static base::Result<Journal> open(std::string const& name, bool repair, Found& found);

    [[nodiscard]] std::string const& name() const { return name_; }
    [[nodiscard]] Index const& index() const { return index_; }
    [[nodiscard]] std::uint64_t bytes() const { return end_; }

    /// Whether the change fits into a record.
    static bool fits(Mutation const& mutation);

    /// Adds a change to the group that the next commit() writes. REQUIRES: fits().
    void add(Mutation const& mutation);
    [[nodiscard]] std::size_t group_bytes() const { return group_.size(); }
    /// Writes the group and forces it to disk. After an error the journal is not to be used: what
    /// is on disk is found out by opening it again.
    base::Result<base::Done> commit();

    /// The data of the record at that place, checked.
    [[nodiscard]] base::Result<std::string> read(Place place) const;

    /// An empty journal in a file beside this one, to take its place.
    [[nodiscard]] base::Result<Journal> begin_anew() const;
    /// The other journal takes the place of this one, which is kept as "<name>.before-restore",
    /// with a number behind it if there is another one of that name. REQUIRES: `other` is from
    /// begin_anew(), and committed.
    base::Result<base::Done> replace_by(Journal other);

    // --- compaction ---
    // All in the thread of the journal; only copying is in another.

    /// More than twice the live data and that much.
    [[nodiscard]] bool is_oversized(std::uint64_t slack) const {
        return end_ > 2 * index_.live_bytes() + slack;
    }
    [[nodiscard]] bool is_compacting() const { return compaction_ != nullptr; }
    /// REQUIRES: not is_compacting(), and an empty group.
    void start_compaction();
    /// How far a compaction is.
    struct Step {
        bool taken = false;       ///< the journal is the compacted one now
        std::string failed = {};  ///< why the file beside it could not be written; else empty
    };
    /// Takes the compacted journal in place of the present one, if it is there. REQUIRES: an empty
    /// group. Error: the journal is damaged, or as commit().
    base::Result<Step> finish_compaction();
    /// Waits until the other thread is done.
    void wait_for_compaction() const {
        if (compaction_) compaction_->wait();
    }

  private:
    Journal(std::optional<Lock> lock, DiskFile file)
        : lock_(std::move(lock)), file_(std::move(file)) {}
    base::Result<base::Done> load(bool repair, Found& found);
    base::Result<base::Done> copy_tail(DiskFile& to, std::uint64_t from) const;

    std::optional<Lock> lock_;  // none while it is beside the one that is locked
    DiskFile file_;
    std::string name_ = file_.name();
    Index index_;
    std::uint64_t end_ = 0;  // of the file, without the group
    std::string group_;
    std::unique_ptr<Compaction> compaction_;
};

}  // namespace doozer::journal
