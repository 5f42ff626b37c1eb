// The links of this process to others: who is dialled, who is let in, and the messages between
// them. It knows bytes and processes, and nothing of what the messages are about.
//
// A link is up from the moment when two processes have greeted each other until it is lost, for
// whatever reason. As long as it is up messages arrive, those of one route in the order in which
// they were sent; when it is lost, some that were sent last may not have arrived. Small messages
// have a connection of their own, so that they never wait behind large ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/prng.h"
#include "net/connection.h"
#include "net/tls.h"
#include "server/member_connection.h"
#include "server/member_dialer.h"
#include "server/member_greeting.h"
#include "wire/member_routes.h"

namespace doozer::server {

/// The ALPN protocol of members that know each other by the cluster secret.
inline constexpr std::string_view member_protocol = "doozer-member";

/// The other end of a link.
struct MemberPeer {
    base::ProcessId id;
    std::string address;        ///< by which others reach it, as it says
    std::uint16_t version = 0;  ///< of the member protocol that both speak
};

/// A link that did not come about.
struct RefusedLink {
    enum class Why {
        unreachable,   ///< nobody answers, or the name is not known; it is tried again
        bad_address,   ///< the text is no address
        secret,        ///< no secret, or another one
        cluster_name,  ///< the process is of another cluster
        version,       ///< it speaks another member protocol
        same_id,       ///< the address is this process's own
        other_id,      ///< another process is at this address: the one expected there is gone
        other,         ///< bytes that make no sense
    };
    Why why = Why::other;
    bool dialled = false;   ///< by this process
    std::string address;    ///< as it was wanted, or where the connection came from
    base::ProcessId found;  ///< who is there, if that is known
    std::string line;       ///< for the log
};

/// One for each process, on its event loop. All that it calls back is called by the loop, never
/// from within one of its own functions; the callbacks may call all of them.
class MemberLinks final : private MemberConnectionHost {
  public:
    using ProcessId = base::ProcessId;

    struct Callbacks {
        std::function<void(MemberPeer const&)> on_link_up;
        std::function<void(ProcessId const&, std::string const& why)> on_link_down;
        std::function<void(ProcessId const&, std::string_view body)> on_message;
        /// What is repeated is not told again.
        std::function<void(RefusedLink const&)> on_refused;
    };
    struct Settings {
        std::optional<net::SharedKey> key = {};  ///< of the cluster secret
        bool insecure_members = false;           ///< without one, not on loopback only
        bool closed = false;                     ///< links are neither opened nor accepted
        MemberVersions versions = {};
        MemberDialTimes dial = {};
        base::Duration greeting = base::seconds(2);     ///< how long it may take
        base::Duration dead_after = base::seconds(2);   ///< when nothing comes
        base::Duration stuck_after = base::seconds(5);  ///< when nothing of what waits can be sent
        /// A link that is older was lost by the other side, if that dials again.
        base::Duration settled_after = base::seconds(1);
        wire::MemberLinkBounds bounds = {};
        std::uint64_t seed = 0;
    };
    using Route = wire::MemberRoute;

    MemberLinks(net::asio::io_context& loop, net::ReadBuffer& buffer, Settings settings,
                Callbacks callbacks);
    ~MemberLinks() override;

    /// Who this process is, from now on. All links end. REQUIRED before anything else.
    void set_self(MemberSelf self);

    /// Dials those and no others; links that are up stay so.
    void want(std::vector<MemberTarget> const& targets) {
        if (!settings_.closed) dialer_.want(targets);
    }

    /// Offers this key from now on. Links that are up stay. REQUIRES: there was a key before.
    void offer(net::SharedKey key);

    /// Takes a connection that was accepted (see SessionHost::on_member).
    void adopt(std::shared_ptr<net::Connection> connection);

    /// Queues a message, which flush() sends. False: there is no link, or too much of a bulk route
    /// waits already. A link whose frames are not taken fast enough is cut off.
    bool send(ProcessId const& to, base::Bytes message, Route route = Route::by_size);
    /// At the end of a turn: one gathered write for each peer.
    void flush();
    /// Ends a link whose other side does not follow the protocol, or whose bytes were changed on
    /// their way. It is dialled again.
    void cut(ProcessId const& peer, std::string const& why);

    [[nodiscard]] bool is_linked(ProcessId const& id) const { return links_.contains(id); }
    [[nodiscard]] std::vector<MemberPeer> peers() const;
    /// The memory of all buffers.
    [[nodiscard]] std::size_t buffered_bytes() const;

  private:
    using ConnectionPtr = std::shared_ptr<MemberConnection>;
    struct Link {
        MemberPeer peer;
        ConnectionPtr frames;
        ConnectionPtr bulk = {};  // once it is greeted
        bool bulk_on_its_way = false;
        base::Instant since;
        std::vector<base::Bytes> waiting = {};  // for bulk
        std::size_t waiting_bytes = 0;
    };

    void on_greeting(MemberConnection& connection, wire::Greeting const& greeting) override;
    void on_refusal(MemberConnection& connection, wire::Refusal const& refusal) override;
    void on_message(MemberConnection& connection, std::string_view body) override;
    void on_bulk_wanted(MemberConnection& connection) override;
    bool admits(MemberConnection& connection, std::size_t bytes) override;
    void on_gone(MemberConnection& connection, std::string const& why) override;

    std::optional<wire::Refusal> objection_to(MemberConnection& connection,
                                              wire::Greeting const& greeting) const;
    [[nodiscard]] bool has_precedence(MemberConnection const& connection,
                                      base::ProcessId const& id) const;
    wire::Greeting greeting_for(wire::Greeting::Kind kind, std::uint64_t link,
                                ProcessId expected) const;
    void refuse(MemberConnection& connection, wire::Refusal const& refusal);
    void bring_up(MemberConnection& connection);
    void attach_bulk(MemberConnection& connection);
    Link* link_of(MemberConnection const& connection);

    bool send_bulk(Link& link, base::Bytes message, Route route);
    void dial_bulk(Link& link);
    void bulk_connected(ProcessId const& id, std::uint64_t number, net::tcp::socket socket,
                        net::error_code const& error);

    MemberDialer::Callbacks dialer_callbacks();
    ConnectionPtr dialled(net::tcp::socket socket);
    std::string select(std::vector<net::tcp::endpoint>& endpoints) const;
    void make_room_for_greetings();

    void take_down(ProcessId const& id, std::string const& why);
    void tell_downs();
    void report(RefusedLink const& refused);
    void forget(MemberConnection& connection);

    void look_at_time();
    void arm(base::Instant at);

    net::asio::io_context& loop_;
    net::ReadBuffer& buffer_;
    Settings settings_;
    std::optional<net::TlsClient> tls_;
    Callbacks callbacks_;
    MemberSelf self_;
    base::Prng prng_;
    std::map<ProcessId, Link> links_;
    std::set<ConnectionPtr> connections_;                   // all, in whatever phase
    std::vector<std::pair<ProcessId, std::string>> downs_;  // to be told
    std::map<std::string, base::Instant> reports_;          // what was told of those who dialled us
    net::asio::steady_timer timer_;
    base::Instant armed_ = base::never;
    std::shared_ptr<int> alive_ = std::make_shared<int>();  // handlers do nothing without it
    MemberDialer dialer_;
};

}  // namespace doozer::server
