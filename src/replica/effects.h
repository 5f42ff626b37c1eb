// What a process wants done: the only ways in which the replica reaches anything outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/client_message.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "consensus/core.h"

namespace doozer::replica {

using namespace base;

/// A response to one request: base::Response with what it needs to outlive the step. A field that
/// is empty is not sent. The value of a reply to STATUS is the shell's to fill in.
struct Reply {
    SessionId session;
    std::optional<Tag> tag;
    std::optional<std::int32_t> flags;
    std::optional<Revision> rev;
    std::optional<Bytes> path;
    std::optional<Bytes> value;
    std::optional<std::int32_t> len;
    std::optional<Revision> applied;
    std::optional<Error> error;  ///< its detail is sent if it is not empty
    // For who counts and measures:
    Verb verb{0};           ///< of the request; 0 if it had none
    Instant asked = never;  ///< when it came
};

/// A process that this one wants a link to.
struct Target {
    std::optional<ProcessId> id;  ///< none: whoever answers there
    std::string address;          ///< host:port as it was written by somebody; perhaps nonsense
    bool operator==(Target const&) const = default;
};

/// Filled by step() and emptied by whoever performs them, in order.
struct Effects {
    std::vector<Reply> replies;
    /// To members: each in order behind what was sent to it before.
    std::vector<consensus::Send> sends;
    /// All that links are wanted to, if that has changed.
    std::optional<std::vector<Target>> targets;
    /// To be closed without an answer: nobody can tell what became of what they asked.
    std::vector<SessionId> lost;
    /// For the log.
    std::vector<consensus::TraceEvent> trace;
    /// This process was removed: close all links, say so, and then give it a new id.
    bool wants_identity = false;
    /// An operator has ordered this process to go on alone: give it a lineage, by Force.
    bool wants_lineage = false;
    /// When to end a turn, if nothing happens before; it may change with every step.
    Instant deadline = never;
    /// Searches go on: end another turn as soon as others have had theirs.
    bool more_to_do = false;
};

}  // namespace doozer::replica
