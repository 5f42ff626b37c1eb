// What the shell can tell a process: the only ways in which the outside reaches the replica.
#pragma once

#include <string>
#include <variant>

#include "base/client_message.h"
#include "base/ids.h"
#include "consensus/message.h"
#include "replica/access.h"

namespace doozer::replica {

using namespace base;

/// The process has started. The first input, once.
struct Started {};

struct SessionOpened {
    SessionId session;
};

/// The session is closed: the replica sends it nothing from here on.
struct SessionClosed {
    SessionId session;
};

/// The request's views need to live only until step() returns. REQUIRES: serving().
struct ClientRequest {
    SessionId session;
    Request request;
};

/// An authenticated link to this process is up. A newer one replaces an older one.
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
/// REQUIRES: no link is up.
struct IdentityGiven {
    ProcessId id;
};

/// The secrets have changed. Sessions keep the rights that they have.
struct AccessChanged {
    Access access;
};

/// The lineage for an operator's order to go on alone: random, never used before.
struct Force {
    consensus::Lineage lineage;
};

/// This process is to end: it takes no more changes, and gives its slot away if the others can go
/// on without it. Replica::retired() is true when it has answered everything.
struct Retire {};

/// All inputs of this turn of the event loop are in, or the deadline that the effects named has
/// come.
struct TurnEnded {};

using Input = std::variant<Started, SessionOpened, SessionClosed, ClientRequest, LinkUp, LinkDown,
                           PeerMessage, IdentityGiven, AccessChanged, Force, Retire, TurnEnded>;

}  // namespace doozer::replica
