// What a process wants done: the only ways in which the replica acts on the outside.
#pragma once

#include <cstdint>
#include <memory>
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

/// A file, or a change of one, in an answer that tells of several.
struct ReplyEvent {
    Bytes path;
    Bytes value;
    Revision rev;
    std::int32_t flags = 0;
    bool operator==(ReplyEvent const&) const = default;
};

/// What the answers with events have besides.
struct ReplyEvents {
    std::vector<ReplyEvent> events;
    bool more = false;  ///< LIST: there are more files
};

/// A response to one request: base::Response with what it needs to outlive the step. A field that
/// is empty is not sent. The shell fills in the value of a reply to STATUS.
struct Reply {
    SessionId session;
    std::optional<Tag> tag;
    std::optional<std::int32_t> flags;
    std::optional<Revision> rev;
    std::optional<Bytes> path;
    std::optional<Bytes> value;
    std::optional<std::int32_t> len;
    std::optional<Revision> applied;
    std::shared_ptr<ReplyEvents const> events;
    std::optional<Error> error;  ///< its detail is sent if it is not empty

    // For metrics:
    Verb verb{0};           ///< of the request; 0 if it had none
    Instant asked = never;  ///< when it came
};

/// A process that this one wants a link to.
struct Target {
    std::optional<ProcessId> id;  ///< none: any process that answers there
    std::string address;          ///< host:port as a client may have written it; perhaps nonsense
    bool operator==(Target const&) const = default;
};

/// step() fills it; the shell performs the effects in order and empties it.
struct Effects {
    std::vector<Reply> replies;
    /// To members: each message comes after those that were sent to the same member before.
    std::vector<consensus::Send> sends;
    /// All processes to link to, if they have changed.
    std::optional<std::vector<Target>> targets;
    /// Sessions to close without an answer: the outcome of their changes is unknown.
    std::vector<SessionId> lost;
    /// For the log.
    std::vector<consensus::TraceEvent> trace;
    /// This process was removed: close all links, say so, and then give it a new id.
    bool wants_identity = false;
    /// An operator has ordered this process to go on alone: give it a lineage, by Force.
    bool wants_lineage = false;
    /// When to end a turn if nothing happens before; every step may change it.
    Instant deadline = never;
    /// A search goes on: end another turn as soon as other sessions have had theirs.
    bool more_to_do = false;
};

}  // namespace doozer::replica
