// What a process wants done: the only ways in which the replica reaches anything outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

namespace doozer::replica {

using namespace base;

/// A response to one request: base::Response with what it needs to outlive the step. A field that
/// is empty is not sent.
struct Reply {
    SessionId session;
    std::optional<Tag> tag;
    std::optional<std::int32_t> flags;
    std::optional<Revision> rev;
    std::optional<Bytes> path;
    std::optional<Bytes> value;
    std::optional<std::int32_t> len;
    std::optional<Error> error;  ///< its detail is sent if it is not empty
};

/// Filled by step() and emptied by whoever performs them, in order.
struct Effects {
    std::vector<Reply> replies;
    /// When to come with a Tick; it may change with every step.
    Instant deadline = never;
    /// Searches go on: end another turn as soon as others have had theirs.
    bool more_to_do = false;
};

}  // namespace doozer::replica
