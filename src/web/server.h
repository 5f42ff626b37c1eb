// The HTTP server: connections, what they ask for, and when each of them has its turn on the
// event loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "net/asio.h"
#include "net/listener.h"
#include "net/tls.h"
#include "web/connection.h"
#include "web/event_cache.h"
#include "web/exchange.h"
#include "web/guard.h"
#include "web/host.h"
#include "web/stream_schedule.h"

namespace doozer::web {

/// How the process stands to its cluster, as pages show it.
struct Standing {
    bool majority = true;  ///< it hears one
    bool writes = true;    ///< what is written here is likely to be applied
    bool operator==(Standing const&) const = default;
};

struct Settings {
    bool write = false;  ///< whether files may be written, by those who know the secret
    std::size_t value_bytes_max = value_bytes_default;
    std::size_t buffer_bytes_max = 64 * MiB;  ///< of all connections together
    std::size_t connections_max = web_connections_max;
    std::vector<std::string> host_names =
        {};  ///< by which this process is known, besides addresses
};

class Server {
  public:
    using Log = std::function<void(std::string const&)>;

    /// REQUIRES: loop, host and tls outlive the server. `log` gets warnings.
    Server(net::asio::io_context& loop, Host& host, net::TlsServer const* tls, Settings settings,
           Log log);
    ~Server();

    /// Error (other): one line.
    Result<Done> listen(net::Address const& address) { return listener_.listen(address); }
    [[nodiscard]] net::Address const& address() const { return listener_.address(); }
    /// REQUIRES: listen() was good, and the host can be asked.
    void start();
    void stop();

    /// For a session of Host::open_web_session(); looked at in work().
    void on_reply(replica::Reply const& reply) { inbox_.push_back(reply); }

    /// The session gets no answer any more: nobody can tell what became of what it asked.
    void on_lost(SessionId session);

    /// What this turn of the loop brought is in: goes on with what can go on, as far as one turn
    /// goes. `loop_is_idle`: the turn brought nothing. True if another turn should follow at once.
    bool work(bool loop_is_idle);

    [[nodiscard]] std::size_t connections() const { return connections_.size(); }
    [[nodiscard]] std::size_t streams() const { return streams_; }
    [[nodiscard]] std::size_t buffered_bytes() const { return buffered_bytes_; }

    // For what is under way in it.
    [[nodiscard]] Host& host() { return host_; }
    [[nodiscard]] Settings const& settings() const { return settings_; }
    [[nodiscard]] bool is_secure() const { return tls_ != nullptr; }
    [[nodiscard]] StreamSchedule& schedule() { return schedule_; }
    [[nodiscard]] EventCache& event_cache() { return event_cache_; }
    /// As of the last second.
    [[nodiscard]] Standing standing() const { return standing_; }
    SessionId open_session(Exchange& exchange);
    void close_session(SessionId session);
    /// Answers the request, at once or through `exchange`.
    void answer(Connection& connection, HttpRequest request, ExchangePtr& exchange);
    /// settle() will be called.
    void activate(Connection& connection);
    /// Brings the sum up to date with what the connection holds.
    void charge(Connection& connection);
    /// Whether the budget has room for so many bytes more, if need be in place of connections that
    /// are silent or slow.
    bool make_room(std::size_t bytes, Connection const& asking);
    /// With how much waiting for its client a connection may still be given more. The less room is
    /// left in the budget, the less each connection may take of it.
    [[nodiscard]] std::size_t output_room() const;
    /// Whether the connection waits for a request: it is the first that makes room for others.
    void note_waiting(Connection& connection, bool waits);
    [[nodiscard]] net::asio::steady_timer make_timer() { return net::asio::steady_timer(loop_); }
    /// Calls on_time(), if the session's exchange is still there then.
    void wake_at(net::asio::steady_timer& timer, Duration after, SessionId session,
                 std::function<void()> on_time);
    void count_events(std::uint64_t events) { events_ += events; }
    void count_stream(int more);
    void count(Metrics& metrics) const;
    /// The page for a monitoring system. To make it takes about a millisecond, so all who ask in
    /// one turn are given the same.
    Bytes metrics_text();

  private:
    void on_accept(net::tcp::socket socket);
    bool make_place();
    void answer_replies(Instant until);
    void settle_active(Instant until);
    void tick();
    void wait_for_tick();
    void look_at_standing();
    void set_pace_timer();
    void evict(ConnectionId id, std::string_view why);
    void shed(std::size_t needed, Connection const* spared, bool only_slow);
    void remove(Connection& connection);

    net::asio::io_context& loop_;
    Host& host_;
    net::TlsServer const* tls_;
    Settings settings_;
    Log log_;
    KnownHosts hosts_;
    net::Listener listener_;
    net::asio::steady_timer tick_timer_;
    net::asio::steady_timer pace_timer_;
    net::ReadBuffer read_buffer_;
    StreamSchedule schedule_;
    EventCache event_cache_;
    // Declared after what their exchanges use when they go.
    std::unordered_map<SessionId, Exchange*> exchanges_;
    std::deque<replica::Reply> inbox_;
    std::list<ConnectionId> waiting_;  // those that wait for a request, the longest first
    std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
    std::deque<ConnectionId> active_;
    ConnectionId next_connection_{1};
    std::size_t buffered_bytes_ = 0;
    std::size_t streams_ = 0;
    Standing standing_;
    std::uint64_t accepted_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t events_ = 0;
    TimeHistogram timer_delay_;
    Bytes metrics_text_;  // of this turn
    Instant tick_due_;
    bool pace_timer_set_ = false;
    Instant pace_timer_at_;
};

}  // namespace doozer::web
