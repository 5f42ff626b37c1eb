// The floor under a write that a majority of three agrees to: client to A, A to B, B to A, A to
// client, with the event loop and the socket options of the server and nothing else.
//
//   two_hop_echo -l 127.0.0.1:9001                          B: sends back what comes
//   two_hop_echo -l 127.0.0.1:9000 -to 127.0.0.1:9001       A: what comes, by way of B
//
// doozer-bench -echo 127.0.0.1:9000 measures it beside a cluster.
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/flags.h"
#include "net/address.h"
#include "net/asio.h"

namespace {

using namespace doozer;  // NOLINT(google-build-using-namespace): a program, not a library

/// A connection that hands what it reads to somebody, for as long as it lasts.
class Pipe : public std::enable_shared_from_this<Pipe> {
  public:
    using Sink = std::function<void(std::string_view)>;

    explicit Pipe(net::tcp::socket socket) : socket_(std::move(socket)) {
        net::error_code error;
        socket_.set_option(net::tcp::no_delay(true), error);
    }

    void start(Sink sink) {
        sink_ = std::move(sink);
        read();
    }

    void write(std::string_view bytes) {
        net::error_code error;
        net::asio::write(socket_, net::asio::buffer(bytes), error);
        if (error) socket_.close(error);
    }

  private:
    void read() {
        socket_.async_read_some(
            net::asio::buffer(buffer_),
            [self = shared_from_this()](net::error_code const& error, std::size_t size) {
                if (error) {
                    self->sink_ = {};  // it may hold the other end
                    return;
                }
                self->sink_({self->buffer_.data(), size});
                self->read();
            });
    }

    net::tcp::socket socket_;
    Sink sink_;
    std::array<char, 65536> buffer_;
};

class Echo {
  public:
    Echo(net::asio::io_context& loop, net::tcp::endpoint const& listen,
         std::optional<net::tcp::endpoint> next)
        : loop_(loop), acceptor_(loop, listen), next_(std::move(next)) {
        accept();
    }

  private:
    void accept() {
        acceptor_.async_accept([this](net::error_code const& error, net::tcp::socket socket) {
            if (!error) serve(std::make_shared<Pipe>(std::move(socket)));
            accept();
        });
    }

    void serve(std::shared_ptr<Pipe> const& client) {
        if (!next_) {
            Pipe* const back = client.get();
            client->start([back](std::string_view bytes) { back->write(bytes); });
            return;
        }
        net::tcp::socket socket(loop_);
        net::error_code error;
        socket.connect(*next_, error);
        if (error) return;
        auto const next = std::make_shared<Pipe>(std::move(socket));
        client->start([next](std::string_view bytes) { next->write(bytes); });
        next->start([client](std::string_view bytes) { client->write(bytes); });
    }

    net::asio::io_context& loop_;
    net::tcp::acceptor acceptor_;
    std::optional<net::tcp::endpoint> next_;
};

std::optional<net::tcp::endpoint> endpoint_of(std::string const& text) {
    auto const address = net::parse_address(text, 0);
    if (!address.ok()) return std::nullopt;
    net::error_code error;
    auto const ip = net::asio::ip::make_address(address.value().host, error);
    if (error) return std::nullopt;
    return net::tcp::endpoint(ip, address.value().port);
}

}  // namespace

int main(int argc, char** argv) {
    std::string listen;
    std::string next;
    base::Flags flags;
    flags.add_text("l", listen);
    flags.add_text("to", next);
    std::vector<std::string_view> const words(argv + 1, argv + argc);
    auto const read = flags.parse(words);
    auto const here = endpoint_of(listen);
    if (!read.ok() || !here || (!next.empty() && !endpoint_of(next))) {
        std::fprintf(stderr, "usage: two_hop_echo -l IP:port [-to IP:port]\n");
        return 2;
    }
    net::asio::io_context loop(1);
    Echo const echo(loop, *here, endpoint_of(next));
    loop.run();
    return 0;
}
