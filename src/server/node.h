// The shell around the replica: one event loop that reads what is there, tells the replica, and
// does what it wants done. Everything that happens in a process happens on this loop.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/asio.h"
#include "net/connection.h"
#include "net/listener.h"
#include "replica/replica.h"
#include "server/chronicle.h"
#include "server/client_ranks.h"
#include "server/client_session.h"
#include "server/cluster_side.h"
#include "server/latency_window.h"
#include "server/name_service.h"
#include "server/options.h"
#include "server/release.h"
#include "server/secret_guard.h"
#include "web/host.h"
#include "web/server.h"
#include "wire/flight_recorder.h"

namespace doozer::server {

/// The ALPN protocol of the web view.
inline constexpr char const* web_protocol = "http/1.1";

class Node : public SessionHost, public web::Host {
  public:
    explicit Node(Options options, Release release = {});

    /// Reads the certificate and binds the listening socket. Error (other): one line.
    Result<Done> prepare();

    /// Founds a cluster or joins one, and serves it until SIGTERM or SIGINT. Error (other): one
    /// line; the cluster cannot be joined, or this process must not go on. REQUIRES: prepare().
    Result<Done> run();

  private:
    void on_accept(net::tcp::socket socket);
    void on_activity(ClientSession& session) override;
    void on_request(ClientSession& session, Request const& request) override;
    void on_client_end(ClientSession& session, std::string_view refused) override;
    void on_handshake(ClientSession& session) override;
    void on_member(ClientSession& session) override { arrived_.push_back(session.id()); }
    [[nodiscard]] bool hears_clients() const override;

    // The web view (node_web.cc).
    SessionId open_web_session() override;
    void close_web_session(SessionId session) override;
    void web_request(SessionId session, Request const& request) override;
    [[nodiscard]] replica::Grants web_grants(SessionId session) const override {
        return replica_->grants(session);
    }
    [[nodiscard]] bool is_serving() const override { return replica_->serving(); }
    [[nodiscard]] bool can_commit() const override;
    [[nodiscard]] bool hears_majority() const override { return replica_->status(now_).quorum; }
    [[nodiscard]] store::Store const& store() const override { return replica_->store(); }
    [[nodiscard]] web::Metrics const& metrics() const override { return metrics_; }
    [[nodiscard]] web::Gauges gauges() const override;
    [[nodiscard]] Instant clock() const override;
    [[nodiscard]] std::int64_t unix_seconds() const override;
    Result<Done> read_journal();
    Result<Done> prepare_web();
    void answer_web(replica::Reply const& reply);
    void answer_held_web();

    // What is told of the process and its cluster (node_status.cc).
    void note_events();
    void count_write(replica::Reply const& reply);
    void complete(replica::Reply& reply);

    void begin();
    [[nodiscard]] net::Address advertised() const;
    void start_replica(ProcessId const& id, bool founds);

    // The cluster by its name (node_boot.cc).
    void look_up_cluster();
    void found_cluster();
    void tell_names();
    [[nodiscard]] NameSelf name_self() const;

    // How it ends (node_stop.cc).
    void await_signals();
    void on_stop_signal(int signal);
    [[nodiscard]] bool is_over();

    // Files that are read anew (node_reload.cc).
    void await_reloads();
    void reload();
    bool reload_client_secrets();
    bool reload_members_and_certificates();
    [[nodiscard]] replica::Access access() const {
        return {options_.secrets.read_write, options_.secrets.read_only};
    }

    void await_recordings_wanted();
    void perform_cluster();
    void adopt_members();
    void judge();
    void take_turn();
    void end_turn();
    void step(replica::Input const& input);
    void step_now(replica::Input const& input);
    void perform_replies();
    void finish(ClientSession& session);
    void look_after(ClientSession& session);
    [[nodiscard]] bool turn_is_long() const;
    void set_deadline();

    // Which connections there are, and which of them have to go (node_clients.cc).
    void account(ClientSession& session);
    [[nodiscard]] std::size_t held_bytes() const;
    [[nodiscard]] bool over_budget() const;
    void free_memory();
    void evict(ClientRanks::Ids const& rank, std::size_t bytes_min, std::size_t enough);
    bool make_place();
    bool close_least(ClientSession const* spared);
    bool admit(ClientSession& session);
    void rank(ClientSession& session);
    void on_access_answered(ClientSession& session, replica::Reply const& reply);
    void end_handshakes();
    void remove(ClientSession& session);

    Options options_;
    Release release_;
    bool told_manager_ = false;  // that this process serves
    replica::Rules rules_ = 1;   // by which changes are applied, as the log has it
    net::asio::io_context loop_;
    net::asio::signal_set signals_;
    net::asio::signal_set recording_wanted_;
    net::asio::signal_set reload_wanted_;
    net::asio::steady_timer timer_;
    wire::FlightRecorder recorder_;
    net::Listener listener_;
    std::optional<net::TlsServer> tls_;
    std::optional<net::TlsServer> web_tls_;
    std::unique_ptr<replica::Replica> replica_;
    replica::Effects effects_;
    std::unordered_map<SessionId, std::unique_ptr<ClientSession>> sessions_;
    std::vector<SessionId> active_;   // to be looked at when the turn ends
    std::vector<SessionId> stopped_;  // not read from, or waiting for their end
    ClientRanks ranks_;
    DescriptorShares descriptors_;
    std::deque<std::pair<Instant, SessionId>> handshakes_;  // which must be done when
    SecretGuard secret_guard_;
    std::multimap<Instant, replica::Reply> held_web_;  // wrong secrets, and when they are answered
    std::size_t turn_requests_ = 0;
    std::size_t turn_reply_bytes_ = 0;
    net::ReadBuffer read_buffer_;
    Instant now_;
    Instant deadline_set_ = never;
    SessionId next_session_{1};
    std::size_t buffered_bytes_ = 0;  // of all sessions
    std::vector<SessionId> arrived_;  // sessions that turned out to be members
    std::optional<ClusterSide> cluster_;
    std::vector<replica::Restored> restored_;
    Revision restored_to_ = missing;
    bool is_joining_ = false;       // and holds no copy yet
    Instant attach_by_ = never;     // to an address that it was given
    std::optional<Error> failure_;  // why this process must stop
    int stop_signal_ = 0;
    Instant stop_by_ = never;
    enum class Ending { no, retiring, handing_over, farewell } ending_ = Ending::no;
    bool has_others_ = false;
    web::Metrics metrics_;
    Revision counted_;  // in the metrics, up to here
    Chronicle chronicle_;
    Instant looked_;  // for the chronicle
    LatencyWindow writes_;
    std::optional<Bytes> status_;  // of this turn
    bool web_busy_ = false;        // the web view wants another turn
    bool is_idle_ = false;         // this turn brought nothing
    std::optional<web::Server> web_;
    net::asio::steady_timer names_timer_;
    std::optional<NameService> names_;
};

}  // namespace doozer::server
