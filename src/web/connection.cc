#include "web/connection.h"

#include <algorithm>
#include <utility>

#include "web/guard.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {
namespace {

/// How long a client may take for the handshake of TLS and for the header of a request.
constexpr Duration handshake_time_max = seconds(10);
constexpr Duration header_time_max = seconds(10);
/// And for a body, besides what a large one takes at the least speed that is accepted.
constexpr Duration body_time_max = seconds(30);
constexpr std::size_t body_bytes_per_second_min = 64 * KiB;
/// How long a client may leave a connection unused.
constexpr Duration idle_time_max = seconds(60);
/// How long it may take none of what waits for it.
constexpr Duration stalled_time_max = seconds(60);
/// How long what it still sends is taken, so that it reads why it was refused: until it sends
/// nothing for a while, and not longer than a body may take.
constexpr Duration linger_silence_max = seconds(2);
constexpr Duration linger_time_max = body_time_max;
/// A client that has gone on for as long with one request, or with taking one answer, makes room
/// first when memory runs short.
constexpr Duration slow_after = seconds(2);

Duration body_time(std::size_t bytes) {
    return Duration(body_time_max.value() +
                    static_cast<std::int64_t>(bytes / body_bytes_per_second_min) *
                        seconds(1).value());
}

}  // namespace

Connection::Connection(ConnectionId id, Server& server, net::tcp::socket socket,
                       net::ReadBuffer& buffer, net::TlsServer const* tls)
    : id_(id),
      server_(server),
      connection_(std::make_shared<net::Connection>(std::move(socket), *this, buffer, tls)),
      accepted_at_(server.host().clock()),
      request_since_(accepted_at_),
      moved_at_(accepted_at_),
      output_since_(accepted_at_) {}

std::size_t Connection::on_bytes(std::string_view bytes) {
    if (closing_) {
        moved_at_ = server_.host().clock();
        return bytes.size();
    }
    server_.activate(*this);
    std::size_t used = 0;
    // A header and its body may come together.
    for (;;) {
        std::size_t const taken = take_more(bytes.substr(used));
        used += taken;
        if (closing_) return bytes.size();
        if (taken == 0 || used == bytes.size()) return used;
    }
}

std::size_t Connection::take_more(std::string_view bytes) {
    if (phase_ == Phase::judged || phase_ == Phase::answer) {
        std::size_t const taken =
            phase_ == Phase::answer && !answered_ ? exchange_->on_bytes(bytes) : 0;
        if (bytes.size() - taken > web_header_bytes_max) connection_->pause();
        return taken;
    }
    if (server_.is_secure() && !connection_->speaks_tls()) {
        refuse(400, "this port speaks HTTPS");
        return bytes.size();
    }
    Instant const now = server_.host().clock();
    if (phase_ == Phase::head && !reader_.in_a_request()) request_since_ = now;
    moved_at_ = now;
    return on_outcome(reader_.read(bytes));
}

std::size_t Connection::on_outcome(RequestReader::Outcome const& outcome) {
    switch (outcome.state) {
        case RequestReader::Outcome::State::more:
            break;
        case RequestReader::Outcome::State::head:
            on_head();
            break;
        case RequestReader::Outcome::State::done:
            set_phase(Phase::answer);
            exchange_->on_body(reader_.take_body());
            break;
        case RequestReader::Outcome::State::refused:
            refuse(outcome.status, outcome.why);
            break;
    }
    return outcome.used;
}

/// The header is there: who may not have what it asks for is told so before the body is read.
void Connection::on_head() {
    HttpRequest request = reader_.take_head();
    keep_alive_ = request.keep_alive;
    knows_chunks_ = !request.is_http_1_0;
    without_body_ = request.method == Method::head;
    lingers_ = request.has_body;  // as long as it was not read
    set_phase(request.has_body ? Phase::judged : Phase::answer);
    server_.answer(*this, std::move(request), exchange_);
}

void Connection::read_body(HttpRequest const& request, std::size_t bytes_max) {
    std::size_t const wanted = request.content_length.value_or(0);
    if (!server_.make_room(wanted, *this)) {
        HttpResponse response =
            error_response(503, "OTHER", "no memory for the body now: nothing was done, try again");
        response.headers.emplace_back("Retry-After", "1");
        return respond(std::move(response));
    }
    reader_.expect_body(bytes_max);
    body_length_ = wanted;
    server_.charge(*this);
    set_phase(Phase::body);
    if (request.waits_for_leave && knows_chunks_) send("HTTP/1.1 100 Continue\r\n\r\n");
    goes_on_ = true;  // a part of it may be here already
}

void Connection::set_phase(Phase phase) {
    phase_ = phase;
    if (phase == Phase::answer) lingers_ = false;
    server_.note_waiting(*this, phase == Phase::head || phase == Phase::body);
}

void Connection::refuse(int status, std::string_view why) {
    lingers_ = true;
    keep_alive_ = false;
    respond(error_response(status, "OTHER", why.empty() ? "not a request of HTTP/1.1" : why));
}

/// What every answer has.
void Connection::begin_answer(HttpResponse& response) {
    // What is left of a body that was not read cannot be told from the next request.
    if (lingers_) keep_alive_ = false;
    response.headers.emplace_back("Date", http_date(server_.host().unix_seconds()));
    add_security_headers(response);
    head_sent_ = true;
}

