#include "web/server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "web/json.h"
#include "web/routes.h"
#include "web/stream.h"

namespace doozer::web {
namespace {

constexpr Duration tick_time = seconds(1);
/// How many rounds of replies one turn of the loop answers.
constexpr int rounds_per_turn = 8;

std::chrono::nanoseconds nanoseconds_of(Duration span) {
    return std::chrono::nanoseconds(span.value());
}

}  // namespace

Server::Server(net::asio::io_context& loop, Host& host, net::TlsServer const* tls,
               Settings settings, Log log)
    : loop_(loop),
      host_(host),
      tls_(tls),
      settings_(std::move(settings)),
      log_(std::move(log)),
      listener_(
          loop, [this](net::tcp::socket socket) { on_accept(std::move(socket)); },
          [this](std::string const& why) { log_("refused a web connection: " + why); }),
      tick_timer_(loop),
      pace_timer_(loop) {
    for (std::string const& name : settings_.host_names) hosts_.add(name);
}

Server::~Server() = default;

void Server::start() {
    listener_.start();
    wait_for_tick();
}

void Server::stop() {
    listener_.stop();
    for (auto const& [id, connection] : connections_) connection->close();
    connections_.clear();
}

void Server::on_accept(net::tcp::socket socket) {
    ++accepted_;
    if (connections_.size() >= web_connections_max) {
        log_("refused a web connection: there are too many");
        return;
    }
    ConnectionId const id = std::exchange(next_connection_, next_connection_.next());
    auto connection = std::make_unique<Connection>(id, *this, std::move(socket), read_buffer_, tls_,
                                                   settings_.value_bytes_max);
    connections_.emplace(id, std::move(connection)).first->second->start();
}

SessionId Server::open_session(Exchange& exchange) {
    SessionId const session = host_.open_web_session();
    exchanges_[session] = &exchange;
    return session;
}

void Server::close_session(SessionId session) {
    exchanges_.erase(session);
    host_.close_web_session(session);
}

void Server::answer(Connection& connection, HttpRequest request, ExchangePtr& exchange) {
    ++requests_;
    Decision decision = decide(*this, hosts_, request);
    if (decision.refused) return connection.respond(std::move(*decision.refused));
    std::optional<std::string> secret;
    if (!decision.route->is_public) secret = secret_of(request);
    exchange =
        decision.route->make(Call{*this, connection, std::move(request), std::move(decision.path)});
    exchange->start(secret);
}

void Server::on_lost(SessionId session) {
    auto const found = exchanges_.find(session);
    if (found != exchanges_.end()) found->second->on_lost();
}

void Server::activate(Connection& connection) {
    if (!std::exchange(connection.is_active, true)) active_.push_back(connection.id());
}

void Server::wake_at(net::asio::steady_timer& timer, Duration after, SessionId session,
                     std::function<void()> on_time) {
    timer.expires_after(nanoseconds_of(after));
    timer.async_wait([this, session, on_time = std::move(on_time)](net::error_code const& error) {
        if (!error && exchanges_.contains(session)) on_time();
    });
}

bool Server::work() {
    for (int round = 0; round < rounds_per_turn; ++round) {
        if (inbox_.empty() && active_.empty()) break;
        answer_replies();
        settle_active();
    }
    schedule_.serve([this] { return host_.clock(); });
    settle_active();
    shed();
    set_pace_timer();
    return !inbox_.empty() || !active_.empty();
}

void Server::answer_replies() {
    for (replica::Reply const& reply : std::exchange(inbox_, {})) {
        auto const found = exchanges_.find(reply.session);
        if (found != exchanges_.end()) found->second->on_reply(reply);
    }
}

void Server::settle_active() {
    if (active_.empty()) return;
    Instant const now = host_.clock();
    for (ConnectionId const id : std::exchange(active_, {})) {
        auto const found = connections_.find(id);
        if (found == connections_.end()) continue;
        Connection& connection = *found->second;
        connection.is_active = false;
        connection.settle(now);
        bool const gone = connection.is_over();
        account(connection, gone);
        if (!gone) continue;
        connection.close();
        connections_.erase(found);
    }
}

/// Brings the sum up to date with what the connection's buffers hold.
void Server::account(Connection& connection, bool gone) {
    std::size_t const bytes = gone ? 0 : connection.charge();
    std::size_t& counted = charges_[connection.id()];
    buffered_bytes_ += bytes;
    buffered_bytes_ -= std::exchange(counted, bytes);
    if (gone) charges_.erase(connection.id());
}

/// Takes the memory back from who holds most of it.
void Server::shed() {
    while (buffered_bytes_ > settings_.buffer_bytes_max && !charges_.empty()) {
        auto const largest =
            std::max_element(charges_.begin(), charges_.end(),
                             [](auto const& a, auto const& b) { return a.second < b.second; });
        Connection& connection = *connections_.at(largest->first);
        log_("closed a web connection: out of memory for buffers, of which it held " +
             std::to_string(largest->second) + " bytes");
        ConnectionId const id = connection.id();
        connection.close();
        account(connection, true);
        connections_.erase(id);
    }
}

void Server::wait_for_tick() {
    tick_due_ = host_.clock() + tick_time;
    tick_timer_.expires_after(nanoseconds_of(tick_time));
    tick_timer_.async_wait([this](net::error_code const& stopped) {
        if (!stopped) tick();
    });
}

void Server::tick() {
    Instant const now = host_.clock();
    add_time(timer_delay_, now - tick_due_);
    for (auto const& [id, connection] : connections_) connection->on_tick(now);
    wait_for_tick();
}

/// Has the loop come back when the next stream is due.
void Server::set_pace_timer() {
    auto const next = schedule_.next(host_.clock());
    if (!next || (pace_timer_set_ && pace_timer_at_ <= *next)) return;
    pace_timer_set_ = true;
    pace_timer_at_ = *next;
    Duration const wait = *next - host_.clock();
    pace_timer_.expires_after(nanoseconds_of(std::max(wait, Duration(0))));
    pace_timer_.async_wait([this](net::error_code const& replaced) {
        if (!replaced) pace_timer_set_ = false;
    });
}

void Server::count(Metrics& metrics) const {
    metrics.web_connections_accepted = accepted_;
    metrics.web_requests = requests_;
    metrics.web_events = events_;
    metrics.timer_delay = timer_delay_;
}

}  // namespace doozer::web
