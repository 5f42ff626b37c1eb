// The state of the tree that a read sees.
#pragma once

#include <optional>

#include "doozer/event.h"

namespace doozer {

struct Linear {};
/// A state with every write that any client had an answer to when this read was called. Takes a
/// round trip among the servers.
inline constexpr Linear linear{};

/// The argument of a read:
///
///   {}          the newest state of the server, but none older than this Client has met so far, on
///               any server;
///   a revision  the tree as that revision left it; the read waits for a future revision;
///   linear      see there. A server that is no member of the cluster cannot answer it; then the
///               client goes to another one. The original doozerd does not know it and answers as
///               for {}: there, call nop() first.
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
