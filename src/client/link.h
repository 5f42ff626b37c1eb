// One TCP connection to a server: bytes out, frames in.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/call.h"
#include "net/asio.h"
#include "net/tls.h"

namespace doozer::client {

namespace asio = net::asio;

/// All functions are for the loop's thread. Operations under way keep a Link alive, so its owner
/// may drop it in any callback; after close() it calls nobody.
class Link {
  public:
    struct Owner {
        std::function<void(std::string_view body)> frame;
        /// All that was given to send() has been handed to the system.
        std::function<void()> sent;
        /// The connection is gone; the reason is for a person. Called at most once.
        std::function<void(std::string const& reason)> lost;
    };

    explicit Link(asio::io_context& io);

    using Link_ptr = std::shared_ptr<Link>;

    /// Tries the endpoints in turn; `done` gets the last error, or none.
    static void connect(Link_ptr const& link, std::vector<net::tcp::endpoint> endpoints,
                        std::function<void(net::error_code)> done);

    /// Speaks TLS from the beginning on. REQUIRES: called before start().
    void secure(net::TlsClient const& client, std::string const& host) {
        tls_.emplace(client, host);
    }

    /// Starts to read. REQUIRES: connected.
    static void start(Link_ptr const& link, Owner owner);
    void set_owner(Owner owner) { owner_ = std::move(owner); }

    /// Sends `bytes`, behind what is being sent, and leaves in it an empty string to fill next.
    static void send(Link_ptr const& link, std::string& bytes);
    [[nodiscard]] bool sending() const { return sending_; }

    void close();

    /// When bytes last came in; while something large is going out, when that last got on.
    [[nodiscard]] Clock::time_point last_heard() const {
        return sending_ ? std::max(received_at_, sent_at_) : received_at_;
    }

  private:
    static void write(Link_ptr const& link);
    void fill_outgoing();
    void open_sealed(std::size_t bytes);
    void handle_frames();
    static void read(Link_ptr const& link);
    void received(std::size_t bytes);
    void lose(std::string const& reason);
    void make_room();

    net::tcp::socket socket_;
    Owner owner_;
    std::vector<net::tcp::endpoint> endpoints_;
    std::vector<char> buffer_;  // [begin_, end_) has arrived and is not yet handled
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string outgoing_;    // is being sent
    std::string queued_;      // is sent next
    std::size_t sealed_ = 0;  // with TLS: how much of queued_ is in outgoing_, or was
    std::optional<net::TlsFilter> tls_;
    bool sending_ = false;
    bool open_ = true;
    Clock::time_point received_at_ = Clock::now();
    Clock::time_point sent_at_ = received_at_;
};

using LinkPtr = Link::Link_ptr;

}  // namespace doozer::client
