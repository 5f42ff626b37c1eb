// Which request is answered by what, and which is refused before anything is asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "web/exchange.h"
#include "web/guard.h"
#include "web/http.h"

namespace doozer::web {

struct Route {
    std::string_view prefix;   ///< of the path; what follows is the exchange's path
    bool is_exact = false;     ///< nothing follows
    std::string_view methods;  ///< "GET", "GET, PUT, DELETE"; GET is also HEAD
    bool is_public = false;    ///< answered without a secret
    bool is_socket = false;    ///< a WebSocket
    ExchangePtr (*make)(Call call) = nullptr;
};

struct Decision {
    Route const* route = nullptr;
    std::string path;
    Admission admission;
    std::optional<HttpResponse> refused;
};

/// Judges a request by its header.
Decision decide(Server& server, KnownHosts const& hosts, HttpRequest const& request);

}  // namespace doozer::web
