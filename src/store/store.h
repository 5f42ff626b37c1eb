// The store: one sequence of changes applied to one tree, with the last revisions kept. A pure
// function of the mutations it was given: the same ones in the same order make the same store
// on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/ids.h"
#include "base/limits.h"
#include "store/event.h"
#include "store/file_search.h"
#include "store/history.h"
#include "store/listing.h"
#include "store/mutation.h"
#include "store/tree.h"

namespace doozer::store {

/// What the store may hold. Bytes are counted by the rules of store/cost.h, alike everywhere.
struct StoreLimits {
    std::int64_t history_revisions = history_revisions_default;  ///< at least 1
    std::size_t history_bytes = history_bytes_default;
    std::size_t tree_bytes = memory_bytes_default / 2;
    std::size_t snapshot_piece_bytes = base::snapshot_piece_bytes;  ///< about, of a copy
};

/// What became of a mutation: it has a revision and is an event, also if it was refused. A refused
/// one is an event on /ctl/err. Source: protocol.md, Verbs.
struct Applied {
    Event event;
    std::optional<Error> refused;
};

/// What a path stands for at one revision.
struct Found {
    enum class Kind { nothing, file, directory } kind = Kind::nothing;
    Revision rev = missing;     ///< of a file; `directory` for a directory
    Bytes value;                ///< of a file
    std::uint32_t entries = 0;  ///< of a directory
};

class Store {
  public:
    explicit Store(StoreLimits limits) : limits_(limits) {}

    /// Gives `mutation` the next revision and judges its condition. The event's path points into
    /// the mutation or at static text. `veto`: why a SET is refused that nothing else is wrong
    /// with; null: it is not. REQUIRES: its path is well-formed.
    Applied apply(Mutation const& mutation, char const* veto = nullptr);

    /// The newest revision; `missing` before the first change.
    [[nodiscard]] Revision revision() const { return history_.newest(); }
    /// The oldest revision that can be read.
    [[nodiscard]] Revision first_revision() const { return history_.first(); }

    /// REQUIRES of all that read at a revision: first_revision() <= at <= revision().
    [[nodiscard]] Found find(Path path, Revision at) const;
    /// The event of revision `rev`; its path is written into `path`.
    [[nodiscard]] Event event(Revision rev, std::string& path) const;
    /// The newest change of a file before revision `before`, so that its changes can be gone
    /// through one by one, newest first. The last is the one that the oldest revision still shows.
    [[nodiscard]] std::optional<Event> change_before(Path path, Revision before) const;
    /// The k-th file that matches: see Listing::seek().
    std::shared_ptr<Listing> walk(Glob const& glob, Revision at);
    /// The k-th name in the directory at `path`. REQUIRES: there is one at `at`.
    std::shared_ptr<Listing> getdir(Path path, Revision at);
    /// All names that are in the directory at `path` now, in byte order: visit(std::string_view).
    /// For directories that are small.
    template <typename Visit>
    void for_each_name(Path path, Visit visit) const;
    /// The same for `count` names at most, the first after `after`; for directories of any size.
    template <typename Visit>
    void for_names_after(Path path, std::string_view after, std::size_t count, Visit visit) const;
    Listing::Answer seek(Listing& listing, std::size_t offset, SearchBudget& budget) const {
        return listing.seek(offset, history_, budget);
    }
    /// Goes on with a search: see FileSearch::run().
    template <typename Visit>
    FileSearch::State search(FileSearch& files, SearchBudget& budget, Visit visit) const {
        return files.run(tree_, history_, budget, std::move(visit));
    }
    [[nodiscard]] Version version(Entry const& entry, Revision at) const {
        return version_at(entry, at, history_);
    }

    // --- making a copy (store/snapshot.h), and beginning anew
    /// "/", from which every name can be reached that a kept revision knows.
    [[nodiscard]] Entry const& root() const { return tree_.root(); }
    /// While a hold stands, no change is forgotten and no name goes; unless the history takes twice
    /// the bytes that it may: then all holds are void. REQUIRES: the store outlives it, and is not
    /// moved.
    class Hold;
    /// Makes an empty store one whose next change is that of rev.next(). REQUIRES: it is empty.
    void begin_at(Revision rev) { history_.move_to(rev); }
    /// Puts a file of `rev` into the tree of a store that has seen no change yet. False: it has no
    /// place there.
    bool load_file(Path path, Revision rev, std::string_view value);
    /// Makes the next change as it was made elsewhere, without judging it. False: it cannot follow.
    bool replay(EventKind kind, Path path, std::string_view value);
    /// The next change is a NOP of revision `rev`; everything before it is forgotten.
    /// REQUIRES: rev > revision().
    void move_to(Revision rev);

    /// What the tree takes; a function of what is in it, whatever its history.
    [[nodiscard]] std::size_t tree_bytes() const { return tree_bytes_; }
    [[nodiscard]] std::size_t tree_bytes_max() const { return limits_.tree_bytes; }
    [[nodiscard]] std::size_t history_bytes() const { return history_bytes_; }
    [[nodiscard]] std::size_t files() const { return files_; }

  private:
    std::optional<Error> set(Mutation const& m, char const* veto = nullptr);
    std::optional<Error> del(Mutation const& m);
    void replay_set(Tree::Place const& place, std::string_view content);
    void replay_del(Tree::Place const& place, Path path);
    Entry& put(Tree::Place const& place, Version version, Revision at);
    [[nodiscard]] std::size_t growth(Tree::Place const& place, std::string_view value) const;
    void change_file(Entry& entry, Version version);
    void record(Entry* entry, Bytes value, EventKind kind, bool presence_changed);
    void presence_changed(Entry& entry, Revision rev);
    void collect();
    void collect_first();
    [[nodiscard]] bool keeps_too_much() const;

    StoreLimits limits_;
    Tree tree_;
    History history_;
    Listings listings_;
    std::size_t tree_bytes_ = 0;
    std::size_t history_bytes_ = 0;
    std::size_t files_ = 0;
    std::size_t holds_ = 0;
    std::uint64_t holds_voided_ = 0;  // how often
};

class Store::Hold {
  public:
    explicit Hold(Store& store) : store_(store), voided_before_(store.holds_voided_) {
        ++store_.holds_;
    }
    Hold(Hold const&) = delete;
    Hold& operator=(Hold const&) = delete;
    ~Hold() { --store_.holds_; }

    [[nodiscard]] bool is_void() const { return store_.holds_voided_ != voided_before_; }

  private:
    Store& store_;
    std::uint64_t voided_before_;
};

template <typename Visit>
void Store::for_each_name(Path path, Visit visit) const {
    for_names_after(path, {}, std::numeric_limits<std::size_t>::max(), visit);
}

template <typename Visit>
void Store::for_names_after(Path path, std::string_view after, std::size_t count,
                            Visit visit) const {
    struct Present {
        static bool subtree(Presence const& presence) { return presence.present > 0; }
        static bool leaf(Entry const& entry) { return entry.is_present(); }
    } present;
    Entry const* const top = tree_.locate(path).entry;
    if (top == nullptr || !top->directory) return;
    auto const& names = top->directory->children;
    Entry const* entry = after.empty() ? names.first(present) : names.first_after(after, present);
    for (; entry != nullptr && count > 0; --count) {
        visit(entry->key());
        entry = names.first_after(entry->key(), present);
    }
}

}  // namespace doozer::store
