// A listening socket that survives everything that accept() can say.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "net/address.h"
#include "net/asio.h"

namespace doozer::net {

class Listener {
  public:
    using OnAccept = std::function<void(tcp::socket)>;
    /// A connection could not be accepted; `why` is for the log.
    using OnRefused = std::function<void(std::string const& why)>;

    /// REQUIRES: they outlive the listener's last turn of the loop.
    Listener(asio::io_context& loop, OnAccept on_accept, OnRefused on_refused);
    ~Listener();
    Listener(Listener const&) = delete;
    Listener& operator=(Listener const&) = delete;

    /// Binds and listens. Error (other): one line, such as
    /// "listen 127.0.0.1:8046: Address already in use".
    base::Result<base::Done> listen(Address const& address);

    /// Begins to accept. Connections that came before have waited.
    void start() { accept(); }
    void stop();

    /// Where it listens; the port is the real one also if 0 was asked for.
    [[nodiscard]] Address const& address() const { return address_; }

  private:
    void accept();
    void turn_away();

    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    OnAccept on_accept_;
    OnRefused on_refused_;
    Address address_;
    int spare_descriptor_;
};

}  // namespace doozer::net
