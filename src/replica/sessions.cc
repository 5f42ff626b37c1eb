#include "replica/sessions.h"

#include <utility>

#include "base/assert.h"
#include "base/prng.h"

namespace doozer::replica {

std::size_t TagSet::home(Tag tag) const {
    return static_cast<std::size_t>(Prng(seed_ ^ static_cast<std::uint32_t>(tag.value())).next()) &
           (slots_.size() - 1);
}

/// Where the tag is, or the free slot where it would be. REQUIRES: there is a free slot.
std::size_t TagSet::slot_of(Tag tag) const {
    std::size_t slot = home(tag);
    while (slots_[slot] && *slots_[slot] != tag) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
}

bool TagSet::contains(Tag tag) const {
    return size_ > 0 && slots_[slot_of(tag)].has_value();
}

void TagSet::insert(Tag tag) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    std::size_t const slot = slot_of(tag);
    DOOZER_ASSERT(!slots_[slot]);
    slots_[slot] = tag;
    ++size_;
}

void TagSet::erase(Tag tag) {
    DOOZER_ASSERT(contains(tag));
    std::size_t hole = slot_of(tag);
    slots_[hole].reset();
    --size_;
    // Whoever had to pass the hole on the way from home moves into it (Knuth 6.4, algorithm R).
    std::size_t const mask = slots_.size() - 1;
    for (std::size_t next = (hole + 1) & mask; slots_[next]; next = (next + 1) & mask) {
        bool const passed_hole = ((next - home(*slots_[next])) & mask) >= ((next - hole) & mask);
        if (passed_hole) {
            slots_[hole] = std::exchange(slots_[next], std::nullopt);
            hole = next;
        }
    }
}

void TagSet::grow() {
    std::vector<std::optional<Tag>> const before = std::exchange(
        slots_, std::vector<std::optional<Tag>>(slots_.empty() ? 8 : 2 * slots_.size()));
    for (auto const& tag : before) {
        if (tag) slots_[slot_of(*tag)] = tag;
    }
}

void Sessions::open(SessionId id) {
    bool const is_new = sessions_.try_emplace(id, Session{initial_, TagSet(seed_)}).second;
    DOOZER_ASSERT(is_new);
}

Session* Sessions::find(SessionId id) {
    auto const found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

}  // namespace doozer::replica
