// What a process can be told: the only ways in which anything outside reaches the replica.
#pragma once

#include <string>
#include <variant>

#include "base/client_message.h"
#include "base/ids.h"
#include "consensus/message.h"
#include "replica/access.h"

namespace doozer::replica {

using namespace base;

/// The process has come up. The first input, once.
struct Started {};

struct SessionOpened {
    SessionId session;
};

/// Nothing is sent to the session from here on.
struct SessionClosed {
    SessionId session;
};

/// The request's views need to live only until step() returns. REQUIRES: serving().
struct ClientRequest {
    SessionId session;
    Request request;
};

/// A link to this member stands, authenticated. A newer one replaces an older one.
struct LinkUp {
    ProcessId peer;
};
struct LinkDown {
    ProcessId peer;
};
struct PeerMessage {
    ProcessId peer;
    consensus::Message message;
};

/// The id that Effects::wants_identity asked for: a new one, never used before.
/// REQUIRES: no link stands.
struct IdentityGiven {
    ProcessId id;
};

/// What clients may do was changed. Sessions keep what they were granted.
struct AccessChanged {
    Access access;
};

/// An operator's order: the majority is lost, go on alone. Random and never used before.
struct Force {
    consensus::Lineage lineage;
};

/// This process is to end: it takes no more changes, and gives its slot away if the others can go
/// on without it. When nothing is left to be answered, Replica::retired().
struct Retire {};

/// All that this turn of the event loop brought is in, or the deadline that the effects named has
/// come.
struct TurnEnded {};

using Input = std::variant<Started, SessionOpened, SessionClosed, ClientRequest, LinkUp, LinkDown,
                           PeerMessage, IdentityGiven, AccessChanged, Force, Retire, TurnEnded>;

}  // namespace doozer::replica
