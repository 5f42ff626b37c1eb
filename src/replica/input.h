// What a process can be told: the only ways in which anything outside reaches the replica.
#pragma once

#include <variant>

#include "base/client_message.h"
#include "base/ids.h"

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

/// The request's views need to live only until step() returns.
struct ClientRequest {
    SessionId session;
    Request request;
};

/// All that this turn of the event loop brought is in.
struct TurnEnded {};

/// The deadline that the effects named has come.
struct Tick {};

using Input = std::variant<Started, SessionOpened, SessionClosed, ClientRequest, TurnEnded, Tick>;

}  // namespace doozer::replica
