// Whether a survivor that is forced on keeps everything that the processes it reaches know.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/network.h"

namespace doozer::sim {

class Cluster;

/// The workload's operations in a batch, by the values that it sets, and the files that it changes.
struct BatchContent {
    std::set<std::uint64_t> operations;
    std::set<std::string> files;

    void add(Batch const& batch);
};

/// One order to go on alone.
class ForceWatch {
  public:
    /// Notes what the processes know that the survivor reaches now. `may_leave`: the operator
    /// leaves behind what they do not hand over.
    ForceWatch(Cluster const& cluster, Address survivor, Instant now, bool may_leave);

    /// The operations that those knew which were reached from the order until now.
    [[nodiscard]] std::set<std::uint64_t> known(Cluster const& cluster) const;
    /// What one of those had applied beyond what the survivor keeps.
    [[nodiscard]] std::optional<std::string> dropped(Cluster const& cluster, Revision kept) const;

  private:
    struct Reached {
        Address at = 0;
        std::uint64_t life = 0;
        Revision revision;
        std::set<std::uint64_t> known;
    };
    [[nodiscard]] bool is_reached_still(Cluster const& cluster, Reached const& r) const;

    Address survivor_;
    Instant since_;
    std::vector<Reached> reached_;  // empty if they may be left behind
};

}  // namespace doozer::sim
