// One browser, or another program that speaks HTTP: requests in, one after the other, each with its
// answer.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
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
               net::TlsServer const* tls);

    void start() { connection_->start(); }
    [[nodiscard]] ConnectionId id() const { return id_; }

    /// The whole answer to the request under way.
    void respond(HttpResponse response);
    /// The head of an answer in parts, of which send_part() has one after the other.
    void begin_parts(HttpResponse response);
    /// REQUIRES: the part is not empty.
    void send_part(std::string_view part);
    void end_parts();
    /// The head of an answer without an end; send() has the rest.
    void respond_head(HttpResponse response);
    void send(std::string_view bytes);
    /// Nothing more is to be sent; closes when the client has taken all.
    void close_when_sent();
    /// Lets the client send the body that belongs to the request, or answers that it has no room.
    void read_body(HttpRequest const& request, std::size_t bytes_max);

    /// How much the client has not taken yet.
    [[nodiscard]] std::size_t queued_bytes() const { return connection_->output().size(); }
    /// Whether more may be made for it.
    [[nodiscard]] bool has_room() const;
    /// Whether the request under way has its answer.
    [[nodiscard]] bool is_answered() const { return answered_ || closing_; }

    /// Sends what there is, goes on with the next request, or finds out that it is over.
    void settle(Instant now);
    /// Comes once a second: ends what takes too long.
    void on_tick(Instant now);
    [[nodiscard]] bool is_over() const { return over_; }
    [[nodiscard]] std::size_t charge() const;
    void close() { connection_->close(); }

    /// How much it matters that the connection stays, when there is no room for all of them.
    enum class Worth {
        nothing_asked,  ///< it waits for a request, or for the rest of one
        slow,           ///< its client takes long for what it sends, or for what it is sent
        in_use
    };
    [[nodiscard]] Worth worth(Instant now) const;
    /// When its client last showed that it goes on.
    [[nodiscard]] Instant moved_at() const { return moved_at_; }

    std::size_t on_bytes(std::string_view bytes) override;
    void on_end(std::string_view refused) override;
    void on_drained() override;

    bool is_active = false;         ///< the server's note: settle() will be called
    std::size_t counted_bytes = 0;  ///< the server's note: what charge() was
    /// The server's note: its place among those that have no complete request.
    std::optional<std::list<ConnectionId>::iterator> place_among_waiting = {};

  private:
    /// Where the request is that is under way.
    enum class Phase {
        head,    ///< it is waited for, or not complete
        judged,  ///< it has an exchange, which has not asked for the body
        body,    ///< the body arrives
        answer   ///< it is complete
    };

    std::size_t take_more(std::string_view bytes);
    std::size_t on_outcome(RequestReader::Outcome const& outcome);
    void on_head();
    void refuse(int status, std::string_view why);
    void begin_answer(HttpResponse& response);
    void set_phase(Phase phase);

    ConnectionId id_;
    Server& server_;
    std::shared_ptr<net::Connection> connection_;
    RequestReader reader_;
    std::unique_ptr<Exchange> exchange_;
    Phase phase_ = Phase::head;
    bool answered_ = false;      // the exchange has its answer
    bool keep_alive_ = true;     // after this answer
    bool without_body_ = false;  // HEAD
    bool knows_chunks_ = true;   // HTTP/1.1
    bool in_chunks_ = false;     // the answer under way
    bool head_sent_ = false;     // of it
    bool goes_on_ = false;       // with the next request, which may be here already
    bool closing_ = false;       // nothing more is listened to
    bool lingers_ = false;       // what still comes is thrown away for a while
    bool ended_ = false;         // the client sends nothing more
    bool over_ = false;
    std::size_t waiting_bytes_ = 0;  // what queued_bytes() was when it was last looked at
    std::size_t body_length_ = 0;    // of the request, if it is known
    Instant accepted_at_;
    Instant request_since_;  // when the request began that is not complete
    Instant moved_at_;       // when anything happened last
    Instant output_since_;   // when the client last had taken everything
};

}  // namespace doozer::web
