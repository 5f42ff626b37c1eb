#include "store/tree.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace doozer::store {

Presence Presence::of(Entry const& entry) {
    Revision changed = entry.last_change;
    if (entry.directory) changed = std::max(changed, entry.directory->counts.changed());
    return {entry.is_present() ? 1U : 0U, changed};
}

std::uint32_t CountHistory::at(Revision rev) const {
    auto const begin = changes_.begin() + static_cast<std::ptrdiff_t>(begin_);
    auto const after =
        std::upper_bound(begin, changes_.end(), rev,
                         [](Revision r, Change const& change) { return r < change.rev; });
    return after == begin ? 0 : std::prev(after)->count;
}

bool CountHistory::set(Revision rev, std::uint32_t count) {
    DOOZER_ASSERT(rev >= changed());
    changes_.push_back({rev, count});
    return size() > 1;
}

std::size_t CountHistory::collect(Revision first) {
    std::size_t const begin_before = begin_;
    while (begin_ + 1 < changes_.size() && changes_[begin_ + 1].rev <= first) ++begin_;
    std::size_t const forgotten = begin_ - begin_before;
    if (begin_ > changes_.size() / 2) {
        changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
        if (changes_.capacity() > 2 * changes_.size() + 2) changes_.shrink_to_fit();
    }
    return forgotten;
}

Entry::Entry(Entry* above, std::string_view name)
    : parent(above), name_size(static_cast<std::uint16_t>(name.size())) {
    std::memcpy(reinterpret_cast<char*>(this + 1), name.data(), name.size());
}

Entry* Entry::make(Entry* parent, std::string_view name) {
    return new (::operator new(sizeof(Entry) + name.size())) Entry(parent, name);
}

void Entry::destroy(Entry* entry) {
    entry->~Entry();
    ::operator delete(entry);
}

void append_path(std::string& out, Entry const& entry) {
    if (entry.parent == nullptr) {
        out += '/';
        return;
    }
    std::size_t size = 0;
    for (Entry const* e = &entry; e->parent != nullptr; e = e->parent) size += 1 + e->name_size;
    std::size_t end = out.size() + size;
    out.resize(end);
    for (Entry const* e = &entry; e->parent != nullptr; e = e->parent) {
        end -= e->name_size;
        e->key().copy(&out[end], e->name_size);
        out[--end] = '/';
    }
}

Tree::Tree() : root_(Entry::make(nullptr, "")) {
    root_->directory = std::make_unique<Directory>();
}

Tree::~Tree() {
    // Without recursion: a path may be some thousand names deep.
    AllNames all;
    for (Entry* entry = root_; entry != nullptr;) {
        Entry* const child = entry->directory ? entry->directory->children.first(all) : nullptr;
        if (child != nullptr) {
            entry = child;
            continue;
        }
        Entry* const parent = entry->parent;
        if (parent != nullptr) parent->directory->children.erase(entry->key());
        Entry::destroy(entry);
        entry = parent;
    }
}

Tree::Place Tree::locate(Path path) const {
    Place place{root_, root_, {}, false};
    if (path.is_root()) return place;
    std::string_view rest = path.text();
    while (!rest.empty()) {
        std::string_view const here = rest;
        std::string_view const name = take_component(rest);
        if (place.deepest->is_file()) place.below_file = true;
        Entry* const next =
            place.deepest->directory ? place.deepest->directory->children.find(name) : nullptr;
        if (next == nullptr) {
            place.entry = nullptr;
            place.rest = here;
            return place;
        }
        place.entry = place.deepest = next;
    }
    return place;
}

Entry& Tree::add_names(Place const& place) {
    DOOZER_ASSERT(!place.below_file && !place.rest.empty());
    Entry* parent = place.deepest;
    for (std::string_view rest = place.rest; !rest.empty();) {
        Entry* const entry = Entry::make(parent, take_component(rest));
        if (!parent->directory) parent->directory = std::make_unique<Directory>();
        parent->directory->children.insert(*entry);
        parent = entry;
    }
    return *parent;
}

std::size_t Tree::collect_counts(Entry& entry, Revision first) {
    std::size_t forgotten = 0;
    for (Entry* above = entry.parent; above != nullptr; above = above->parent) {
        forgotten += above->directory->counts.collect(first);
    }
    return forgotten;
}

}  // namespace doozer::store
