// One client's connection: frames in, responses out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/client_message.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "net/connection.h"
#include "replica/effects.h"
#include "server/client_ranks.h"

namespace doozer::server {

using base::Instant;
using base::never;

class ClientSession;

/// What sessions need of the process they are in.
class SessionHost {
  public:
    SessionHost() = default;
    SessionHost(SessionHost const&) = delete;
    SessionHost& operator=(SessionHost const&) = delete;
    virtual ~SessionHost() = default;

    /// Whether requests can be taken now; sessions look again with every turn.
    [[nodiscard]] virtual bool hears_clients() const { return true; }
    /// The session has read something, or has something to send.
    virtual void on_activity(ClientSession& session) = 0;
    /// Hands a request to the replica; replies that come at once are in the session when this
    /// returns.
    virtual void on_request(ClientSession& session, base::Request const& request) = 0;
    /// The client is gone, or is not listened to any longer because of what it sent: then `refused`
    /// says why. What is left to send to it is sent when the turn ends.
    virtual void on_client_end(ClientSession& session, std::string_view refused) = 0;
    /// The client has begun a handshake of TLS.
    virtual void on_handshake(ClientSession& /*session*/) {}
    /// This is no client but another member (wire/member_stream.h), and the session reads nothing
    /// more: when it is back in its own hands the host moves the connection, take_connection(), to
    /// MemberLinks and removes the session.
    virtual void on_member(ClientSession& session) {
        on_client_end(session, "members do not link to this process");
    }
};

class ClientSession : public net::ConnectionOwner {
  public:
    ClientSession(base::SessionId id, SessionHost& host, net::tcp::socket socket,
                  net::ReadBuffer& buffer, net::TlsServer const* tls, std::size_t frame_bytes_max);

    void start() { connection_->start(); }
    [[nodiscard]] base::SessionId id() const { return id_; }
    [[nodiscard]] std::string peer() const { return connection_->peer(); }
    [[nodiscard]] std::string peer_host() const { return connection_->peer_host(); }
    [[nodiscard]] bool is_shaking_hands() const { return connection_->is_shaking_hands(); }

    /// For on_member(); nothing but the session's destruction may follow.
    std::shared_ptr<net::Connection> take_connection() { return std::move(connection_); }

    /// Queues the response; flush() sends it. Returns the bytes that this takes.
    std::size_t append(replica::Reply const& reply);
    void flush() { connection_->flush(); }
    void close() { connection_->close(); }

    /// Stops reading if there is no room for what it may bring, and goes on when the client has
    /// taken enough of its answers. `kept_bytes` is what the replica holds for this session.
    void read_if_possible(std::size_t kept_bytes);
    [[nodiscard]] bool paused() const { return connection_->paused(); }
    [[nodiscard]] bool all_sent() const { return connection_->all_sent(); }
    /// The memory that its buffers hold.
    [[nodiscard]] std::size_t charge() const { return connection_->charge(); }

    /// Adds what went over the connection since the last time.
    void add_traffic(std::uint64_t& bytes_read, std::uint64_t& bytes_written) {
        bytes_read += connection_->bytes_read() - std::exchange(read_, connection_->bytes_read());
        bytes_written +=
            connection_->bytes_written() - std::exchange(written_, connection_->bytes_written());
    }

    std::size_t on_bytes(std::string_view bytes) override;
    void on_end(std::string_view refused) override { host_.on_client_end(*this, refused); }
    void on_drained() override { host_.on_activity(*this); }
    void on_handshake() override { host_.on_handshake(*this); }

    // The host's notes on this session.
    bool is_active = false;         ///< to be looked at when the turn ends
    bool is_stopped = false;        ///< among those that are paused
    bool is_ending = false;         ///< goes when everything is sent
    Instant ends_at = never;        ///< or then
    std::size_t counted_bytes = 0;  ///< what the host's sum holds for it
    ClientRanks::Place place = {};
    std::uint32_t wrong_secrets = 0;
    Instant held_until = {};  ///< nothing is sent to it and nothing read from it before
    bool is_held = false;

  private:
    /// Handles one message. False if it was the last that is listened to.
    bool handle(std::string_view body);
    void append_events(replica::Reply const& reply, base::Response response);
    [[nodiscard]] bool has_room() const;
    bool is_for_clients(std::string_view bytes);

    base::SessionId id_;
    SessionHost& host_;
    std::shared_ptr<net::Connection> connection_;
    std::size_t frame_bytes_max_;
    bool tls_only_;
    enum class Talks { nothing_yet, as_client, as_member } talks_ = Talks::nothing_yet;
    std::size_t outstanding_ = 0;  // requests without a reply
    std::uint64_t read_ = 0;       // of the traffic, what was added
    std::uint64_t written_ = 0;
    std::size_t kept_bytes_ = 0;
};

}  // namespace doozer::server
