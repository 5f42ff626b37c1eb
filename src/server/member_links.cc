#include "server/member_links.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "server/clock.h"

namespace doozer::server {
namespace {

using base::Instant;
using wire::Greeting;
using wire::Refusal;
using wire::RefusalReason;

/// How long a refusal is not told again.
constexpr base::Duration repeat_after = base::seconds(60);

RefusedLink::Why why_of(RefusalReason reason) {
    switch (reason) {
        case RefusalReason::cluster_name:
            return RefusedLink::Why::cluster_name;
        case RefusalReason::secret:
            return RefusedLink::Why::secret;
        case RefusalReason::version:
            return RefusedLink::Why::version;
        case RefusalReason::same_id:
            return RefusedLink::Why::same_id;
        case RefusalReason::other_id:
            return RefusedLink::Why::other_id;
        case RefusalReason::duplicate:
        case RefusalReason::malformed:
        case RefusalReason::other:
            return RefusedLink::Why::other;
    }
    return RefusedLink::Why::other;
}

constexpr char const* need_a_secret = "members at other than loopback addresses need a secret: ";

bool is_loopback(net::asio::ip::address const& address) {
    return address.is_loopback();
}

/// An address by which others reach a process, though this one may do so by way of loopback. What a
/// name stands for is seen when it is dialled.
bool is_elsewhere(std::string const& advertised) {
    auto const parsed = net::parse_address(advertised, 0);
    if (!parsed.ok()) return false;
    net::error_code no_number;
    auto const address = net::asio::ip::make_address(parsed.value().host, no_number);
    return !no_number && !is_loopback(address);
}

}  // namespace

MemberLinks::MemberLinks(net::asio::io_context& loop, net::ReadBuffer& buffer, Settings settings,
                         Callbacks callbacks)
    : loop_(loop),
      buffer_(buffer),
      settings_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      prng_(settings_.seed),
      timer_(loop),
      dialer_(loop, settings_.dial, prng_.next(), dialer_callbacks()) {
    if (settings_.key) tls_ = net::TlsClient::holding(*settings_.key);
}

MemberLinks::~MemberLinks() {
    for (ConnectionPtr const& connection : connections_) connection->close();
}

void MemberLinks::set_self(MemberSelf self) {
    self_ = std::move(self);
    for (auto const& [id, link] : std::exchange(links_, {})) {
        downs_.emplace_back(id, "this process goes on under another id");
    }
    for (ConnectionPtr const& connection : std::exchange(connections_, {})) connection->close();
    dialer_.restart();
    net::asio::post(loop_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) tell_downs();
    });
}

void MemberLinks::offer(net::SharedKey key) {
    DOOZER_ASSERT(tls_.has_value());
    tls_ = net::TlsClient::holding(std::move(key));
}

std::vector<MemberPeer> MemberLinks::peers() const {
    std::vector<MemberPeer> peers;
    for (auto const& [id, link] : links_) peers.push_back(link.peer);
    return peers;
}

std::size_t MemberLinks::buffered_bytes() const {
    std::size_t bytes = 0;
    for (ConnectionPtr const& connection : connections_) bytes += connection->charge();
    for (auto const& [id, link] : links_) bytes += link.waiting_bytes;
    return bytes;
}

// --- coming about --------------------------------------------------------------------------------

void MemberLinks::adopt(std::shared_ptr<net::Connection> connection) {
    DOOZER_ASSERT(!self_.id.empty());
    make_room_for_greetings();
    MemberConnectionHost& host = *this;
    auto const adopted = std::make_shared<MemberConnection>(loop_, host, std::move(connection));
    adopted->deadline = monotonic_now() + settings_.greeting;
    connections_.insert(adopted);
    adopted->start();
    arm(adopted->deadline);
}

void MemberLinks::make_room_for_greetings() {
    std::size_t greeting = 0;
    ConnectionPtr oldest;
    for (ConnectionPtr const& connection : connections_) {
        if (connection->is_greeted() || connection->is_dialled()) continue;
        ++greeting;
        if (!oldest || connection->deadline < oldest->deadline) oldest = connection;
    }
    if (greeting < base::member_greetings_max) return;
    oldest->close();
    connections_.erase(oldest);
}

