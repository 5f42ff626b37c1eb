// Who may come in: secrets, and the two headers by which a browser tells whose page it acts for.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "web/http.h"

namespace doozer::web {

/// The password of Basic authentication, which is the secret; whatever the user's name is.
/// Nothing if none was given. Source: RFC 7617.
std::optional<std::string> secret_of(HttpRequest const& request);

/// The names by which this process is known. A page of somebody else whose name suddenly leads to
/// our address (DNS rebinding) comes with its own name, and is told apart by that.
class KnownHosts {
  public:
    void add(std::string_view host);

    /// Whether the Host header names an address, this machine, or one of the names.
    [[nodiscard]] bool know(std::string_view host_header) const;

  private:
    std::set<std::string, std::less<>> names_;
};

/// Whether the request was made by a page of this server, or by no page at all.
bool is_same_origin(HttpRequest const& request, bool secure);

/// What keeps a browser from doing anything with an answer but what it is for.
void add_security_headers(HttpResponse& response);

}  // namespace doozer::web
