// One request on its way to its answer. It asks the replica as a client does, in a session of its
// own; the answers come in one by one and are handed on when all that was asked for is there.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/client_message.h"
#include "base/ids.h"
#include "base/result.h"
#include "replica/effects.h"
#include "web/host.h"
#include "web/http.h"

namespace doozer::web {

class Connection;
class Server;

/// What is asked of a request before its body is read and anything is done for it.
struct Admission {
    bool reads = true;    ///< needs the right to read
    bool writes = false;  ///< needs the right to write
    /// The request names a Host that this server does not know, as a page does that had the name of
    /// its own server lead here (DNS rebinding). Such a page does not know a secret.
    bool needs_secret = false;
    std::size_t body_bytes_max = 0;
};

/// What an exchange needs.
struct Call {
    Server& server;
    Connection& connection;
    HttpRequest request;
    std::string path;  ///< what follows the name of the endpoint: a path, mostly
    Admission admission = {};
};

class Exchange {
  public:
    explicit Exchange(Call call);
    Exchange(Exchange const&) = delete;
    Exchange& operator=(Exchange const&) = delete;
    virtual ~Exchange();

    /// Presents the secret, if there is one, judges the rights, and goes on with begin() when the
    /// body is there.
    void start(std::optional<std::string> const& secret);
    /// The body has arrived.
    void on_body(std::string body);
    void on_reply(replica::Reply const& reply);
    void on_lost();

    [[nodiscard]] SessionId session() const { return session_; }
    /// Whether it makes sense to go on when the client has gone, or sends nothing more. What is
    /// answered in the turn in which that becomes known is sent in any case.
    [[nodiscard]] virtual bool outlives_client() const { return false; }
    /// What the client sends behind its request; returns how much was taken.
    virtual std::size_t on_bytes(std::string_view /*bytes*/) { return 0; }
    /// The client has taken what was sent.
    virtual void on_drained() {}
    /// Comes once a second.
    virtual void on_tick(Instant /*now*/) {}
    /// The memory of what it keeps for its answer.
    [[nodiscard]] virtual std::size_t held_bytes() const { return 0; }
    /// Whether it goes on without an end, with pauses of any length.
    [[nodiscard]] virtual bool is_stream() const { return false; }
    /// The memory of the request; a body that waits to be asked for is the reader's.
    [[nodiscard]] std::size_t request_bytes() const { return call_.request.body.capacity(); }

  protected:
    virtual void begin() = 0;
    /// All replies to what was asked, in the order of asking.
    virtual void answered(std::vector<replica::Reply>& replies) = 0;

    void ask(std::span<Request> requests);
    void ask(Request request) { ask({&request, 1}); }
    /// The body is not needed any more.
    void forget_body() { std::string().swap(call_.request.body); }
    /// The answer; nothing is done afterwards.
    void respond(HttpResponse response);
    void refuse(Error const& error);

    [[nodiscard]] Server& server() { return call_.server; }
    [[nodiscard]] Host& host() const;
    [[nodiscard]] Connection& connection() { return call_.connection; }
    [[nodiscard]] HttpRequest const& request() const { return call_.request; }
    [[nodiscard]] std::string const& path() const { return call_.path; }

    /// The number in the parameter; nothing if it was not given. Error (other): it is none.
    [[nodiscard]] Result<std::optional<std::int64_t>> number(std::string_view parameter) const;
    /// The parameter "rev".
    [[nodiscard]] Result<std::optional<Revision>> revision() const;
    /// The parameter "limit", not more than web_entries_max.
    [[nodiscard]] Result<std::size_t> limit() const;

  private:
    void admit();

    Call call_;
    SessionId session_;
    bool presenting_secret_ = false;
    std::vector<replica::Reply> replies_;
    std::size_t missing_ = 0;
};

using ExchangePtr = std::unique_ptr<Exchange>;

}  // namespace doozer::web
