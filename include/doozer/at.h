// Which state of the tree a read looks at.
#pragma once

#include <optional>

#include "doozer/event.h"

namespace doozer {

struct Linear {};
/// A state that has every write which anybody, anywhere, had an answer to when this read was
/// called. Takes a round trip among the servers.
inline constexpr Linear linear{};

/// What is given to a read:
///
///   {}          the newest state that the server has, but none from before what this Client has
///               met so far, on whichever server;
///   a revision  the tree as that revision left it; one that is still to come is waited for;
///   linear      see there. A server that is no member of the cluster cannot do that; then the
///               client goes to another. The original doozerd does not know of it and answers as
///               for {}: there, write with nop() first.
class At {
  public:
    constexpr At() = default;
    constexpr At(std::nullopt_t) {}                           // NOLINT
    constexpr At(Revision rev) : rev_(rev) {}                 // NOLINT
    constexpr At(std::optional<Revision> rev) : rev_(rev) {}  // NOLINT
    constexpr At(Linear /*unused*/) : is_linear_(true) {}     // NOLINT

    [[nodiscard]] constexpr std::optional<Revision> rev() const { return rev_; }
    [[nodiscard]] constexpr bool is_linear() const { return is_linear_; }

  private:
    std::optional<Revision> rev_ = {};
    bool is_linear_ = false;
};

}  // namespace doozer
