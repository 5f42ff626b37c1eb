#include "server/client_session.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "wire/client_codec.h"
#include "wire/frame.h"
#include "wire/member_stream.h"

namespace doozer::server {
namespace {

/// Values from this size on are sent from where they are, not copied.
constexpr std::size_t shared_value_bytes_min = 4096;

/// The reply as the codec wants it. The views point into `reply`.
base::Response response_of(replica::Reply const& reply) {
    base::Response response;
    response.tag = reply.tag;
    response.flags = reply.flags;
    response.rev = reply.rev;
    if (reply.path) response.path = reply.path->view();
    if (reply.value) response.value = reply.value->view();
    response.len = reply.len;
    response.applied = reply.applied;
    if (reply.events) {
        response.more = reply.events->more;
        response.events.reserve(reply.events->events.size());
        for (replica::ReplyEvent const& event : reply.events->events) {
            response.events.push_back(
                {event.path.view(), event.value.view(), event.rev, event.flags});
        }
    }
    if (reply.error) {
        response.err_code = reply.error->code;
        if (!reply.error->detail.empty()) response.err_detail = reply.error->detail;
    }
    return response;
}

bool has_large_value(replica::Reply const& reply) {
    return reply.events && std::any_of(reply.events->events.begin(), reply.events->events.end(),
                                       [](auto const& event) {
                                           return event.value.size() >= shared_value_bytes_min;
                                       });
}

}  // namespace

ClientSession::ClientSession(base::SessionId id, SessionHost& host, net::tcp::socket socket,
                             net::ReadBuffer& buffer, net::TlsServer const* tls,
                             std::size_t frame_bytes_max)
    : id_(id),
      host_(host),
      connection_(std::make_shared<net::Connection>(std::move(socket), *this, buffer, tls)),
      frame_bytes_max_(frame_bytes_max),
      tls_only_(tls != nullptr && tls->has_certificate()) {}

/// Judges who is on the other side by how it begins.
bool ClientSession::is_for_clients(std::string_view bytes) {
    bool const plain = !connection_->speaks_tls();
    if (connection_->shares_key() || (plain && bytes.front() == wire::member_magic.front())) {
        talks_ = Talks::as_member;
        connection_->pause();
        host_.on_member(*this);
        return false;
    }
    talks_ = Talks::as_client;
    if (plain && tls_only_) {
        host_.on_client_end(*this, "TLS: the other side speaks no TLS");
    } else if (plain && bytes.front() == net::tls_first_byte) {
        host_.on_client_end(*this, "TLS: there is no certificate and no cluster secret here");
    }
    return true;
}

std::size_t ClientSession::on_bytes(std::string_view bytes) {
    if (talks_ == Talks::nothing_yet && !is_for_clients(bytes)) return 0;
    if (is_ending) return bytes.size();
    host_.on_activity(*this);
    if (!host_.hears_clients()) {
        connection_->pause();
        return 0;
    }
    wire::FrameSplitter frames(bytes, frame_bytes_max_);
    while (!connection_->paused()) {
        auto const frame = frames.next();
        if (!frame.ok()) {
            host_.on_client_end(*this, frame.error().detail);
            return bytes.size();
        }
        if (!frame.value()) break;
        if (!handle(*frame.value())) return bytes.size();
        if (is_held || is_ending || !has_room()) connection_->pause();
    }
    return frames.consumed();
}

bool ClientSession::handle(std::string_view body) {
    auto const request = wire::decode_request(body);
    if (!request.ok()) {
        host_.on_client_end(*this, request.error().detail);
        return false;
    }
    ++outstanding_;
    host_.on_request(*this, request.value());
    return true;
}

std::size_t ClientSession::append(replica::Reply const& reply) {
    DOOZER_ASSERT(outstanding_ > 0);
    --outstanding_;
    base::Response response = response_of(reply);
    net::OutputQueue& output = connection_->output();
    std::size_t const before = output.charge();
    if (reply.value && reply.value->size() >= shared_value_bytes_min) {
        output.append([&](std::string& out) {
            wire::append_response_head(out, response, reply.value->size());
        });
        output.append(*reply.value);
    } else if (has_large_value(reply)) {
        append_events(reply, std::move(response));
    } else {
        output.append([&](std::string& out) { wire::append_response(out, response); });
    }
    return output.charge() - before;
}

/// Events of which some have values that are better not copied.
void ClientSession::append_events(replica::Reply const& reply, base::Response response) {
    net::OutputQueue& output = connection_->output();
    std::vector<base::EventView> const events = std::exchange(response.events, {});
    std::size_t bytes = 0;
    for (base::EventView const& event : events) bytes += wire::event_bytes(event);
    output.append([&](std::string& out) { wire::append_events_head(out, response, bytes); });
    for (std::size_t i = 0; i < events.size(); ++i) {
        base::Bytes const& value = reply.events->events[i].value;
        bool const shared = value.size() >= shared_value_bytes_min;
        output.append([&](std::string& out) {
            wire::append_event_head(out, events[i]);
            if (!shared) out += value.view();
        });
        if (shared) output.append(value);
    }
}

void ClientSession::read_if_possible(std::size_t kept_bytes) {
    kept_bytes_ = kept_bytes;
    if (is_ending || is_held || !has_room()) return connection_->pause();
    connection_->resume();
}

bool ClientSession::has_room() const {
    return talks_ != Talks::as_member && (talks_ == Talks::nothing_yet || host_.hears_clients()) &&
           connection_->output().size() <= base::output_bytes_pause &&
           outstanding_ <= base::requests_outstanding_pause &&
           kept_bytes_ <= base::requests_outstanding_bytes_pause;
}

}  // namespace doozer::server
