#include "replica/status.h"

#include <algorithm>
#include <functional>
#include <variant>

#include "base/limits.h"
#include "base/parse.h"

namespace doozer::replica {

using consensus::Core;
using consensus::Peer;

namespace {

std::string text_of(State const& state, std::string const& id, char const* name) {
    auto const value = state.value(node_path(id, name));
    return value ? std::string(value->view().substr(0, status_text_bytes_max)) : std::string();
}

Peer const* peer_of(Core const& core, MemberId id) {
    auto const at = core.peers().find(id);
    return at == core.peers().end() ? nullptr : &at->second;
}

bool heard(Instant now, Core const& core, MemberId id) {
    Peer const* const peer = peer_of(core, id);
    return id == core.me() ||
           (peer != nullptr && peer->greeted && now - peer->heard <= heard_lately);
}

/// The lag that it told over its link, or that its last pulse shows. For a process that is up, only
/// changes count that came between the revision in the pulse and the pulse's place in the order.
void fill_progress(ProcessStatus& p, Instant now, Core const& core, State const& state,
                   Neighbours const& neighbours) {
    Revision const newest = state.store().revision();
    if (p.self) {
        p.applied = newest;
        p.lag = 0;
        return;
    }
    if (Neighbour const* const n = neighbours.find(MemberId(p.id))) {
        p.applied = n->revision;
        p.lag = n->lag(now, newest);
        return;
    }
    std::string const pulse = node_path(p.id, "applied");
    auto const said = state.value(pulse);
    if (!said) return;
    auto const applied = parse_integer(said->view());
    bool const possible = applied.ok() && applied.value() >= 0 && applied.value() <= newest.value();
    if (!possible) return;  // somebody has overwritten it
    p.applied = Revision(applied.value());
    Revision const told =
        heard(now, core, MemberId(p.id)) ? state.revision_of(pulse) : newest.next();
    p.lag = std::max<std::int64_t>(told.value() - 1 - applied.value(), 0);
}

void fill_process(ProcessStatus& p, std::string const& id, Core const& core, State const& state) {
    p.id = id;
    p.address = text_of(state, id, "addr");
    p.hostname = text_of(state, id, "hostname");
    p.version = text_of(state, id, "version");
    p.self = id == core.me().str();
}

MemberStatus member_of(Instant now, MemberId id, Core const& core, State const& state,
                       Neighbours const& neighbours) {
    MemberStatus m;
    fill_process(m, id.str(), core, state);
    fill_progress(m, now, core, state, neighbours);
    m.owner = core.configuration().lane_owned_by(id).has_value();
    m.up = heard(now, core, id);
    if (m.self) m.silent = Duration(0);
    if (Peer const* const peer = peer_of(core, id); peer != nullptr && !m.self) {
        if (peer->heard > Instant(0)) m.silent = now - peer->heard;
        if (peer->srtt > Duration(0)) m.rtt = peer->srtt;
    }
    if (m.self) {
        consensus::Figures const mine = Neighbours::figures(core, {});
        for (std::size_t v = 0; v < mine.rtts.size(); ++v) {
            MemberId const other = core.configuration().voters[v];
            if (mine.rtts[v] > Duration(0)) m.rtts.emplace(other.str(), mine.rtts[v]);
        }
    } else if (Neighbour const* const n = neighbours.find(id)) {
        for (auto const& [other, rtt] : n->rtts) m.rtts.emplace(other.str(), rtt);
    }
    return m;
}

/// The slot below which a majority has everything of the lane.
std::uint64_t majority_frontier(Core const& core, consensus::Lane lane) {
    std::vector<std::uint64_t> upto;
    if (core.voter()) upto.push_back(core.lane(lane).upto().value());
    for (auto const& [id, peer] : core.peers()) {
        bool const same = core.configuration().voter_index(id) &&
                          peer.vector.epoch == core.epoch() && lane < peer.vector.upto.size();
        if (same) upto.push_back(peer.vector.upto[lane].value());
    }
    std::size_t const majority = core.configuration().majority();
    if (upto.size() < majority) return 0;
    std::sort(upto.begin(), upto.end(), std::greater<>());
    return upto[majority - 1];
}

std::vector<LaneStatus> lanes_of(Core const& core) {
    std::vector<LaneStatus> lanes;
    for (consensus::Lane l = 0; l < core.lanes(); ++l) {
        consensus::LaneCopy const& lane = core.lane(l);
        auto const pending =
            std::count_if(lane.items().begin(), lane.items().end(),
                          [&](consensus::Item const& i) { return i.slot >= core.delivered(); });
        lanes.push_back({core.configuration().owners[l].str(), core.delivered().value(),
                         majority_frontier(core, l), static_cast<std::uint64_t>(pending)});
    }
    return lanes;
}

Status::Role role_of(Core const& core, Membership const& membership) {
    if (std::holds_alternative<Founding>(membership.phase())) return Status::Role::founding;
    if (core.voter()) return Status::Role::member;
    return core.epoch() == consensus::Epoch(0) ? Status::Role::attaching : Status::Role::follower;
}

bool is_voter(Core const& core, std::string const& id) {
    return id.size() <= process_id_chars && core.configuration().voter_index(MemberId(id));
}

}  // namespace

char const* name_of(Status::Role role) {
    switch (role) {
        case Status::Role::founding:
            return "founding";
        case Status::Role::attaching:
            return "attaching";
        case Status::Role::follower:
            return "follower";
        case Status::Role::member:
            return "member";
    }
    return "";
}

bool hears_majority(Instant now, Core const& core) {
    consensus::Configuration const& configuration = core.configuration();
    if (configuration.voters.empty()) return false;
    auto const count = std::count_if(configuration.voters.begin(), configuration.voters.end(),
                                     [&](MemberId id) { return heard(now, core, id); });
    return static_cast<std::size_t>(count) >= configuration.majority();
}

Status status_of(Instant now, Core const& core, Membership const& membership, State const& state,
                 Neighbours const& neighbours) {
    Identity const& identity = membership.identity();
    consensus::Configuration const& configuration = core.configuration();
    Status s;
    s.cluster = identity.cluster_name;
    s.lineage = configuration.lineage;
    s.id = identity.id;
    s.address = identity.address;
    s.version = identity.version;
    s.rules = state.rules();
    s.role = role_of(core, membership);
    s.revision = state.store().revision();
    s.epoch = core.epoch().value();
    s.quorum = hears_majority(now, core);
    s.voters = configuration.voters.size();
    s.majority = configuration.voters.empty() ? 0 : configuration.majority();
    for (MemberId const id : configuration.voters) {
        s.members.push_back(member_of(now, id, core, state, neighbours));
    }
    for (State::Slot const& slot : state.slots()) {
        std::string name = slot.path.substr(slot.path.rfind('/') + 1);
        auto const member = std::find_if(s.members.begin(), s.members.end(),
                                         [&](auto const& m) { return m.id == slot.content; });
        if (member == s.members.end()) {
            if (s.free_slots.size() < status_entries_max) s.free_slots.push_back(std::move(name));
        } else if (!member->slot) {
            member->slot = std::move(name);
        }
    }
    // Clients can register as many processes as they like, and the status is made ten times a
    // second.
    for (std::string const& id : state.names_after("/ctl/node", {}, 4 * status_entries_max)) {
        bool const other = id.size() > process_id_chars || is_voter(core, id);
        bool const registered = state.revision_of(node_path(id, "addr")) > missing;
        if (other || !registered || state.was_removed(MemberId(id))) continue;
        if (s.followers.size() == status_entries_max) break;
        ProcessStatus& follower = s.followers.emplace_back();
        fill_process(follower, id, core, state);
        fill_progress(follower, now, core, state, neighbours);
    }
    s.lanes = lanes_of(core);
    return s;
}

}  // namespace doozer::replica
