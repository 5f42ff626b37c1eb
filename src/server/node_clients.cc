// The connections of clients: who is let in, who has to go when descriptors or memory run short,
// and how long one waits that presents a wrong secret.
#include <algorithm>
#include <utility>
#include <vector>

#include "server/clock.h"
#include "server/log_gate.h"
#include "server/node.h"

namespace doozer::server {
namespace {

/// How long a client that has ended its side may take for what is left to be sent to it.
constexpr Duration ending_time_max = seconds(5);
/// How long a handshake of TLS may take once it has begun. Before that, and after it, a client may
/// be silent for as long as it likes.
constexpr Duration handshake_time_max = seconds(10);
/// What a connection costs by itself, about.
constexpr std::size_t session_bytes_fixed = 1 * KiB;
/// One that holds no more than this is not worth closing for its memory while others hold more.
constexpr std::size_t session_bytes_small = 4 * KiB;

}  // namespace

void Node::on_accept(net::tcp::socket socket) {
    SessionId const id = std::exchange(next_session_, next_session_.next());
    auto session = std::make_unique<ClientSession>(id, *this, std::move(socket), read_buffer_,
                                                   tls_ ? &*tls_ : nullptr,
                                                   frame_bytes_max(options_.value_bytes_max));
    ++metrics_.connections_accepted;
    if (over_budget()) free_memory();
    char const* const why = over_budget()   ? "out of memory for buffers"
                            : !make_place() ? "there are too many"
                                            : nullptr;
    if (why != nullptr) {
        ++metrics_.connections_refused;
        log_gate::warn(LogKind::connection_refused, "refused a connection from {}: {}",
                       session->peer(), why);
        return;
    }
    session->place = ranks_.admit(id);
    ClientSession& accepted = *sessions_.emplace(id, std::move(session)).first->second;
    step(replica::SessionOpened{id});
    account(accepted);
    accepted.start();
}

/// Whether one connection more may come, if need be in place of another one. Some come in beyond
/// the clients' share: a process that wants to be a member arrives on the same port, and must find
/// it open when clients have taken all that is theirs.
bool Node::make_place() {
    std::size_t const arriving = ranks_.newcomers().size();
    if (sessions_.size() < descriptors_.clients) return true;
    if (sessions_.size() < descriptors_.clients + descriptors_.arriving &&
        arriving < descriptors_.arriving) {
        return true;
    }
    return close_least(nullptr);
}

/// Closes the connection that goes first, another one than `spared`. False: all have rights.
bool Node::close_least(ClientSession const* spared) {
    for (ClientRanks::Ids const* const rank : {&ranks_.newcomers(), &ranks_.strangers()}) {
        auto const found = std::find_if(rank->begin(), rank->end(), [&](SessionId id) {
            return spared == nullptr || id != spared->id();
        });
        if (found == rank->end()) continue;
        ClientSession& session = *sessions_.at(*found);
        ++metrics_.connections_refused;
        log_gate::warn(
            LogKind::connection_evicted,
            "closed the connection of {}: too many are open, and it {}", session.peer(),
            rank == &ranks_.newcomers() ? "has not asked for anything" : "has no rights here");
        remove(session);
        return true;
    }
    return false;
}

/// A session that is not known to be entitled makes a request: it is a client. If it came in beyond
/// the clients' share, another one has to go, or it has.
bool Node::admit(ClientSession& session) {
    if (sessions_.size() <= descriptors_.clients || close_least(&session)) return true;
    on_client_end(session, "there are too many connections");
    return false;
}

/// The request of a session that was not known to be entitled was taken.
void Node::rank(ClientSession& session) {
    replica::Grants const grants = replica_->grants(session.id());
    ranks_.move(session.place, grants.read || grants.write ? ClientRanks::Rank::entitled
                                                           : ClientRanks::Rank::stranger);
}

void Node::on_handshake(ClientSession& session) {
    handshakes_.emplace_back(monotonic_now() + handshake_time_max, session.id());
    account(session);
}

void Node::end_handshakes() {
    for (; !handshakes_.empty() && handshakes_.front().first <= now_; handshakes_.pop_front()) {
        auto const found = sessions_.find(handshakes_.front().second);
        if (found == sessions_.end() || !found->second->is_shaking_hands()) continue;
        ++metrics_.connections_refused;
        log_gate::warn(LogKind::handshake,
                       "closed the connection of {}: TLS: the handshake took too long",
                       found->second->peer());
        remove(*found->second);
    }
}

void Node::on_access_answered(ClientSession& session, replica::Reply const& reply) {
    if (!reply.error) return rank(session);
    // Where no secret is set there is none to guess: some old clients always send one.
    if (options_.secrets.read_write.empty() && options_.secrets.read_only.empty()) return;
    Instant const now = monotonic_now();
    Duration const delay = secret_guard_.delay(session.peer_host(), session.wrong_secrets++, now);
    session.is_held = true;
    session.held_until = now + delay;
    log_gate::warn(LogKind::wrong_secret, "wrong secret from {}", session.peer());
}

void Node::on_client_end(ClientSession& session, std::string_view refused) {
    if (!refused.empty()) {
        ++metrics_.connections_refused;
        LogKind const kind =
            refused.starts_with("TLS:") ? LogKind::handshake : LogKind::connection_refused;
        log_gate::warn(kind, "refused the connection of {}: {}", session.peer(), refused);
    }
    session.is_ending = true;
    session.ends_at = monotonic_now() + ending_time_max;
    on_activity(session);
}

/// What clients hold: buffers, and requests that wait.
std::size_t Node::held_bytes() const {
    return buffered_bytes_ + replica_->kept_bytes();
}

/// What links of members hold does not count: MemberLinks bounds it, and to close clients would not
/// make it less.
bool Node::over_budget() const {
    return held_bytes() > options_.memory_bytes / 4;
}

/// Closes those of a rank that hold more than `bytes_min`, the one that was silent for the longest
/// first, until no more than `enough` is held.
void Node::evict(ClientRanks::Ids const& rank, std::size_t bytes_min, std::size_t enough) {
    for (auto next = rank.begin(); next != rank.end() && held_bytes() > enough;) {
        ClientSession& session = *sessions_.at(*next++);
        std::size_t const held = session.counted_bytes + replica_->kept_bytes(session.id());
        if (held <= bytes_min) continue;
        ++metrics_.connections_refused;
        log_gate::warn(LogKind::connection_evicted,
                       "closed the connection of {}: out of memory for buffers, of which it held "
                       "{} bytes without having any rights",
                       session.peer(), held);
        remove(session);
    }
}

/// Takes memory back: from those that have not asked for anything, then from those that have no
/// rights, and only then from those that hold most. Everybody else notices nothing.
void Node::free_memory() {
    // Somewhat less than the budget, so that this is not done again in the next turn. This does not
    // depend on what is held now: one turn may read far more than the budget from newcomers, and
    // all of that has to go before a client with rights does.
    std::size_t const enough = options_.memory_bytes / 4 - options_.memory_bytes / 64;
    for (std::size_t const bytes_min : {session_bytes_small, std::size_t{0}}) {
        evict(ranks_.newcomers(), bytes_min, enough);
        evict(ranks_.strangers(), bytes_min, enough);
    }
    if (!over_budget()) return;
    std::vector<std::pair<std::size_t, SessionId>> by_size;
    by_size.reserve(sessions_.size());
    for (auto const& [id, session] : sessions_) {
        by_size.emplace_back(session->counted_bytes + replica_->kept_bytes(id), id);
    }
    std::sort(by_size.begin(), by_size.end(), std::greater<>());
    for (auto const& [held, id] : by_size) {
        if (!over_budget()) return;
        ClientSession& session = *sessions_.at(id);
        log_gate::warn(
            LogKind::connection_evicted,
            "closed the connection of {}: out of memory for buffers, of which it held {} bytes",
            session.peer(), held);
        remove(session);
    }
}

/// Brings the sum up to date with what the session's buffers hold.
void Node::account(ClientSession& session) {
    std::size_t const bytes = session_bytes_fixed + session.charge();
    buffered_bytes_ += bytes;
    buffered_bytes_ -= std::exchange(session.counted_bytes, bytes);
    session.add_traffic(metrics_.bytes_read, metrics_.bytes_written);
}

void Node::remove(ClientSession& session) {
    step(replica::SessionClosed{session.id()});
    session.close();
    buffered_bytes_ -= session.counted_bytes;
    ranks_.leave(session.place);
    sessions_.erase(session.id());
}

}  // namespace doozer::server
