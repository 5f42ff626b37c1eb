#include "server/member_dialer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/clock.h"

namespace doozer::server {
namespace {

using base::Instant;

std::string name_of(MemberTarget const& target) {
    return target.address + " " + target.id.value_or("");
}

}  // namespace

MemberDialer::MemberDialer(net::asio::io_context& loop, MemberDialTimes times, std::uint64_t seed,
                           Callbacks callbacks)
    : loop_(loop),
      times_(times),
      prng_(seed),
      callbacks_(std::move(callbacks)),
      timer_(loop),
      resolver_(loop) {}

void MemberDialer::want(std::vector<MemberTarget> const& targets) {
    std::set<std::string> names;
    for (MemberTarget const& target : targets) {
        std::string const& name = *names.insert(name_of(target)).first;
        auto const [at, is_new] = aims_.try_emplace(name, MemberAim{name, target});
        if (!is_new) continue;
        auto const address = net::parse_address(target.address, 0);
        at->second.valid =
            address.ok() && !address.value().host.empty() && address.value().port != 0;
        if (at->second.valid) at->second.address = address.value();
    }
    std::erase_if(aims_, [&](auto const& item) {
        if (names.contains(item.first)) return false;
        drop_socket(item.first);
        return true;
    });
    look_again();
}

void MemberDialer::restart() {
    for (auto& [name, aim] : aims_) {
        drop_socket(name);
        aim.attempt = 0;
        aim.due = Instant(0);
    }
    look_again();
}

void MemberDialer::drop_socket(std::string const& name) {
    auto const found = sockets_.find(name);
    if (found == sockets_.end()) return;
    net::error_code ignored;
    found->second->close(ignored);
    sockets_.erase(found);
}

MemberAim const* MemberDialer::aim(std::string const& name) const {
    auto const found = aims_.find(name);
    return found == aims_.end() ? nullptr : &found->second;
}

MemberAim* MemberDialer::find(std::string const& name, std::uint64_t attempt) {
    auto const found = aims_.find(name);
    return found == aims_.end() || found->second.attempt != attempt ? nullptr : &found->second;
}

void MemberDialer::found(std::string const& name, base::ProcessId const& id) {
    auto const at = aims_.find(name);
    if (at == aims_.end()) return;
    at->second.reached = id;
    at->second.reported.clear();
    pause(at->second, false);
}

void MemberDialer::failed(std::string const& name, std::string const& why, bool hopeless) {
    auto const at = aims_.find(name);
    if (at == aims_.end()) return;
    MemberAim& aim = at->second;
    drop_socket(name);
    pause(aim, hopeless);
    if (why == aim.reported) return;
    aim.reported = why;
    MemberAim const told = aim;  // the callback may want others
    callbacks_.on_failed(told, why);
}

void MemberDialer::refused(std::string const& name, std::string const& line, bool soon) {
    auto const at = aims_.find(name);
    if (at == aims_.end()) return;
    if (!soon) at->second.reported = line;
    pause(at->second, !soon);
}

void MemberDialer::pause(MemberAim& aim, bool hopeless) {
    aim.attempt = 0;
    auto const spread =
        static_cast<std::uint64_t>((times_.pause_max.value() - times_.pause_min.value()));
    auto const extra = static_cast<std::int64_t>(prng_.below(spread + 1));
    base::Duration const span = hopeless ? times_.pause_hopeless : times_.pause_min;
    aim.due = monotonic_now() + base::nanoseconds(span.value() + extra);
    arm_for_next();
}

/// Begins what is due, and ends what has taken too long.
void MemberDialer::look() {
    Instant const now = monotonic_now();
    std::vector<std::string> due;
    for (auto const& [name, aim] : aims_) {
        if (aim.due <= now && (aim.attempt != 0 || !callbacks_.is_reached(aim))) {
            due.push_back(name);
        }
    }
    for (std::string const& name : due) {
        auto const at = aims_.find(name);
        if (at == aims_.end()) continue;
        at->second.attempt == 0 ? begin(at->second, now) : failed(name, "no answer", false);
    }
    arm_for_next();
}

void MemberDialer::arm_for_next() {
    Instant next = base::never;
    for (auto const& [name, aim] : aims_) {
        // One that is reached is looked at again when its link ends.
        if (aim.attempt != 0 || !callbacks_.is_reached(aim)) next = std::min(next, aim.due);
    }
    if (next != base::never) arm(next);
}

/// Looks at that time, if not before.
void MemberDialer::arm(Instant at) {
    if (at >= armed_) return;
    armed_ = at;
    timer_.expires_at(to_time_point(at));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](net::error_code const& cancelled) {
        if (cancelled || alive.expired()) return;
        armed_ = base::never;
        look();
    });
}

void MemberDialer::begin(MemberAim& aim, Instant now) {
    if (!aim.valid) return failed(aim.name, "invalid address: " + aim.target.address, true);
    aim.attempt = ++last_attempt_;
    aim.due = now + times_.attempt;
    resolver_.resolve(aim.address, [this, name = aim.name, attempt = aim.attempt](auto found) {
        resolved(name, attempt, std::move(found));
    });
}

void MemberDialer::resolved(std::string const& name, std::uint64_t attempt, net::Resolved found) {
    if (find(name, attempt) == nullptr) return;
    if (found.endpoints.empty()) return failed(name, found.failure, true);
    std::string const why_none = callbacks_.select(found.endpoints);
    if (found.endpoints.empty()) return failed(name, why_none, true);
    connect(name, attempt, found.endpoints);
}

void MemberDialer::connect(std::string const& name, std::uint64_t attempt,
                           std::vector<net::tcp::endpoint> const& endpoints) {
    auto const socket = std::make_shared<net::tcp::socket>(loop_);
    sockets_[name] = socket;
    net::asio::async_connect(*socket, endpoints,
                             [this, alive = std::weak_ptr(alive_), socket, name, attempt](
                                 net::error_code const& error, net::tcp::endpoint const&) {
                                 if (alive.expired()) return;
                                 MemberAim* const aim = find(name, attempt);
                                 if (aim == nullptr) return;
                                 sockets_.erase(name);
                                 if (error) return failed(name, error.message(), false);
                                 aim->due = base::never;
                                 MemberAim const told = *aim;  // the callback may want others
                                 callbacks_.on_connected(told, std::move(*socket));
                             });
}

}  // namespace doozer::server
