#include "replica/linear_reads.h"

#include <utility>

namespace doozer::replica {

namespace {
/// About what one costs in the tables here and in the core.
std::size_t cost_of(LinearReads::Kept const& kept) {
    return 256 + (kept.path ? kept.path->size() : 0) + (kept.after ? kept.after->size() : 0);
}
}  // namespace

LinearReads::Token LinearReads::keep(Instant now, SessionId session, Request const& request) {
    Token const token = next_++;
    Kept& kept = kept_[token];
    kept.session = session;
    kept.asked = now;
    kept.request = request;
    kept.request.linear = false;
    kept.request.value.reset();
    if (request.path) kept.path.emplace(*request.path);
    if (request.after) kept.after.emplace(*request.after);
    bytes_of_[session] += cost_of(kept);
    bytes_ += cost_of(kept);
    return token;
}

Request LinearReads::Kept::asked_again() const {
    Request again = request;
    if (path) again.path = *path;
    if (after) again.after = *after;
    return again;
}

std::optional<LinearReads::Kept> LinearReads::take(Token token) {
    auto const at = kept_.find(token);
    if (at == kept_.end()) return std::nullopt;
    Kept kept = std::move(at->second);
    kept_.erase(at);
    bytes_ -= cost_of(kept);
    if (sessions_.find(kept.session) == nullptr) return std::nullopt;
    bytes_of_[kept.session] -= cost_of(kept);
    return kept;
}

std::optional<LinearReads::Kept> LinearReads::take_first() {
    while (!kept_.empty()) {
        if (auto kept = take(kept_.begin()->first)) return kept;
    }
    return std::nullopt;
}

/// What it asked stays until the members have answered, which is soon.
void LinearReads::closed(SessionId session) {
    bytes_of_.erase(session);
}

std::size_t LinearReads::kept_bytes(SessionId session) const {
    auto const found = bytes_of_.find(session);
    return found == bytes_of_.end() ? 0 : found->second;
}

}  // namespace doozer::replica