void Connection::respond(HttpResponse response) {
    if (answered_) return;  // the time to wait ended in the turn in which the answer came
    if (head_sent_) {
        // The client has a part of another answer: that it was cut off is all it can be told.
        keep_alive_ = in_chunks_ = false;
        return close_when_sent();
    }
    begin_answer(response);
    std::size_t const size = response.body.size() + response.value.size();
    connection_->output().append([&](std::string& out) {
        out += response_head(response, {BodyLength::Kind::known, size}, keep_alive_);
        if (!without_body_) out += response.body;
    });
    if (!without_body_ && !response.value.empty()) connection_->output().append(response.value);
    answered_ = true;
    if (!keep_alive_) closing_ = true;
    server_.activate(*this);
}

void Connection::begin_parts(HttpResponse response) {
    begin_answer(response);
    in_chunks_ = knows_chunks_;
    if (!in_chunks_) keep_alive_ = false;
    auto const kind = in_chunks_ ? BodyLength::Kind::chunked : BodyLength::Kind::until_close;
    send(response_head(response, {kind}, keep_alive_));
}

void Connection::send_part(std::string_view part) {
    if (!in_chunks_) return send(part);
    if (closing_) return;
    connection_->output().append([&](std::string& out) { append_chunk(out, part); });
    server_.activate(*this);
}

void Connection::end_parts() {
    if (in_chunks_ && !without_body_) send(last_chunk);
    if (!keep_alive_) return close_when_sent();
    answered_ = true;
    server_.activate(*this);
}

void Connection::respond_head(HttpResponse response) {
    if (response.status != 101) {
        begin_answer(response);
    }
    head_sent_ = true;
    keep_alive_ = false;
    send(response_head(response, {BodyLength::Kind::until_close}, false));
}

void Connection::send(std::string_view bytes) {
    if (closing_) return;
    connection_->output().append([&](std::string& out) { out += bytes; });
    server_.activate(*this);
}

void Connection::close_when_sent() {
    answered_ = true;
    closing_ = true;
    server_.activate(*this);
}

bool Connection::has_room() const {
    return queued_bytes() <= server_.output_room();
}

void Connection::settle(Instant now) {
    if (over_) return;
    connection_->flush();
    if (queued_bytes() < waiting_bytes_ || waiting_bytes_ == 0) moved_at_ = now;
    waiting_bytes_ = queued_bytes();
    if (waiting_bytes_ == 0) output_since_ = now;
    if (answered_) {
        answered_ = head_sent_ = in_chunks_ = false;
        exchange_.reset();
        without_body_ = false;
        body_length_ = 0;
        request_since_ = now;
        set_phase(Phase::head);
        goes_on_ = true;
    }
    if (exchange_ && phase_ != Phase::body) {
        // Steps may have been made faster than they were sent, and all of them are sent now.
        exchange_->on_drained();
        over_ = ended_ && !exchange_->outlives_client();
        return;
    }
    if (closing_ || ended_) {
        over_ = connection_->all_sent() && (ended_ || !lingers_);
        if (!over_ && closing_) connection_->resume();  // what is left of the body is thrown away
        return;
    }
    if (queued_bytes() > web_output_bytes_pause || !std::exchange(goes_on_, false)) return;
    // Hands up the bytes after the last request, or after the header.
    connection_->pause();
    connection_->resume();
}

void Connection::on_tick(Instant now) {
    if (exchange_ && phase_ == Phase::answer && !answered_) exchange_->on_tick(now);
    Duration const waited = now - moved_at_;
    Duration const asked = now - request_since_;
    if (!connection_->all_sent()) {
        over_ |= waited > stalled_time_max;
    } else if (closing_) {
        over_ |= waited > linger_silence_max || asked > linger_time_max;
    } else if (connection_->is_shaking_hands()) {
        over_ |= now - accepted_at_ > handshake_time_max;
    } else if (phase_ == Phase::body) {
        if (asked > body_time(body_length_)) refuse(408, "the body took too long");
    } else if (phase_ == Phase::head && reader_.in_a_request()) {
        if (asked > header_time_max) refuse(408, "the header took too long");
    } else if (phase_ == Phase::head) {
        over_ |= waited > idle_time_max;
    }
    if (over_) server_.activate(*this);
}

Connection::Worth Connection::worth(Instant now) const {
    if (phase_ == Phase::head && connection_->all_sent()) return Worth::nothing_asked;
    bool const is_slow_to_send = phase_ == Phase::body && now - request_since_ > slow_after;
    bool const is_slow_to_take = now - output_since_ > slow_after && queued_bytes() > 0;
    return is_slow_to_send || is_slow_to_take ? Worth::slow : Worth::in_use;
}

std::size_t Connection::charge() const {
    std::size_t bytes = web_connection_bytes_fixed + connection_->charge() + reader_.body_charge();
    if (exchange_) bytes += exchange_->held_bytes() + exchange_->request_bytes();
    return bytes;
}

void Connection::on_end(std::string_view refused) {
    ended_ = true;
    over_ |= !refused.empty();
    server_.activate(*this);
}

void Connection::on_drained() {
    if (exchange_ && !is_answered()) exchange_->on_drained();
    server_.activate(*this);
}

}  // namespace doozer::web
