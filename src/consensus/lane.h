// This member's copy of one lane: what its owner has said so far.
#pragma once

#include <optional>

#include "consensus/batch.h"

namespace doozer::consensus {

/// Every slot of the lane below upto() is known: it holds an item, or it never will (I1). The copy
/// drops items that were delivered, since the log keeps them.
class LaneCopy {
  public:
    [[nodiscard]] Slot upto() const { return upto_; }
    [[nodiscard]] Items const& items() const { return items_; }
    [[nodiscard]] bool has_items() const { return !items_.empty(); }
    [[nodiscard]] std::size_t weight() const { return weight_; }
    /// Items below this may have been dropped.
    [[nodiscard]] Slot complete_from() const { return complete_from_; }

    /// REQUIRES: slot >= upto().
    void put(Slot slot, Batch batch) {
        DOOZER_ASSERT(slot >= upto_);
        weight_ += batch.weight();
        items_.push_back({slot, std::move(batch)});
        upto_ = slot.next();
    }
    /// The owner fills no more slots below `to`. Never goes back.
    void skip_to(Slot to) { upto_ = std::max(upto_, to); }
    /// The items at or above `from`.
    [[nodiscard]] Items items_from(Slot from) const {
        Items found;
        for (Item const& i : items_) {
            if (i.slot >= from) found.push_back(i);
        }
        return found;
    }
    /// The first item at or above `from`; null if there is none.
    [[nodiscard]] Item const* first_from(Slot from) const {
        for (Item const& i : items_) {
            if (i.slot >= from) return &i;
        }
        return nullptr;
    }
    void drop_below(Slot slot) {
        auto const keep = std::find_if(items_.begin(), items_.end(),
                                       [&](Item const& i) { return i.slot >= slot; });
        for (auto i = items_.begin(); i != keep; ++i) weight_ -= i->batch.weight();
        if (keep != items_.begin()) complete_from_ = std::prev(keep)->slot.next();
        items_.erase(items_.begin(), keep);
    }

  private:
    Slot upto_;
    Slot complete_from_;
    Items items_;  // strictly increasing, all below upto_; as many as the owner's window at most
    std::size_t weight_ = 0;
    DOOZER_FIELDS(upto_, complete_from_, items_, weight_);
};

}  // namespace doozer::consensus
