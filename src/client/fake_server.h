// A server for the tests of the client: real sockets, and answers that the test gives by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/client_message.h"
#include "client/core.h"
#include "doozer/client.h"
#include "net/asio.h"

namespace doozer::client {

/// A request as the fake server has read it.
struct Question {
    std::int32_t tag = 0;
    base::Verb verb = base::Verb::nop;
    std::optional<std::string> path = {};
    std::optional<std::string> value = {};
    std::optional<std::int32_t> offset = {};
    std::optional<std::int64_t> rev = {};
    std::optional<std::int64_t> min_rev = {};
    bool linear = false;

    /// "WAIT /a rev=3", for expectations that a person reads; without min_rev.
    [[nodiscard]] std::string text() const;
};

/// A response but for its tag, which is that of the question.
struct Reply {
    std::optional<std::int64_t> rev = {};
    std::optional<std::string> path = {};
    std::optional<std::string> value = {};
    std::optional<std::int32_t> flags = {};
    std::optional<std::int32_t> len = {};
    std::optional<base::Errc> error = {};
    std::optional<std::string> detail = {};
    std::optional<std::int64_t> applied = {};
};

Reply event(std::int64_t rev, std::string path, std::string value, std::int32_t flags = 4);
Reply refused(base::Errc error, std::optional<std::string> detail = {});

/// The server's end of one connection. Every wait ends after 10 seconds with an exception, which
/// fails the test.
class Peer {
  public:
    explicit Peer(net::tcp::socket socket);
    ~Peer();
    Peer(Peer&&) = default;
    Peer& operator=(Peer&&) = delete;

    /// The next request, waiting for it.
    Question next();
    std::vector<Question> next(std::size_t n);
    /// Like next(), and expects its text() to be this.
    Question expect(std::string const& text);
    /// Waits until the client has closed the connection; what it still sends is dropped.
    void expect_closed();

    void answer(Question const& question, Reply const& reply) { answer({{question, reply}}); }
    /// All in one packet.
    void answer(std::vector<std::pair<Question, Reply>> const& replies);
    void send_bytes(std::string const& bytes);
    /// Answers REV, ACCESS before it for each of these secrets, and STATUS with this document, or
    /// as the original does: it knows no such verb.
    void shake_hands(std::initializer_list<std::string> secrets = {}, std::int64_t rev = 1,
                     std::string const& store = {});
    void answer_status(std::string const& store = {});
    void close();

    /// Answers every request in a thread of its own, those for which `reply` returns nothing
    /// excepted, until the client closes the connection.
    void serve(std::function<std::optional<Reply>(Question const&)> reply);
    /// Ends the connection and that thread.
    void stop();

  private:
    bool fill();  // false at the end of the stream

    struct Stream {
        explicit Stream(net::tcp::socket s) : socket(std::move(s)) {}
        net::tcp::socket socket;
        std::string buffer = {};
        std::size_t handled = 0;  // of the buffer
    };
    explicit Peer(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}

    std::shared_ptr<Stream> stream_;
    std::thread server_;
};

class FakeServer {
  public:
    /// Listens on a free port of the loopback interface.
    FakeServer();

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    Peer accept();
    /// From now on connections are refused; listen() takes them again, on the same port.
    void refuse();
    void listen();

  private:
    net::asio::io_context io_;
    net::tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
};

/// "doozer:?ca=...&ca=..."
std::string uri_of(std::initializer_list<FakeServer*> servers);

/// Short times, so that no test waits for long.
Timing fast();

/// Connects on another thread, so that this one can be the server.
std::future<Result<Client>> connecting(std::string const& uri, Options const& options = {},
                                       Timing const& timing = fast());

/// Both ends of a connection that is up.
struct Pair {
    Peer peer;
    Client client;  // is destroyed first
};
Pair connect(FakeServer& server, std::string const& uri, Options const& options = {},
             Timing const& timing = fast());
Pair connect(FakeServer& server);

}  // namespace doozer::client
