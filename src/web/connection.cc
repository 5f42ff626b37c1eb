#include "web/connection.h"

#include <utility>

#include "web/guard.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {
namespace {

/// How long a client may take for what it has begun to send, or leave a connection unused.
constexpr Duration request_time_max = seconds(30);
constexpr Duration idle_time_max = seconds(60);
/// How long it may take none of what waits for it.
constexpr Duration stalled_time_max = seconds(60);
/// How long what it still sends is taken, so that it reads why it was refused.
constexpr Duration linger_time_max = seconds(2);

}  // namespace

Connection::Connection(ConnectionId id, Server& server, net::tcp::socket socket,
                       net::ReadBuffer& buffer, net::TlsServer const* tls,
                       std::size_t body_bytes_max)
    : id_(id),
      server_(server),
      connection_(std::make_shared<net::Connection>(std::move(socket), *this, buffer, tls)),
      reader_(body_bytes_max),
      request_since_(server.host().clock()),
      moved_at_(request_since_) {}

std::size_t Connection::on_bytes(std::string_view bytes) {
    if (closing_) return bytes.size();
    server_.activate(*this);
    if (exchange_) {
        std::size_t const taken = answered_ ? 0 : exchange_->on_bytes(bytes);
        if (bytes.size() - taken > web_header_bytes_max) connection_->pause();
        return taken;
    }
    if (server_.is_secure() && !connection_->speaks_tls()) {
        refuse(400);
        return bytes.size();
    }
    if (!reader_.in_a_request()) request_since_ = server_.host().clock();
    auto const outcome = reader_.read(bytes);
    switch (outcome.state) {
        case RequestReader::Outcome::State::more:
            break;
        case RequestReader::Outcome::State::expects_continue:
            send("HTTP/1.1 100 Continue\r\n\r\n");
            break;
        case RequestReader::Outcome::State::refused:
            refuse(outcome.status);
            return bytes.size();
        case RequestReader::Outcome::State::done: {
            HttpRequest request = reader_.take();
            keep_alive_ = request.keep_alive;
            without_body_ = request.method == Method::head;
            server_.answer(*this, std::move(request), exchange_);
            break;
        }
    }
    return outcome.used;
}

void Connection::refuse(int status) {
    keep_alive_ = false;
    lingers_ = true;
    std::string_view const why = status == 431   ? "request line and headers are too long"
                                 : status == 413 ? "value too large"
                                 : status == 408 ? "the request took too long"
                                 : status == 501 ? "no transfer coding but chunked"
                                 : server_.is_secure() && !connection_->speaks_tls()
                                     ? "this port speaks HTTPS"
                                     : "not HTTP as it should be";
    respond(error_response(status, "OTHER", why));
}

void Connection::respond(HttpResponse response) {
    if (answered_) return;  // the time to wait ended in the turn in which the answer came
    add_security_headers(response);
    std::size_t const size = response.body.size() + response.value.size();
    connection_->output().append([&](std::string& out) {
        out += response_head(response, size, keep_alive_);
        if (!without_body_) out += response.body;
    });
    if (!without_body_ && !response.value.empty()) connection_->output().append(response.value);
    answered_ = true;
    if (!keep_alive_) closing_ = true;
    server_.activate(*this);
}

void Connection::respond_head(HttpResponse response) {
    if (response.status != 101) add_security_headers(response);
    send(response_head(response, std::nullopt, false));
    keep_alive_ = false;
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

void Connection::settle(Instant now) {
    if (over_) return;
    connection_->flush();
    if (queued_bytes() < waiting_bytes_ || waiting_bytes_ == 0) moved_at_ = now;
    waiting_bytes_ = queued_bytes();
    if (answered_) {
        answered_ = false;
        exchange_.reset();
        without_body_ = false;
        goes_on_ = true;
    }
    if (exchange_) {
        over_ = ended_ && !exchange_->outlives_client();
        return;
    }
    if (closing_ || ended_) {
        over_ = connection_->all_sent() && (ended_ || !lingers_);
        return;
    }
    if (queued_bytes() > web_output_bytes_pause || !std::exchange(goes_on_, false)) return;
    // Hands up what came behind the last request.
    connection_->pause();
    connection_->resume();
}

void Connection::on_tick(Instant now) {
    if (exchange_ && !answered_) exchange_->on_tick(now);
    Duration const waited = now - moved_at_;
    if (!connection_->all_sent()) {
        over_ |= waited > stalled_time_max;
    } else if (closing_) {
        over_ |= waited > linger_time_max;
    } else if (!exchange_ && reader_.in_a_request()) {
        if (now - request_since_ > request_time_max) refuse(408);
    } else if (!exchange_) {
        over_ |= waited > idle_time_max;
    }
    if (over_) server_.activate(*this);
}

void Connection::on_end(std::string_view refused) {
    ended_ = true;
    over_ |= !refused.empty();
    server_.activate(*this);
}

void Connection::on_drained() {
    if (exchange_ && !answered_) exchange_->on_drained();
    server_.activate(*this);
}

}  // namespace doozer::web
