#include "server/secret_guard.h"

#include <algorithm>

namespace doozer::server {
namespace {

base::Duration after(std::uint32_t before) {
    std::uint32_t const doublings = std::min<std::uint32_t>(before, 16);
    std::int64_t const wait = SecretGuard::shortest.value() << doublings;
    return base::Duration(std::min(wait, SecretGuard::longest.value()));
}

}  // namespace

base::Duration SecretGuard::delay(std::string const& address, std::uint32_t before,
                                  base::Instant now) {
    auto known = of_.find(address);
    if (known == of_.end()) {
        if (addresses_.size() == addresses_max) {
            of_.erase(addresses_.front().text);
            addresses_.pop_front();
        }
        addresses_.push_back({address, 0, now});
        known = of_.emplace(address, std::prev(addresses_.end())).first;
    }
    Address& from = *known->second;
    addresses_.splice(addresses_.end(), addresses_, known->second);
    if (now - from.last > memory) from.wrong = 0;
    from.last = now;
    ++from.wrong;
    std::uint32_t const counted = from.wrong - std::min(from.wrong, free_per_address);
    return std::max(after(before), counted == 0 ? base::Duration(0) : after(counted - 1));
}

}  // namespace doozer::server
