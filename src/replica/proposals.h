// Changes on their way into the one order: all that one turn of the loop brings becomes a batch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/client_message.h"
#include "base/ids.h"
#include "base/limits.h"
#include "store/mutation.h"

namespace doozer::replica {

using namespace base;

/// Who waits for a mutation to be applied.
struct Origin {
    SessionId session;
    std::optional<Tag> tag;
    Verb verb;
};

/// Encoded mutations, and for each its origin; none for what this process itself wants.
struct Batch {
    std::string mutations;
    std::vector<std::optional<Origin>> origins;
};

class Proposals {
  public:
    void add(store::Mutation const& mutation, std::optional<Origin> origin) {
        store::append_mutation(next_.mutations, mutation);
        next_.origins.push_back(origin);
    }
    [[nodiscard]] bool empty() const { return next_.origins.empty(); }
    [[nodiscard]] std::size_t bytes() const { return next_.mutations.size(); }

    /// What was added since the last time. The batch that was taken before is given back, so that
    /// its memory is used again.
    Batch take(Batch used) {
        if (used.mutations.capacity() > batch_capacity_kept_max) used = {};
        used.mutations.clear();
        used.origins.clear();
        std::swap(used, next_);
        return used;
    }

  private:
    Batch next_;
};

}  // namespace doozer::replica
