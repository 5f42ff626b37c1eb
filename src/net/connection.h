// One TCP connection on the event loop: bytes come in, bytes go out, and neither side can make
// the other hold more than it wants to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "net/asio.h"
#include "net/output_queue.h"
#include "net/tls.h"

namespace doozer::net {

/// Where connections read into; one for all of them, since what is not used up at once is kept
/// by the connection it came from.
using ReadBuffer = std::array<char, base::read_chunk_bytes>;

class ConnectionOwner {
  public:
    ConnectionOwner() = default;
    ConnectionOwner(ConnectionOwner const&) = delete;
    ConnectionOwner& operator=(ConnectionOwner const&) = delete;
    virtual ~ConnectionOwner() = default;

    /// Takes bytes from the beginning of `bytes` and says how many; the rest comes again together
    /// with what follows. Not called while reading is paused.
    virtual std::size_t on_bytes(std::string_view bytes) = 0;

    /// The other side sends nothing more, or the connection is broken; on_bytes() is not called
    /// again. The owner flushes what it still has to say, if it wants to, and closes. `refused`
    /// says why, if it was this side that would not go on.
    virtual void on_end(std::string_view refused) = 0;

    /// What flush() had to leave has become less, or the connection is broken and it is gone.
    virtual void on_drained() = 0;

    /// The other side has begun a handshake of TLS.
    virtual void on_handshake() {}
};

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    /// One that was accepted. With a `server`, which outlives it, it speaks TLS if the other side
    /// begins with TLS.
    Connection(tcp::socket socket, ConnectionOwner& owner, ReadBuffer& buffer,
               TlsServer const* server = nullptr);
    /// One that was made to `host`, for TLS.
    Connection(tcp::socket socket, ConnectionOwner& owner, ReadBuffer& buffer,
               TlsClient const& client, std::string const& host);

    /// Begins to read, and to speak if the handshake is this side's to begin.
    void start();
    /// Somebody else is told what comes from now on; what was not taken yet, with resume().
    void hand_over(ConnectionOwner& owner) { owner_ = &owner; }

    /// Stops reading: the kernel's buffers fill, and the other side has to wait.
    void pause() { paused_ = true; }
    /// Goes on, first with what was left over.
    void resume();
    [[nodiscard]] bool paused() const { return paused_; }

    /// What flush() will send.
    OutputQueue& output() { return output_; }
    [[nodiscard]] OutputQueue const& output() const { return output_; }
    /// Writes as much as the kernel takes; the rest follows by itself.
    void flush();

    /// The owner is not called again, and what is left of the output is not sent.
    void close();

    /// The memory of its buffers.
    [[nodiscard]] std::size_t charge() const {
        return input_.capacity() + output_.charge() + sealed_.charge() +
               (tls_ ? tls_->charge() : 0);
    }
    /// Whether everything was handed to the kernel.
    [[nodiscard]] bool all_sent() const { return output_.empty() && sealed_.empty(); }
    /// Bytes that went over the socket so far.
    [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
    [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }
    [[nodiscard]] std::string peer() const;
    [[nodiscard]] std::string peer_host() const;
    /// The other end; nonsense if the connection is broken.
    [[nodiscard]] tcp::endpoint remote_endpoint() const {
        error_code ignored;
        return socket_.remote_endpoint(ignored);
    }
    /// Whether both ends are on this machine, by their addresses.
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool speaks_tls() const { return tls_.has_value(); }
    /// Whether a handshake of TLS is under way, or has not begun where it may.
    [[nodiscard]] bool is_shaking_hands() const {
        return tls_server_ != nullptr || (tls_ && !tls_->handshake_done());
    }
    /// Whether both sides have proved that they hold the TlsServer's or TlsClient's shared key.
    [[nodiscard]] bool shares_key() const { return tls_ && tls_->shares_key(); }
    /// Whether there are bytes that have arrived and were not read.
    [[nodiscard]] bool has_input() const;
    /// For setsockopt().
    [[nodiscard]] int native_handle() { return socket_.native_handle(); }

  private:
    void prepare_socket();
    void wait_readable();
    void on_readable();
    void offer(std::string_view arrived);
    void open_sealed(std::string_view arrived);
    void seal_output();
    std::size_t write(OutputQueue const& queue, error_code& error);
    void end(std::string_view refused = {});
    void broken();

    tcp::socket socket_;
    ConnectionOwner* owner_;  // null once closed
    ReadBuffer& buffer_;
    std::string input_;  // what was not taken yet
    OutputQueue output_;
    TlsServer const* tls_server_ = nullptr;  // as long as nothing has arrived
    std::optional<TlsFilter> tls_;
    bool connected_here_ = false;
    OutputQueue sealed_;  // with TLS, what output_ has become
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
    bool paused_ = true;
    bool waiting_readable_ = false;
    bool waiting_writable_ = false;
    bool input_over_ = false;  // nothing more is read
};

}  // namespace doozer::net
