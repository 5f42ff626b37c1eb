// How many files a listing asks the replica for at a time: many while they are small, since each
// question costs a turn; few while they are large, since the answers wait in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "replica/effects.h"

namespace doozer::web {

using namespace base;

class QuestionCount {
  public:
    [[nodiscard]] std::size_t count() const { return count_; }

    /// Takes the size of the answers into account.
    void answered(std::vector<replica::Reply> const& replies) {
        std::size_t bytes = 0;
        for (replica::Reply const& reply : replies) bytes += reply.value ? reply.value->size() : 0;
        count_ = bytes > bytes_wanted ? std::max<std::size_t>(count_ / 2, 1)
                                      : std::min(2 * count_, count_max);
    }

  private:
    static constexpr std::size_t count_max = 64;
    static constexpr std::size_t bytes_wanted = 128 * KiB;

    std::size_t count_ = 4;
};

}  // namespace doozer::web
