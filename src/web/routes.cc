#include "web/routes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "web/event_stream.h"
#include "web/file_api.h"
#include "web/json.h"
#include "web/list_api.h"
#include "web/page.h"
#include "web/page_stream.h"
#include "web/process_api.h"
#include "web/server.h"

namespace doozer::web {
namespace {

constexpr std::array routes{
    Route{.prefix = "/v1/file", .methods = "GET, HEAD, PUT, DELETE", .make = make_file},
    Route{.prefix = "/v1/stat", .methods = "GET, HEAD", .make = make_stat},
    Route{.prefix = "/v1/list", .methods = "GET, HEAD", .make = make_list},
    Route{.prefix = "/v1/history", .methods = "GET, HEAD", .make = make_history},
    Route{.prefix = "/v1/walk", .is_exact = true, .methods = "GET, HEAD", .make = make_walk},
    Route{.prefix = "/v1/wait", .is_exact = true, .methods = "GET", .make = make_wait},
    Route{.prefix = "/v1/watch", .is_exact = true, .methods = "GET", .make = make_event_stream},
    Route{.prefix = "/v1/rev", .is_exact = true, .methods = "GET, HEAD", .make = make_rev},
    Route{.prefix = "/v1/self", .is_exact = true, .methods = "GET, HEAD", .make = make_self},
    Route{.prefix = "/v1/cluster", .is_exact = true, .methods = "GET, HEAD", .make = make_cluster},
    Route{.prefix = "/v1/openapi.json",
          .is_exact = true,
          .methods = "GET, HEAD",
          .make = make_interface_document},
    Route{.prefix = "/metrics", .is_exact = true, .methods = "GET, HEAD", .make = make_metrics},
    Route{.prefix = "/healthz",
          .is_exact = true,
          .methods = "GET, HEAD",
          .is_public = true,
          .make = make_health},
    Route{.prefix = "/readyz",
          .is_exact = true,
          .methods = "GET, HEAD",
          .is_public = true,
          .make = make_readiness},
    Route{
        .prefix = "/$cluster", .is_exact = true, .methods = "GET, HEAD", .make = make_cluster_page},
    Route{.prefix = "/$events", .methods = "GET", .is_socket = true, .make = make_page_stream},
    Route{.prefix = "/$assets", .methods = "GET, HEAD", .make = make_asset},
};

constexpr Route page_route{.prefix = "", .methods = "GET, HEAD", .make = make_page};

/// What follows the prefix as a path, or nothing if the route is another's.
std::optional<std::string> rest_of(Route const& route, std::string const& path) {
    if (!path.starts_with(route.prefix)) return std::nullopt;
    std::string rest = path.substr(route.prefix.size());
    if (route.is_exact) return rest.empty() ? std::optional(rest) : std::nullopt;
    if (rest.empty()) return "/";
    return rest.starts_with('/') ? std::optional(rest) : std::nullopt;
}

std::string_view name_of(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::put:
            return "PUT";
        case Method::del:
            return "DELETE";
        case Method::other:
            break;
    }
    return "?";
}

bool allows(Route const& route, Method method) {
    std::string_view rest = route.methods;
    while (!rest.empty()) {
        std::string_view const one = rest.substr(0, rest.find(','));
        if (one == name_of(method)) return true;
        rest.remove_prefix(std::min(one.size() + 2, rest.size()));
    }
    return false;
}

bool is_write(HttpRequest const& request) {
    return request.method == Method::put || request.method == Method::del;
}

Admission admission_of(Server& server, KnownHosts const& hosts, Route const& route,
                       HttpRequest const& request) {
    Admission admission;
    admission.reads = !route.is_public && !is_write(request);
    admission.writes = is_write(request);
    admission.body_bytes_max = request.method == Method::put ? server.settings().value_bytes_max
                                                             : web_ignored_body_bytes_max;
    std::string const* const host = request.header("host");
    admission.needs_secret = !route.is_public && !(host != nullptr && hosts.know(*host));
    return admission;
}

/// Why a request of this route is refused with any secret, if it is.
std::optional<HttpResponse> refusal(Server& server, Route const& route,
                                    HttpRequest const& request) {
    if (!allows(route, request.method)) {
        HttpResponse response = error_response(405, "OTHER", "not with this method");
        response.headers.emplace_back("Allow", std::string(route.methods));
        return response;
    }
    if (route.is_public) return std::nullopt;
    if (!server.host().is_serving()) {
        return error_response(503, "OTHER", "this process has no complete copy of the store yet");
    }
    if (request.header("host") == nullptr) return error_response(400, "OTHER", "no Host was named");
    bool const writes = is_write(request);
    if ((writes || route.is_socket) && !is_same_origin(request, server.is_secure())) {
        return error_response(403, "OTHER", "a page of another origin may not do this");
    }
    if (writes && !server.settings().write) {
        return error_response(403, "READONLY", "the server was started without -webwrite");
    }
    return std::nullopt;
}

}  // namespace

Decision decide(Server& server, KnownHosts const& hosts, HttpRequest const& request) {
    Decision decision;
    if (!request.fault.empty()) {
        int const status = request.path.empty() ? 400 : 417;
        decision.refused = error_response(status, "OTHER", request.fault);
        return decision;
    }
    for (Route const& route : routes) {
        if (auto rest = rest_of(route, request.path)) {
            decision.route = &route;
            decision.path = std::move(*rest);
            break;
        }
    }
    if (decision.route == nullptr && request.path.ends_with('/')) {
        decision.route = &page_route;
        decision.path = request.path;
    }
    if (decision.route == nullptr) {
        decision.refused =
            error_response(404, "NOENT", "nothing is here; a directory's page ends in a slash");
        return decision;
    }
    // In an address's path, browsers make something else of names such as "..".
    if (std::string const* const given = request.parameter("path");
        given != nullptr && decision.path == "/" && !decision.route->is_socket) {
        decision.path = *given;
    }
    decision.admission = admission_of(server, hosts, *decision.route, request);
    decision.refused = refusal(server, *decision.route, request);
    if (!decision.refused &&
        request.content_length.value_or(0) > decision.admission.body_bytes_max) {
        decision.refused = error_response(413, "OTHER", "value too large");
    }
    return decision;
}

}  // namespace doozer::web