MemberDialer::Callbacks MemberLinks::dialer_callbacks() {
    MemberDialer::Callbacks callbacks;
    callbacks.is_reached = [this](MemberAim const& aim) {
        if (aim.target.id) return *aim.target.id == self_.id || links_.contains(*aim.target.id);
        if (links_.contains(aim.reached)) return true;
        return std::any_of(links_.begin(), links_.end(), [&](auto const& item) {
            return item.second.peer.address == aim.target.address;
        });
    };
    callbacks.select = [this](auto& endpoints) { return select(endpoints); };
    callbacks.on_connected = [this](MemberAim const& aim, net::tcp::socket socket) {
        ConnectionPtr const connection = dialled(std::move(socket));
        connection->aim = aim.name;
        connection->link = prng_.next();
        connection->send_greeting(
            greeting_for(Greeting::Kind::frames, connection->link, aim.target.id.value_or("")));
    };
    callbacks.on_failed = [this](MemberAim const& aim, std::string const& why) {
        report({aim.valid ? RefusedLink::Why::unreachable : RefusedLink::Why::bad_address, true,
                aim.target.address, "", "no link to " + aim.target.address + ": " + why});
    };
    return callbacks;
}

/// Without a secret only what is on this machine is dialled.
std::string MemberLinks::select(std::vector<net::tcp::endpoint>& endpoints) const {
    if (tls_ || settings_.insecure_members) return {};
    std::erase_if(endpoints, [](auto const& e) { return !is_loopback(e.address()); });
    return std::string(need_a_secret) + std::string(how_to_know_members);
}

MemberLinks::ConnectionPtr MemberLinks::dialled(net::tcp::socket socket) {
    MemberConnectionHost& host = *this;
    auto const connection = std::make_shared<MemberConnection>(loop_, host, std::move(socket),
                                                               buffer_, tls_ ? &*tls_ : nullptr);
    connection->deadline = monotonic_now() + settings_.greeting;
    connections_.insert(connection);
    connection->start();
    arm(connection->deadline);
    return connection;
}

Greeting MemberLinks::greeting_for(Greeting::Kind kind, std::uint64_t link,
                                   ProcessId expected) const {
    Greeting greeting;
    greeting.oldest_version = settings_.versions.oldest;
    greeting.newest_version = settings_.versions.newest;
    greeting.kind = kind;
    greeting.link = link;
    greeting.cluster_name = self_.cluster_name;
    greeting.id = self_.id;
    greeting.expected_id = std::move(expected);
    greeting.address = net::to_string(self_.advertised);
    return greeting;
}

void MemberLinks::on_greeting(MemberConnection& connection, Greeting const& greeting) {
    tell_downs();
    if (auto const why_not = objection_to(connection, greeting))
        return refuse(connection, *why_not);
    if (!connection.is_dialled()) {
        connection.send_greeting(greeting_for(greeting.kind, greeting.link, ""));
        connection.link = greeting.link;
        if (!connection.is_open()) return;  // it was broken when we spoke
    }
    bool const checksums = *common_version(settings_.versions, greeting) >= wire::checksum_version;
    connection.greet(greeting, checksums && !connection.connection().speaks_tls());
    greeting.kind == Greeting::Kind::bulk ? attach_bulk(connection) : bring_up(connection);
}

std::optional<Refusal> MemberLinks::objection_to(MemberConnection& connection,
                                                 Greeting const& greeting) const {
    if (settings_.closed) {
        return Refusal{RefusalReason::secret, self_.id,
                       "clients of this process need a secret, and members have none: " +
                           std::string(how_to_know_members)};
    }
    bool const proved = connection.connection().shares_key();
    if (settings_.key && !proved) {
        return Refusal{RefusalReason::secret, self_.id,
                       "members of this cluster need its secret: set DOOZER_CLUSTER_SECRET or "
                       "-clustersecret"};
    }
    bool const local = connection.connection().is_loopback() && !is_elsewhere(greeting.address);
    if (!proved && !settings_.insecure_members && !local) {
        return Refusal{RefusalReason::secret, self_.id,
                       std::string(need_a_secret) + std::string(how_to_know_members)};
    }
    if (auto refusal = objection(self_, settings_.versions, greeting)) return refusal;
    if (connection.is_dialled() && greeting.link != connection.link) {
        return Refusal{RefusalReason::malformed, self_.id, "greeting of another link"};
    }
    auto const found = links_.find(greeting.id);
    if (greeting.kind == Greeting::Kind::bulk) {
        if (found != links_.end() && found->second.frames->link == greeting.link)
            return std::nullopt;
        return Refusal{RefusalReason::duplicate, self_.id, "no such link"};
    }
    if (found != links_.end() && !has_precedence(connection, greeting.id)) {
        return Refusal{RefusalReason::duplicate, self_.id, "there is a link already"};
    }
    return std::nullopt;
}

