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
#include "base/web_limits.h"

namespace doozer::web {

using namespace base;

enum class Method { get, head, put, del, other };

struct HttpRequest {
    Method method = Method::other;
    std::string path;                                             ///< with escapes resolved
    std::vector<std::pair<std::string, std::string>> parameters;  ///< of the query, resolved
    std::vector<std::pair<std::string, std::string>> headers;     ///< names in lower case
    std::string body;                                             ///< once it has arrived
    std::string_view fault = {};  ///< why there is no path, if there is none
    bool keep_alive = true;
    bool is_http_1_0 = false;
    bool has_body = false;                             ///< one follows the header
    std::optional<std::uint64_t> content_length = {};  ///< of the body, if it is known
    bool waits_for_leave = false;  ///< the client sends the body when it is told to

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

/// Cuts requests out of the bytes of a connection: first the header, which the server judges, then
/// the body, if the server wants it.
class RequestReader {
  public:
    RequestReader();
    ~RequestReader();
    RequestReader(RequestReader const&) = delete;
    RequestReader& operator=(RequestReader const&) = delete;

    struct Outcome {
        enum class State {
            more,    ///< what was given is used up, or must come again with more
            head,    ///< take_head() has the request without its body
            done,    ///< take_body() has the body
            refused  ///< the connection cannot go on
        } state = State::more;
        std::size_t used = 0;       ///< bytes that need not come again
        int status = 400;           ///< to be answered if refused
        std::string_view why = {};  ///< and what to say
    };
    /// REQUIRES: after `head` with a body, expect_body() was called.
    Outcome read(std::string_view bytes);

    /// REQUIRES: read() said `head`. Without a body, the reader is ready for the next request.
    HttpRequest take_head();

    /// Lets read() go on with the body. One in chunks that grows beyond `bytes_max` is refused.
    /// REQUIRES: the request has a body, and its length, if it is known, is at most `bytes_max`.
    void expect_body(std::size_t bytes_max);

    /// REQUIRES: read() said `done`. The reader is ready for the next request.
    std::string take_body();

    /// Whether a request has begun and is not complete.
    [[nodiscard]] bool in_a_request() const { return began_; }
    /// The memory that the body takes, also that which is only set aside for it.
    [[nodiscard]] std::size_t body_charge() const;

  private:
    struct State;
    void begin();
    Outcome read_head(std::string_view bytes);
    Outcome read_body(std::string_view bytes);

    std::unique_ptr<State> state_;
    std::size_t searched_ = 0;  // so many bytes have no end of the header in them
    int empty_lines_ = 0;       // before the request
    bool began_ = false;
    bool in_body_ = false;
};

/// How the other side finds the end of a response.
struct BodyLength {
    enum class Kind { known, chunked, until_close } kind = Kind::known;
    std::size_t bytes = 0;  ///< if known
};

/// Status line and headers, up to and with the empty line.
std::string response_head(HttpResponse const& response, BodyLength length, bool keep_alive);

/// A part of a body in chunks. REQUIRES: it is not empty.
void append_chunk(std::string& out, std::string_view part);
/// What ends a body in chunks.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// A time as HTTP has it, such as "Sun, 06 Nov 1994 08:49:37 GMT"; RFC 9110, 5.6.7.
std::string http_date(std::int64_t unix_seconds);

}  // namespace doozer::web
