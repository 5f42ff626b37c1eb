// One browser, or whoever speaks HTTP: requests in, one after the other, each with its answer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "net/connection.h"
#include "web/exchange.h"
#include "web/http.h"

namespace doozer::web {

using ConnectionId = Strong<struct WebConnectionTag, std::uint64_t>;

class Connection : public net::ConnectionOwner {
  public:
    Connection(ConnectionId id, Server& server, net::tcp::socket socket, net::ReadBuffer& buffer,
               net::TlsServer const* tls, std::size_t body_bytes_max);

    void start() { connection_->start(); }
    [[nodiscard]] ConnectionId id() const { return id_; }

    /// The whole answer to the request under way.
    void respond(HttpResponse response);
    /// The head of an answer without an end; send() has the rest.
    void respond_head(HttpResponse response);
    void send(std::string_view bytes);
    /// How much the client has not taken yet.
    [[nodiscard]] std::size_t queued_bytes() const { return connection_->output().size(); }
    /// Nothing more is to be sent; closes when the client has taken all.
    void close_when_sent();

    /// Sends what there is, goes on with the next request, or finds out that it is over.
    void settle(Instant now);
    /// Comes once a second: ends what takes too long.
    void on_tick(Instant now);
    [[nodiscard]] bool is_over() const { return over_; }
    [[nodiscard]] std::size_t charge() const { return connection_->charge(); }
    void close() { connection_->close(); }

    std::size_t on_bytes(std::string_view bytes) override;
    void on_end(std::string_view refused) override;
    void on_drained() override;

    bool is_active = false;  ///< the server's note: settle() will be called

  private:
    void refuse(int status);

    ConnectionId id_;
    Server& server_;
    std::shared_ptr<net::Connection> connection_;
    RequestReader reader_;
    std::unique_ptr<Exchange> exchange_;
    bool answered_ = false;      // the exchange has its answer
    bool keep_alive_ = true;     // after this answer
    bool without_body_ = false;  // HEAD
    bool goes_on_ = false;       // with the next request, which may be here already
    bool closing_ = false;       // nothing more is listened to
    bool lingers_ = false;       // what still comes is thrown away for a while
    bool ended_ = false;         // the client sends nothing more
    bool over_ = false;
    std::size_t waiting_bytes_ = 0;  // what queued_bytes() was when it was last looked at
    Instant request_since_;          // when the request began that is not complete
    Instant moved_at_;               // when anything happened last
};

}  // namespace doozer::web
