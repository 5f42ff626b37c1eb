#include "net/listener.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace doozer::net {
namespace {

/// How long to wait after a refusal that has nothing to do with any one connection.
constexpr std::chrono::milliseconds pause_after_refusal{100};

int open_spare() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

Listener::Listener(asio::io_context& loop, OnAccept on_accept, OnRefused on_refused)
    : acceptor_(loop),
      pause_(loop),
      on_accept_(std::move(on_accept)),
      on_refused_(std::move(on_refused)),
      spare_descriptor_(open_spare()) {}

Listener::~Listener() {
    if (spare_descriptor_ >= 0) ::close(spare_descriptor_);
}

base::Result<base::Done> Listener::listen(Address const& address) {
    auto const failed = [&](error_code const& error) {
        return base::Error{base::Errc::other,
                           "listen " + to_string(address) + ": " + error.message()};
    };
    error_code error;
    tcp::resolver resolver(acceptor_.get_executor());
    auto const found =
        resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
    if (error) return failed(error);
    // IPv4 first: a name that has both is mostly looked for there.
    std::vector<tcp::endpoint> endpoints(found.begin(), found.end());
    std::stable_partition(endpoints.begin(), endpoints.end(),
                          [](tcp::endpoint const& e) { return e.address().is_v4(); });
    tcp::endpoint const endpoint = endpoints.front();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failed(error);
    address_ = {address.host, acceptor_.local_endpoint(error).port()};
    return base::Done{};
}

void Listener::accept() {
    acceptor_.async_accept([this](error_code const& error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (error == asio::error::no_descriptors) {
            turn_away();
        } else if (error && error != asio::error::connection_aborted) {
            on_refused_(error.message());
        } else if (!error) {
            on_accept_(std::move(socket));
            return accept();
        }
        pause_.expires_after(pause_after_refusal);
        pause_.async_wait([this](error_code const& stopped) {
            if (!stopped) accept();
        });
    });
}

/// Without a free descriptor accept() fails again and again and the peer waits without end. The
/// spare one is enough to take the connection and close it.
void Listener::turn_away() {
    if (spare_descriptor_ >= 0) ::close(spare_descriptor_);
    error_code error;
    tcp::socket socket(acceptor_.get_executor());
    acceptor_.non_blocking(true, error);
    acceptor_.accept(socket, error);
    socket.close(error);
    spare_descriptor_ = open_spare();
    on_refused_("too many open files");
}

void Listener::stop() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

}  // namespace doozer::net
