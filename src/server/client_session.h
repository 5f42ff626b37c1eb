// One client's connection: frames in, responses out.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/client_message.h"
#include "base/ids.h"
#include "base/result.h"
#include "net/connection.h"
#include "replica/effects.h"

namespace doozer::server {

class ClientSession;

/// What sessions need of the process they are in.
class SessionHost {
  public:
    SessionHost() = default;
    SessionHost(SessionHost const&) = delete;
    SessionHost& operator=(SessionHost const&) = delete;
    virtual ~SessionHost() = default;

    /// The session has read something, or has something to send.
    virtual void on_activity(ClientSession& session) = 0;
    /// Hands a request to the replica; replies that come at once are in the session when this
    /// returns.
    virtual void on_request(ClientSession& session, base::Request const& request) = 0;
    /// The client is gone, or is not listened to any longer because of what it sent: then `refused`
    /// says why. What is left to send to it is sent when the turn ends.
    virtual void on_client_end(ClientSession& session, std::string_view refused) = 0;
};

class ClientSession : public net::ConnectionOwner {
  public:
    ClientSession(base::SessionId id, SessionHost& host, net::tcp::socket socket,
                  net::ReadBuffer& buffer, net::TlsIdentity const* identity,
                  std::size_t frame_bytes_max);

    void start() { connection_->start(); }
    [[nodiscard]] base::SessionId id() const { return id_; }
    [[nodiscard]] std::string peer() const { return connection_->peer(); }

    /// Queues the response; flush() sends it.
    void append(replica::Reply const& reply);
    void flush() { connection_->flush(); }
    /// What was appended is still sent; nothing more is read.
    void close() { connection_->close_when_sent(); }
    /// Gives up the connection with all that its buffers hold.
    void drop() { connection_->close(); }

    /// Goes on reading if it was stopped and the client has taken enough of its answers.
    /// `kept_bytes` is what the replica holds for this session.
    void read_on_if_possible(std::size_t kept_bytes);
    [[nodiscard]] bool paused() const { return connection_->paused(); }
    /// The memory that its buffers hold, shared values included.
    [[nodiscard]] std::size_t buffered_bytes() const {
        return connection_->input_bytes() + connection_->output().size();
    }

    std::size_t on_bytes(std::string_view bytes) override;
    void on_end(std::string_view refused) override { host_.on_client_end(*this, refused); }

    // The host's notes on this session.
    bool is_active = false;         ///< to be looked at when the turn ends
    bool is_stopped = false;        ///< among those that are paused
    bool is_ending = false;         ///< goes when the turn ends
    std::size_t counted_bytes = 0;  ///< what the host's sum holds for it

  private:
    /// Handles one message. False if it was the last that is listened to.
    bool handle(std::string_view body);
    [[nodiscard]] bool has_room() const;

    base::SessionId id_;
    SessionHost& host_;
    std::shared_ptr<net::Connection> connection_;
    std::size_t frame_bytes_max_;
    std::size_t outstanding_ = 0;  // requests without a reply
    std::size_t kept_bytes_ = 0;
};

}  // namespace doozer::server
