// Names and what they stand for: the newest state, and with the history the state at every
// revision that is kept. A name stays here as long as any of those revisions knows it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "store/history.h"
#include "store/name_trie.h"
#include "store/path.h"

namespace doozer::store {

/// A file's content and the revision of the change that made it; rev is `missing` if there was
/// no file.
struct Version {
    Revision rev;
    Bytes value;
};

/// What a subtree of a directory's names knows: how many are there now, and when that last changed.
struct Presence {
    std::uint32_t present = 0;
    Revision changed;
    static Presence of(Entry const& entry);
};

/// A number that changes from revision to revision.
class CountHistory {
  public:
    [[nodiscard]] std::uint32_t now() const { return changes_.empty() ? 0 : changes_.back().count; }
    [[nodiscard]] Revision changed() const {
        return changes_.empty() ? missing : changes_.back().rev;
    }
    [[nodiscard]] std::uint32_t at(Revision rev) const;
    /// How many changes are kept.
    [[nodiscard]] std::size_t size() const { return changes_.size() - begin_; }
    /// REQUIRES: rev >= changed(). False if this is the first that is kept.
    bool set(Revision rev, std::uint32_t count);
    /// Forgets what only revisions before `first` need. Returns how many changes that were.
    std::size_t collect(Revision first);

  private:
    struct Change {
        Revision rev;
        std::uint32_t count;
    };
    std::vector<Change> changes_;
    std::size_t begin_ = 0;
};

/// The names in one directory, and how many of them are there at each revision.
struct Directory {
    NameTrie<Entry, Presence> children;
    CountHistory counts;
};

/// A name in a directory. At any one revision it is a file, a directory or nothing.
struct Entry {
    /// The name's bytes stand behind the entry in memory.
    static Entry* make(Entry* parent, std::string_view name);
    static void destroy(Entry* entry);

    [[nodiscard]] std::string_view key() const {
        return {reinterpret_cast<char const*>(this + 1), name_size};
    }
    [[nodiscard]] bool is_file() const { return newest.rev != missing; }
    [[nodiscard]] bool is_directory() const {
        return parent == nullptr || (directory && directory->counts.now() > 0);
    }
    [[nodiscard]] bool is_present() const { return is_file() || is_directory(); }

    Entry* parent;                         ///< null for "/"
    std::unique_ptr<Directory> directory;  ///< there while any kept revision has a name below
    Version newest;                        ///< the file as it is now
    Version base;                          ///< the file before the first change that is kept
    Revision last_change;                  ///< its newest record in the history, or `missing`
    std::uint16_t name_size;

  private:
    Entry(Entry* above, std::string_view name);
    ~Entry() = default;
};

/// The path of an entry, appended to `out`.
void append_path(std::string& out, Entry const& entry);

/// Lets a search of names find every one.
struct AllNames {
    static bool subtree(Presence const& /*unused*/) { return true; }
    static bool leaf(Entry const& /*unused*/) { return true; }
};

class Tree {
  public:
    Tree();
    ~Tree();
    Tree(Tree&& other) noexcept : root_(std::exchange(other.root_, nullptr)) {}
    Tree& operator=(Tree&& other) noexcept {
        std::swap(root_, other.root_);
        return *this;
    }

    /// Where a path leads: how far it is known, and what stands in its way.
    struct Place {
        Entry* entry;           ///< the name itself, if known
        Entry* deepest;         ///< the last known name on the way
        std::string_view rest;  ///< what is not known, from its slash on; empty with an entry
        bool below_file;        ///< a file stands where the path needs a directory
    };
    [[nodiscard]] Place locate(Path path) const;

    /// Makes the names of place.rest, none of them present, and returns the last.
    Entry& add_names(Place const& place);

    /// Enters in the directories above that `entry` has become present, or has ceased to be.
    /// Directories come and go with their content. Calls moved(Entry&, bool) for each name whose
    /// presence changed, and tells whether its directory has now one count more to keep.
    template <typename Moved>
    void presence_changed(Entry& entry, Revision rev, Moved moved);

    /// Forgets in the directories above `entry` what only revisions before `first` need.
    /// Returns how many changes of counts that were.
    static std::size_t collect_counts(Entry& entry, Revision first);

    /// Removes `entry` and the directories above it that no kept revision knows any longer.
    /// Calls gone(Entry&, had_directory) before each.
    template <typename Gone>
    void release(Entry& entry, Gone gone);

    [[nodiscard]] Entry& root() const { return *root_; }

  private:
    Entry* root_;
};

template <typename Moved>
void Tree::presence_changed(Entry& entry, Revision rev, Moved moved) {
    Entry* changed = &entry;
    while (changed->parent != nullptr) {
        bool const present = changed->is_present();
        Directory& directory = *changed->parent->directory;
        bool const parent_was_present = changed->parent->is_present();
        directory.children.update(changed->key(), [&](Presence& presence) {
            present ? ++presence.present : --presence.present;
            presence.changed = rev;
        });
        std::uint32_t const count = directory.counts.now();
        bool const one_more = directory.counts.set(rev, present ? count + 1 : count - 1);
        moved(*changed, one_more);
        changed = changed->parent;
        if (changed->is_present() == parent_was_present) return;
    }
}

template <typename Gone>
void Tree::release(Entry& entry, Gone gone) {
    Entry* candidate = &entry;
    while (candidate->parent != nullptr) {
        bool const no_children = !candidate->directory || candidate->directory->children.empty();
        if (candidate->is_present() || candidate->last_change != missing || !no_children) return;
        Entry* const parent = candidate->parent;
        parent->directory->children.erase(candidate->key());
        gone(*candidate);
        Entry::destroy(candidate);
        candidate = parent;
    }
}

}  // namespace doozer::store
