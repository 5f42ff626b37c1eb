// HTTP/1.1 as values: bytes become requests, responses become bytes. The only file that knows
// Beast, which is behind it, is http.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"

namespace doozer::web {

using namespace base;

enum class Method { get, head, put, del, other };

struct HttpRequest {
    Method method = Method::other;
    std::string path;                                             ///< with escapes resolved
    std::vector<std::pair<std::string, std::string>> parameters;  ///< of the query, resolved
    std::vector<std::pair<std::string, std::string>> headers;     ///< names in lower case
    std::string body;
    bool keep_alive = true;

    /// The header's value; null if it was not sent.
    [[nodiscard]] std::string const* header(std::string_view lower_case_name) const;
    /// The parameter's value; null if it was not given.
    [[nodiscard]] std::string const* parameter(std::string_view name) const;
};

struct HttpResponse {
    int status = 200;
    std::string_view content_type = "application/json";
    std::vector<std::pair<std::string_view, std::string>> headers = {};
    std::string body = {};
    Bytes value = {};  ///< follows the body, without a copy
};

/// Cuts requests out of what a connection brings.
class RequestReader {
  public:
    explicit RequestReader(std::size_t body_bytes_max);
    ~RequestReader();
    RequestReader(RequestReader const&) = delete;
    RequestReader& operator=(RequestReader const&) = delete;

    struct Outcome {
        enum class State {
            more,              ///< what was given is used up, or must come again with more
            expects_continue,  ///< the client waits for leave to send the body
            done,              ///< take() has the request
            refused,           ///< the connection cannot go on
        } state = State::more;
        std::size_t used = 0;  ///< bytes that need not come again
        int status = 400;      ///< to be answered if refused
    };
    Outcome read(std::string_view bytes);

    /// REQUIRES: read() said `done`. The reader is ready for the next request.
    HttpRequest take();

    /// Whether a request has begun and is not complete.
    [[nodiscard]] bool in_a_request() const;

  private:
    struct State;
    void begin();

    std::unique_ptr<State> state_;
    std::size_t body_bytes_max_;
};

/// Status line and headers, up to and with the empty line. `content_size` is left out for a
/// response without an end; then the connection closes behind it.
std::string response_head(HttpResponse const& response, std::optional<std::size_t> content_size,
                          bool keep_alive);

}  // namespace doozer::web
