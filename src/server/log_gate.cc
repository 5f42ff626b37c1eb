#include "server/log_gate.h"

#include <algorithm>

#include "server/clock.h"

namespace doozer::server {

bool LogGate::pass(LogKind kind, base::Instant now) {
    Bucket& bucket = buckets_.at(static_cast<std::size_t>(kind));
    std::int64_t const refills = (now - bucket.filled_at).value() / interval.value();
    if (refills > 0) {
        std::uint64_t const room = burst - bucket.tokens;
        bucket.tokens += std::min(room, static_cast<std::uint64_t>(refills));
        bucket.filled_at = bucket.filled_at + base::Duration(refills * interval.value());
    }
    if (bucket.tokens > 0) {
        --bucket.tokens;
        return true;
    }
    if (bucket.left_out++ == 0) bucket.summary_at = now + summary_after;
    return false;
}

std::optional<LogGate::Summary> LogGate::due(base::Instant now) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        Bucket& bucket = buckets_[i];
        if (bucket.summary_at > now || bucket.left_out == 0) continue;
        bucket.summary_at = base::never;
        return Summary{static_cast<LogKind>(i), std::exchange(bucket.left_out, 0)};
    }
    return std::nullopt;
}

base::Instant LogGate::next_due() const {
    base::Instant next = base::never;
    for (Bucket const& bucket : buckets_) next = std::min(next, bucket.summary_at);
    return next;
}

char const* name_of(LogKind kind) {
    switch (kind) {
        case LogKind::connection_refused:
            return "refused connections";
        case LogKind::connection_evicted:
            return "connections that were closed to make room";
        case LogKind::handshake:
            return "TLS handshakes that failed";
        case LogKind::wrong_secret:
            return "wrong secrets";
        case LogKind::web:
            return "the web view";
        case LogKind::link_up:
            return "new links";
        case LogKind::link_down:
            return "lost links";
        case LogKind::link_refused:
            return "refused links";
        case LogKind::member_message:
            return "messages of members that make no sense";
        case LogKind::epoch:
            return "epochs";
    }
    return "";
}

namespace log_gate {
namespace {

void write(LogGate::Summary const& summary) {
    spdlog::warn("left out {} more lines about {}", summary.left_out, name_of(summary.kind));
}

}  // namespace

LogGate& instance() {
    static LogGate gate;
    return gate;
}

bool pass(LogKind kind) {
    return instance().pass(kind, monotonic_now());
}

void write_summaries(base::Instant now) {
    while (auto const summary = instance().due(now)) write(*summary);
}

void write_all_summaries() {
    write_summaries(base::never);
}

}  // namespace log_gate
}  // namespace doozer::server