/// Whether a connection takes the place of the link that there is. If both have dialled at the
/// same time both ends keep the connection that the lower id has dialled. Otherwise one dials
/// because it has lost its link, whatever the other still thinks.
bool MemberLinks::has_precedence(MemberConnection const& connection, ProcessId const& id) const {
    Link const& link = links_.at(id);
    if (connection.is_dialled() == link.frames->is_dialled()) return true;
    if (monotonic_now() - link.since > settings_.settled_after) return true;
    return connection.is_dialled() == (self_.id < id);
}

void MemberLinks::refuse(MemberConnection& connection, Refusal const& refusal) {
    auto const kept = connection.shared_from_this();
    if (connection.is_dialled()) return on_refusal(connection, refusal);
    connection.reported = true;
    connection.refuse(refusal);
    if (refusal.reason == RefusalReason::duplicate) return;
    report({why_of(refusal.reason), false, connection.connection().peer_host(), "",
            "refused a member at " + connection.connection().peer() + ": " + refusal.text});
}

/// The other side's, or our own of what we have found there.
void MemberLinks::on_refusal(MemberConnection& connection, Refusal const& refusal) {
    tell_downs();
    auto const kept = connection.shared_from_this();
    forget(connection);
    if (connection.aim.empty()) {  // it was dialled for bulk
        Link const* const link = link_of(connection);
        if (link != nullptr) take_down(ProcessId(link->peer.id), printable(refusal.text));
        return tell_downs();
    }
    MemberAim const* const aim = dialer_.aim(connection.aim);
    if (aim == nullptr) return;
    bool const duplicate = refusal.reason == RefusalReason::duplicate;
    std::string const line = "no link to " + aim->target.address + ": " + printable(refusal.text);
    RefusedLink const refused{why_of(refusal.reason), true, aim->target.address,
                              printable(refusal.id), line};
    bool const is_news = aim->reported != line;
    dialer_.refused(connection.aim, line, duplicate);
    if (!duplicate && is_news) report(refused);
}

void MemberLinks::bring_up(MemberConnection& connection) {
    ConnectionPtr const kept = connection.shared_from_this();
    Greeting const& greeting = connection.greeting();
    take_down(greeting.id, "linked anew");
    tell_downs();
    if (!connection.is_open()) return;  // the callback has ended it
    if (connection.is_dialled()) dialer_.found(connection.aim, greeting.id);
    Link link;
    link.peer = {greeting.id, greeting.address, *common_version(settings_.versions, greeting)};
    link.frames = kept;
    link.since = monotonic_now();
    MemberPeer const peer = link.peer;
    links_.emplace(greeting.id, std::move(link));
    arm(connection.heard_at() + settings_.dead_after);
    callbacks_.on_link_up(peer);
}

// --- going away ----------------------------------------------------------------------------------

void MemberLinks::forget(MemberConnection& connection) {
    ConnectionPtr const kept = connection.shared_from_this();
    connection.close();
    connections_.erase(kept);
}

void MemberLinks::take_down(ProcessId const& id, std::string const& why) {
    auto const found = links_.find(id);
    if (found == links_.end()) return;
    forget(*found->second.frames);
    if (found->second.bulk) forget(*found->second.bulk);
    downs_.emplace_back(id, why);
    links_.erase(found);
    dialer_.look_again();
}

void MemberLinks::tell_downs() {
    for (auto const& [id, why] : std::exchange(downs_, {})) callbacks_.on_link_down(id, why);
}

