// One TCP connection between members: the greeting, then messages in order. What a pair of members
// has of them, and who wins, is decided in MemberLinks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "net/connection.h"
#include "wire/member_stream.h"

namespace doozer::server {

class MemberConnection;

/// What connections tell. Called by the loop only, never from within a call of the host's.
class MemberConnectionHost {
  public:
    MemberConnectionHost() = default;
    MemberConnectionHost(MemberConnectionHost const&) = delete;
    MemberConnectionHost& operator=(MemberConnectionHost const&) = delete;
    virtual ~MemberConnectionHost() = default;

    /// Comes once. The host calls greet(), refuse() or close().
    virtual void on_greeting(MemberConnection& connection, wire::Greeting const& greeting) = 0;
    virtual void on_refusal(MemberConnection& connection, wire::Refusal const& refusal) = 0;
    virtual void on_message(MemberConnection& connection, std::string_view body) = 0;
    virtual void on_bulk_wanted(MemberConnection& connection) = 0;
    /// Whether this connection may hold so much more of a message that is not here as a whole.
    virtual bool admits(MemberConnection& connection, std::size_t bytes) = 0;
    /// The last call: it has ended, for this reason. Not after close().
    virtual void on_gone(MemberConnection& connection, std::string const& why) = 0;
};

class MemberConnection final : public net::ConnectionOwner,
                               public std::enable_shared_from_this<MemberConnection> {
  public:
    /// One that was accepted, of which nothing was taken yet.
    MemberConnection(net::asio::io_context& loop, MemberConnectionHost& host,
                     std::shared_ptr<net::Connection> connection);
    /// One that was dialled; `client` if it is to be TLS.
    MemberConnection(net::asio::io_context& loop, MemberConnectionHost& host,
                     net::tcp::socket socket, net::ReadBuffer& buffer,
                     net::TlsClient const* client);

    /// Begins to read, later.
    void start();
    void send_greeting(wire::Greeting const& greeting);
    /// Takes the other side's greeting: messages follow, with checksums if both sides know them.
    void greet(wire::Greeting greeting, bool checksums);
    /// Says why not, and waits for the other side to close.
    void refuse(wire::Refusal const& refusal);
    /// Forgets what was to be sent; the host is not called again.
    void close();
    /// The same, and the host is told.
    void fail(std::string const& why);

    /// Queues a message; flush() sends it.
    void send(base::Bytes message);
    void ask_for_bulk();
    /// Sends what is queued, as much as the kernel takes; the rest follows by itself.
    void flush();

    [[nodiscard]] bool is_open() const { return phase_ != Phase::closed; }
    [[nodiscard]] bool is_greeting() const { return phase_ == Phase::greeting; }
    [[nodiscard]] bool is_greeted() const { return phase_ == Phase::greeted; }
    [[nodiscard]] bool is_dialled() const { return dialled_; }
    [[nodiscard]] wire::Greeting const& greeting() const { return greeting_; }
    [[nodiscard]] net::Connection& connection() const { return *connection_; }
    /// When bytes last came in.
    [[nodiscard]] base::Instant heard_at() const { return heard_at_; }
    /// What waits behind the message that is being sent.
    [[nodiscard]] std::size_t backlog() const {
        return waiting_.empty() ? 0 : waiting_bytes_ - waiting_.front().size();
    }
    /// What is here of a message that has not come as a whole.
    [[nodiscard]] std::size_t unfinished_bytes() const { return parts_bytes_; }
    /// Whether something was to be sent for so long, and the kernel took nothing of it. REQUIRES:
    /// is asked again and again.
    bool is_stuck(base::Instant now, base::Duration patience);
    [[nodiscard]] std::size_t charge() const {
        return waiting_bytes_ + parts_bytes_ + connection_->charge();
    }

    std::size_t on_bytes(std::string_view bytes) override;
    void on_end(std::string_view refused) override;
    void on_drained() override { flush(); }

    // The host's notes.
    base::Instant deadline = base::never;  ///< by which the greeting must be there, or it be closed
    std::string aim;                       ///< for whom it was dialled
    bool reported = false;                 ///< why it ends is known
    std::uint64_t link = 0;                ///< the number of the link that it belongs to

  private:
    enum class Phase { greeting, greeted, refused, closed };

    [[nodiscard]] std::size_t record_bytes_max() const;
    void handle(wire::RecordSplitter::Record const& record);
    void handle_greeting(wire::RecordSplitter::Record const& record);
    void keep(std::string_view part);
    void deliver(std::string_view body);
    void put_record(wire::RecordType type, std::string_view body);
    void put_shared(base::Bytes const& message);
    bool fill();

    net::asio::io_context& loop_;
    MemberConnectionHost& host_;
    std::shared_ptr<net::Connection> connection_;
    bool dialled_;
    bool said_magic_ = false;
    bool heard_magic_ = false;
    bool checksums_ = false;
    Phase phase_ = Phase::greeting;
    wire::Greeting greeting_;  // of the other side
    base::Instant heard_at_;
    base::Instant moved_at_;            // when something was written last, or there was nothing to
    base::Instant looked_at_;           // whether something was
    std::uint64_t written_before_ = 0;  // by then
    std::deque<base::Bytes> waiting_;
    std::size_t sent_of_first_ = 0;
    std::size_t waiting_bytes_ = 0;
    std::vector<std::string> parts_;  // of a message, as they came
    std::size_t parts_bytes_ = 0;
};

}  // namespace doozer::server
