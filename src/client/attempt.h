// One try to reach one server: resolve, connect, present the secrets, hear it answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/link.h"
#include "client/resolve.h"
#include "client/store_identity.h"
#include "net/tls.h"

namespace doozer::client {

/// A server that answers, and what it said.
struct Reached {
    LinkPtr link;
    net::Address address;
    base::Revision rev;   ///< its newest revision
    StoreIdentity store;  ///< what it says of its store, if it says anything
};

/// What one comes with, and what one wants to see.
struct Credentials {
    std::vector<std::string> secrets = {};
    std::optional<net::TlsClient> tls = {};  ///< none: no TLS
};

/// A process accepts connections before it has a tree and answers only then, and a stopped one
/// accepts them for ever; so a server counts as reached when it has told its revision.
class Attempt {
  public:
    using Done = std::function<void(Result<Reached>)>;

    /// `done` is called once, later, unless the attempt is cancelled. Error: connect_failed, in one
    /// line that names the address; or the server's refusal of a secret.
    static std::shared_ptr<Attempt> start(Context const& io, net::Address address,
                                          Credentials credentials, Clock::time_point deadline,
                                          Done done);
    explicit Attempt(asio::io_context& io) : link_(std::make_shared<Link>(io)), timer_(io) {}

    void cancel();

  private:
    using Self = std::shared_ptr<Attempt>;
    static void connect(Self const& self, Resolved resolved);
    static void shake_hands(Self const& self);
    void frame(std::string_view body);
    void finish(Result<Reached> outcome);
    void fail(std::string const& reason);

    LinkPtr link_;
    asio::steady_timer timer_;
    net::Address address_;
    Credentials credentials_;
    std::size_t granted_ = 0;  // secrets that were accepted so far
    std::optional<base::Revision> rev_;
    std::optional<StoreIdentity> store_;
    Done done_;
};

}  // namespace doozer::client
