#include "web/server.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "web/json.h"
#include "web/metrics_page.h"
#include "web/producer.h"
#include "web/routes.h"

namespace doozer::web {
namespace {

constexpr Duration tick_time = seconds(1);
/// How many rounds of replies one turn of the loop answers, and how long that may take.
constexpr int rounds_per_turn = 8;
constexpr Duration replies_time_max = milliseconds(1);

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
    waiting_.clear();
}

void Server::on_accept(net::tcp::socket socket) {
    ++accepted_;
    if (connections_.size() >= settings_.connections_max && !make_place()) {
        return log_("refused a web connection: there are too many");
    }
    ConnectionId const id = std::exchange(next_connection_, next_connection_.next());
    auto made = std::make_unique<Connection>(id, *this, std::move(socket), read_buffer_, tls_);
    Connection& connection = *connections_.emplace(id, std::move(made)).first->second;
    note_waiting(connection, true);
    charge(connection);
    connection.start();
}

/// Closes the connection that has waited for a request for the longest time, or one that is slow.
bool Server::make_place() {
    if (!waiting_.empty()) {
        evict(waiting_.front(), "there are too many");
        return true;
    }
    Instant const now = host_.clock();
    Connection const* slowest = nullptr;
    for (auto const& [id, connection] : connections_) {
        if (connection->worth(now) == Connection::Worth::in_use) continue;
        if (slowest == nullptr || connection->moved_at() < slowest->moved_at()) {
            slowest = connection.get();
        }
    }
    if (slowest == nullptr) return false;
    evict(slowest->id(), "there are too many");
    return true;
}

void Server::note_waiting(Connection& connection, bool waits) {
    auto& place = connection.place_among_waiting;
    if (waits == place.has_value()) return;
    if (waits) {
        place = waiting_.insert(waiting_.end(), connection.id());
    } else {
        waiting_.erase(*place);
        place.reset();
    }
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
    exchange = decision.route->make(
        Call{*this, connection, std::move(request), std::move(decision.path), decision.admission});
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

bool Server::work(bool loop_is_idle) {
    Instant const until = host_.clock() + replies_time_max;
    for (int round = 0; round < rounds_per_turn; ++round) {
        if (inbox_.empty() && active_.empty()) break;
        answer_replies(until);
        settle_active(until);
        if (host_.clock() >= until) break;
    }
    schedule_.serve([this] { return host_.clock(); }, loop_is_idle);
    settle_active(host_.clock() + replies_time_max);
    shed(0, nullptr, false);
    set_pace_timer();
    metrics_text_ = {};
    return !inbox_.empty() || !active_.empty() || (loop_is_idle && schedule_.has_ready());
}

/// At least one, so that it goes on however slow the clock makes it look.
void Server::answer_replies(Instant until) {
    while (!inbox_.empty()) {
        replica::Reply const reply = std::move(inbox_.front());
        inbox_.pop_front();
        auto const found = exchanges_.find(reply.session);
        if (found != exchanges_.end()) found->second->on_reply(reply);
        if (host_.clock() >= until) return;
    }
}

void Server::settle_active(Instant until) {
    for (std::size_t n = active_.size(); n > 0; --n) {
        Instant const now = host_.clock();
        auto const found = connections_.find(active_.front());
        active_.pop_front();
        if (found == connections_.end()) continue;
        Connection& connection = *found->second;
        connection.is_active = false;
        connection.settle(now);
        connection.is_over() ? remove(connection) : charge(connection);
        if (now >= until) return;
    }
}

void Server::charge(Connection& connection) {
    std::size_t const bytes = connection.charge();
    buffered_bytes_ += bytes;
    buffered_bytes_ -= std::exchange(connection.counted_bytes, bytes);
}

void Server::remove(Connection& connection) {
    buffered_bytes_ -= connection.counted_bytes;
    note_waiting(connection, false);
    connection.close();
    connections_.erase(connection.id());
}

std::size_t Server::output_room() const {
    std::size_t const most = settings_.buffer_bytes_max;
    if (buffered_bytes_ < most / 2) return std::min(web_output_bytes_pause, most / 16);
    if (buffered_bytes_ < most / 4 * 3) return std::min(web_output_bytes_pause / 4, most / 64);
    return 0;
}

bool Server::make_room(std::size_t bytes, Connection const& asking) {
    shed(bytes, &asking, true);
    return buffered_bytes_ + bytes <= settings_.buffer_bytes_max;
}

/// Takes memory back until `needed` bytes are free: first from connections whose client has asked
/// for nothing, then from slow ones, then, unless `only_slow`, from those that hold most of it.
void Server::shed(std::size_t needed, Connection const* spared, bool only_slow) {
    auto const is_enough = [&] { return buffered_bytes_ + needed <= settings_.buffer_bytes_max; };
    if (is_enough()) return;
    using Worth = Connection::Worth;
    using Rank = std::tuple<Worth, std::int64_t, ConnectionId>;
    Instant const now = host_.clock();
    std::vector<Rank> ranks;
    for (auto const& [id, connection] : connections_) {
        Worth const worth = connection->worth(now);
        if (connection.get() == spared || (only_slow && worth == Worth::in_use)) continue;
        std::int64_t const order = worth == Worth::in_use
                                       ? -static_cast<std::int64_t>(connection->counted_bytes)
                                       : connection->moved_at().value();
        ranks.emplace_back(worth, order, id);
    }
    std::sort(ranks.begin(), ranks.end());
    for (auto const& [worth, order, id] : ranks) {
        if (is_enough()) return;
        evict(id, "out of memory for buffers");
    }
}

void Server::evict(ConnectionId id, std::string_view why) {
    Connection& connection = *connections_.at(id);
    log_("closed a web connection: " + std::string(why) + "; it held " +
         std::to_string(connection.counted_bytes) + " bytes");
    remove(connection);
}

/// Once a second for all: to find it out takes longer than to tell it.
void Server::look_at_standing() {
    standing_ = {host_.hears_majority(), host_.can_commit()};
}

void Server::count_stream(int more) {
    if (streams_ == 0) look_at_standing();
    streams_ += static_cast<std::size_t>(more);
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
    if (streams_ > 0) look_at_standing();
    for (auto const& [id, connection] : connections_) {
        connection->on_tick(now);
        charge(*connection);
    }
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

Bytes Server::metrics_text() {
    if (!metrics_text_.empty()) return metrics_text_;
    Metrics metrics = host_.metrics();
    count(metrics);
    WebGauges const web{connections(), streams(), buffered_bytes()};
    metrics_text_ = Bytes(web::metrics_text(metrics, host_.gauges(), web, host_.store()));
    return metrics_text_;
}

void Server::count(Metrics& metrics) const {
    metrics.web_connections_accepted = accepted_;
    metrics.web_requests = requests_;
    metrics.web_events = events_;
    metrics.timer_delay = timer_delay_;
}

}  // namespace doozer::web
