#include "server/cluster_side.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "server/entropy.h"
#include "server/log_gate.h"
#include "wire/member_codec.h"
#include "wire/member_routes.h"

namespace doozer::server {

namespace {

MemberLinks::Settings settings_of(Options const& options, wire::MemberVersions versions) {
    MemberLinks::Settings settings;
    settings.versions = versions;
    if (auto const keys = ClusterSide::keys_of(options.secrets.cluster); !keys.empty()) {
        settings.key = keys.front();
    }
    settings.closed = options.links_are_closed();
    settings.insecure_members = options.insecure_members;
    settings.bounds = wire::MemberLinkBounds::for_values(options.value_bytes_max);
    settings.seed = random_number();
    return settings;
}

void log_event(base::ProcessId const& self, consensus::TraceEvent const& e) {
    using consensus::Happened;
    char const* const what = name_of(e.what);
    switch (e.what) {
        case Happened::entered_epoch:
            return log_gate::info(LogKind::epoch, "{}: epoch {} begins, {} owners", self,
                                  e.epoch.value(), e.value);
        case Happened::removed:
        case Happened::snapshot_installed:
        case Happened::forced:
        case Happened::forgot:
            return log_gate::info(LogKind::epoch, "{}: {} in epoch {}", self, what,
                                  e.epoch.value());
        case Happened::resurrected:
            return spdlog::error(
                "{}: a member was set back to an earlier state of itself: it is "
                "ignored until a later epoch; start it anew",
                self);
        case Happened::left_behind:
            return spdlog::error(
                "{}: the cluster was forced on without this process: start it "
                "anew to join again",
                self);
        case Happened::copy_dropped:
            return log_gate::info(
                LogKind::epoch, "{}: its copy differs from that of the members: taken anew", self);
        case Happened::diverged:
            return spdlog::critical("{}: no majority of the members has this copy", self);
        default:
            return spdlog::debug("{}: {} in epoch {}: {}", self, what, e.epoch.value(), e.value);
    }
}

}  // namespace

std::vector<net::SharedKey> ClusterSide::keys_of(std::vector<std::string> const& secrets) {
    std::vector<net::SharedKey> keys;
    keys.reserve(secrets.size());
    for (std::string const& secret : secrets) {
        keys.push_back(net::SharedKey::derive(secret, std::string(member_protocol)));
    }
    return keys;
}

ClusterSide::ClusterSide(net::asio::io_context& loop, net::ReadBuffer& buffer,
                         Options const& options, wire::MemberVersions versions, Tell tell)
    : tell_(std::move(tell)), links_(loop, buffer, settings_of(options, versions), callbacks()) {
    self_.cluster_name = options.cluster_name;
}

void ClusterSide::begin(base::ProcessId const& id, net::Address const& advertised) {
    self_.id = id;
    self_.advertised = advertised;
    links_.set_self(self_);
}

MemberLinks::Callbacks ClusterSide::callbacks() {
    MemberLinks::Callbacks c;
    c.on_link_up = [this](MemberPeer const& peer) {
        linked_[peer.id] = peer.version;
        log_gate::info(LogKind::link_up, "{}: linked with {} at {}", self_.id, peer.id,
                       peer.address);
        tell_(replica::LinkUp{peer.id});
    };
    c.on_link_down = [this](base::ProcessId const& id, std::string const& why) {
        if (linked_.erase(id) == 0) return;  // the replica knows
        log_gate::info(LogKind::link_down, "{}: lost the link with {}: {}", self_.id, id, why);
        tell_(replica::LinkDown{id});
    };
    c.on_message = [this](base::ProcessId const& id, std::string_view body) {
        on_message(id, body);
    };
    c.on_refused = [this](RefusedLink const& refused) { on_refused(refused); };
    return c;
}

void ClusterSide::on_message(base::ProcessId const& id, std::string_view body) {
    auto const link = linked_.find(id);
    if (link == linked_.end()) return;
    auto message = wire::decode_message(body, link->second);
    if (!message.ok()) {
        log_gate::write(LogKind::member_message, spdlog::level::err, "{}: dropped what {} sent: {}",
                        self_.id, id, message.error().detail);
        // Its bytes were changed on their way, or it does not follow the protocol.
        return links_.cut(id, "a message that cannot be read");
    }
    tell_(replica::PeerMessage{id, std::move(message).value()});
}

void ClusterSide::on_refused(RefusedLink const& refused) {
    using Why = RefusedLink::Why;
    log_gate::warn(LogKind::link_refused, "{}: {}", self_.id, refused.line);
    if (!refused.dialled) return;
    last_failure_ = refused.line;
    bool const for_good = refused.why == Why::bad_address || refused.why == Why::secret ||
                          refused.why == Why::cluster_name || refused.why == Why::version ||
                          refused.why == Why::same_id;
    if (for_good) refused_ = refused.line;
}

void ClusterSide::perform(replica::Effects& effects) {
    for (consensus::TraceEvent const& e : effects.trace) log_event(self_.id, e);
    effects.trace.clear();
    for (consensus::Send const& message : effects.sends) send(message);
    effects.sends.clear();
    if (auto const targets = std::exchange(effects.targets, std::nullopt)) {
        wanted_.clear();
        for (replica::Target const& target : *targets) {
            wanted_.push_back({target.address, target.id});
        }
        dial();
    }
    if (effects.wants_identity) begin_anew();
}

void ClusterSide::also_dial(std::vector<std::string> const& addresses) {
    also_wanted_.clear();
    for (std::string const& address : addresses) also_wanted_.push_back({address, {}});
    dial();
}

void ClusterSide::dial() {
    std::vector<MemberTarget> all = wanted_;
    all.insert(all.end(), also_wanted_.begin(), also_wanted_.end());
    links_.want(all);
}

void ClusterSide::drop_links() {
    linked_.clear();
    links_.set_self(self_);
}

void ClusterSide::send(consensus::Send const& send) {
    base::ProcessId const to = send.to.str();
    auto const link = linked_.find(to);
    if (link == linked_.end()) return;
    encoded_.clear();
    wire::append_message(encoded_, send.message, link->second);
    links_.send(to, base::Bytes(encoded_), wire::route_of(send.message));
}

/// This process was removed from the cluster, and goes on under a new id.
void ClusterSide::begin_anew() {
    base::ProcessId const before = std::exchange(self_.id, new_process_id());
    spdlog::warn("{}: removed from the cluster; goes on as {}", before, self_.id);
    for (auto const& link : std::exchange(linked_, {})) tell_(replica::LinkDown{link.first});
    links_.set_self(self_);
    tell_(replica::IdentityGiven{self_.id});
}

}  // namespace doozer::server
