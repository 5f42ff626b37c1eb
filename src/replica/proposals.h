// Changes on their way into the one order: those of one turn of the loop become a batch, or a few
// batches if they are many.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/client_message.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/time.h"
#include "replica/change.h"

namespace doozer::replica {

using namespace base;

/// The request that waits for a mutation to be applied.
struct Origin {
    SessionId session;
    std::optional<Tag> tag;
    Verb verb;
    Instant asked;
    bool tell_applied;  ///< the answer is to name the revision that this process has applied
};

/// For each change of a batch its origin; none for a change that this process itself wants.
using Origins = std::vector<std::optional<Origin>>;

/// Encoded changes and their origins.
struct Proposed {
    std::string changes;
    Origins origins;
};

class Proposals {
  public:
    void add(Change const& change, std::optional<Origin> origin = std::nullopt) {
        Proposed& batch = open_batch();
        bytes_ -= batch.changes.size();
        append_change(batch.changes, change);
        bytes_ += batch.changes.size();
        batch.origins.push_back(origin);
    }
    /// A batch of its own.
    void add_switch(Rules to) {
        batches_.push_back({encode_switch(to), {}});
        bytes_ += batches_.back().changes.size();
    }
    [[nodiscard]] bool empty() const { return batches_.empty(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    /// The oldest batch. REQUIRES: !empty().
    Proposed take() {
        Proposed batch = std::move(batches_.front());
        batches_.pop_front();
        bytes_ -= batch.changes.size();
        return batch;
    }
    /// A batch whose changes are applied gives back its memory, to be used again.
    void give_back(Proposed batch) {
        if (batch.changes.capacity() > batch_capacity_kept_max) return;
        batch.changes.clear();
        batch.origins.clear();
        spare_ = std::move(batch);
    }

  private:
    Proposed& open_batch() {
        bool const full = batches_.empty() || batches_.back().changes.size() >= batch_bytes_full ||
                          batches_.back().origins.size() >= batch_mutations_max ||
                          switch_in(batches_.back().changes);
        if (full) batches_.push_back(std::exchange(spare_, {}));
        return batches_.back();
    }

    std::deque<Proposed> batches_;
    std::size_t bytes_ = 0;
    Proposed spare_;
};

}  // namespace doozer::replica