MemberLinks::Link* MemberLinks::link_of(MemberConnection const& connection) {
    for (auto& [id, link] : links_) {
        if (link.frames->link == connection.link) return &link;
    }
    return nullptr;
}

void MemberLinks::on_gone(MemberConnection& connection, std::string const& why) {
    ConnectionPtr const kept = connection.shared_from_this();
    if (connections_.erase(kept) == 0) return;  // the news has crossed with set_self()
    Link const* const link = link_of(connection);
    bool const is_frames = link != nullptr && link->frames == kept;
    bool const is_bulk = link != nullptr && !is_frames && connection.aim.empty() &&
                         (link->bulk == kept || connection.is_dialled());
    if (is_frames || is_bulk) {
        take_down(ProcessId(link->peer.id), why);
        return tell_downs();
    }
    if (connection.reported) return;
    bool const secret = why.starts_with("TLS:");
    if (!connection.is_dialled()) {
        return report({secret ? RefusedLink::Why::secret : RefusedLink::Why::other, false,
                       connection.connection().peer_host(), "", "refused a member: " + why});
    }
    MemberAim const* const aim = dialer_.aim(connection.aim);
    if (aim == nullptr) return;
    if (!secret) return dialer_.failed(connection.aim, why, false);
    std::string const line = "no link to " + aim->target.address + ": " + why +
                             "; is DOOZER_CLUSTER_SECRET the same on both sides?";
    bool const is_news = aim->reported != line;
    // Who says nothing may have no secret, or have just ended, or run out of descriptors.
    auto const reason =
        why == net::tls_cut_short ? RefusedLink::Why::other : RefusedLink::Why::secret;
    RefusedLink const refused{reason, true, aim->target.address, "", line};
    dialer_.refused(connection.aim, line, false);
    if (is_news) report(refused);
}

/// Of those who dial us a line is told once a minute, whatever they do: the log is ours.
void MemberLinks::report(RefusedLink const& refused) {
    if (refused.dialled) return callbacks_.on_refused(refused);
    Instant const now = monotonic_now();
    std::erase_if(reports_, [&](auto const& item) { return now - item.second > repeat_after; });
    std::string const what = refused.address + std::to_string(static_cast<int>(refused.why));
    if (reports_.size() >= base::member_reports_max || !reports_.emplace(what, now).second) return;
    callbacks_.on_refused(refused);
}

void MemberLinks::look_at_time() {
    Instant const now = monotonic_now();
    Instant next = base::never;
    std::vector<ConnectionPtr> late;
    for (ConnectionPtr const& connection : connections_) {
        (connection->deadline <= now) ? late.push_back(connection)
                                      : void(next = std::min(next, connection->deadline));
    }
    for (ConnectionPtr const& connection : late) {
        if (connection->is_dialled()) connection->fail("no answer");
        if (!connection->is_dialled()) forget(*connection);
    }
    std::vector<ProcessId> dead;
    std::vector<ProcessId> stuck;
    for (auto const& [id, link] : links_) {
        bool const is_stuck = link.frames->is_stuck(now, settings_.stuck_after) ||
                              (link.bulk && link.bulk->is_stuck(now, settings_.stuck_after));
        if (is_stuck) stuck.push_back(id);
        Instant due = link.frames->heard_at() + settings_.dead_after;
        // If it was this process that stood still there is something to read.
        if (due <= now && !link.frames->connection().has_input()) dead.push_back(id);
        if (due <= now) due = now + base::milliseconds(10);
        next = std::min(next, due);
    }
    for (ProcessId const& id : dead) take_down(id, "nothing heard from it");
    for (ProcessId const& id : stuck) take_down(id, "it takes no messages");
    tell_downs();
    if (next != base::never) arm(next);
}

/// Looks at that time, if not before.
void MemberLinks::arm(Instant at) {
    if (at >= armed_) return;
    armed_ = at;
    timer_.expires_at(to_time_point(at));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](net::error_code const& cancelled) {
        if (cancelled || alive.expired()) return;
        armed_ = base::never;
        look_at_time();
    });
}

}  // namespace doozer::server
