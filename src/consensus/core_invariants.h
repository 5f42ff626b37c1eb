// The invariants of one member, looked at from outside after every step. Source: docs/consensus.md,
// Invariants, which says what keeps each of them.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "consensus/core.h"

namespace doozer::consensus {

/// Watches one member from step to step.
class CoreInvariants {
  public:
    /// To be called after every step of the same core. Returns the first invariant that does not
    /// hold, by its number and in words.
    [[nodiscard]] std::optional<std::string> check(Core const& core);

  private:
    struct Before {
        Epoch epoch;
        Slot delivered;
        std::uint64_t applied = 0;
        Acceptor acceptor;
        Frontier upto;
        std::uint64_t counted = 0;  // the batches of all voters that counted
    };
    [[nodiscard]] std::optional<std::string> check_configuration(Configuration const& c);
    [[nodiscard]] static std::optional<std::string> check_state(Core const& core);
    [[nodiscard]] static std::optional<std::string> check_step(Before const& was, Core const& is,
                                                               Frontier const& upto);
    [[nodiscard]] std::optional<std::string> check_items(Core const& core);
    [[nodiscard]] bool same_item(Item const& item);

    Configuration valid_;  // as it was checked last
    std::optional<Before> before_;
    std::map<Slot, Batch> seen_;  // of before_->epoch
};

}  // namespace doozer::consensus
