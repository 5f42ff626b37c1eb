// What the web view has of the node: sessions of the replica as clients have them, and figures.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

#include "server/clock.h"
#include "server/log_gate.h"
#include "server/machine.h"
#include "server/node.h"

namespace doozer::server {
namespace {

/// The part of the memory that its buffers may take, out of the quarter for all buffers.
constexpr std::size_t web_buffers_part = 16;
constexpr std::size_t web_buffers_slack = 1 * MiB;

/// One value of the largest size must fit, as far as the quarter for all buffers goes.
std::size_t web_buffers(Options const& options) {
    std::size_t const one_value = options.value_bytes_max + web_buffers_slack;
    return std::max(options.memory_bytes / web_buffers_part,
                    std::min(options.memory_bytes / 4, one_value));
}

web::ClusterGauges cluster_gauges(replica::Status const& status) {
    web::ClusterGauges gauges;
    gauges.epoch = status.epoch;
    gauges.quorum = status.quorum;
    gauges.member = status.role == replica::Status::Role::member;
    gauges.members = status.members.size();
    gauges.followers = status.followers.size();
    gauges.free_slots = status.free_slots.size();
    for (replica::MemberStatus const& m : status.members) {
        if (!m.self) gauges.others.push_back({m.id, m.up, m.lag, m.rtt});
    }
    return gauges;
}

}  // namespace

Result<Done> Node::prepare_web() {
    if (!options_.web) return Done{};
    web::Settings settings;
    settings.write = options_.web_write;
    settings.value_bytes_max = options_.value_bytes_max;
    settings.buffer_bytes_max = web_buffers(options_);
    settings.connections_max = std::min(web_connections_max, descriptors_.web);
    settings.host_names = {hostname(), options_.web->host, options_.listen.host};
    if (options_.advertise) settings.host_names.push_back(options_.advertise->host);
    web_.emplace(loop_, *this, web_tls_ ? &*web_tls_ : nullptr, std::move(settings),
                 [](std::string const& why) { log_gate::warn(LogKind::web, "{}", why); });
    auto const listening = web_->listen(*options_.web);
    if (listening.ok()) return Done{};
    web_.reset();
    if (!options_.web_is_optional) return listening.error();
    spdlog::warn("no web view: {}", listening.error().detail);
    return Done{};
}

SessionId Node::open_web_session() {
    SessionId const id = std::exchange(next_session_, next_session_.next());
    step(replica::SessionOpened{id});
    return id;
}

void Node::close_web_session(SessionId session) {
    step(replica::SessionClosed{session});
}

void Node::web_request(SessionId session, Request const& request) {
    step(replica::ClientRequest{session, request});
    perform_replies();
}

/// A wrong secret is answered late here, too; how late, all browsers decide together.
void Node::answer_web(replica::Reply const& reply) {
    if (!web_) return;
    if (reply.verb != Verb::access || !reply.error) return web_->on_reply(reply);
    log_gate::warn(LogKind::wrong_secret, "wrong secret over HTTP");
    Instant const now = monotonic_now();
    held_web_.emplace(now + secret_guard_.delay("HTTP", 0, now), reply);
}

void Node::answer_held_web() {
    for (; !held_web_.empty() && held_web_.begin()->first <= now_;
         held_web_.erase(held_web_.begin())) {
        if (web_) web_->on_reply(held_web_.begin()->second);
    }
}

bool Node::can_commit() const {
    return replica_->serving() && replica_->core().voter() && !replica_->has_no_quorum(now_) &&
           !replica_->left_behind() && stop_signal_ == 0;
}

web::Gauges Node::gauges() const {
    web::Gauges gauges;
    gauges.cluster = cluster_gauges(replica_->status(now_));
    gauges.connections = sessions_.size();
    gauges.waiting = replica_->waiting();
    gauges.buffered_bytes = buffered_bytes_ + replica_->kept_bytes();
    gauges.resident_bytes = resident_bytes();
    return gauges;
}

Instant Node::clock() const {
    return monotonic_now();
}

std::int64_t Node::unix_seconds() const {
    return wall_clock_ms() / 1000;
}

}  // namespace doozer::server
