#include "replica/neighbours.h"

#include <algorithm>

namespace doozer::replica {

consensus::Figures Neighbours::figures(consensus::Core const& core, Revision revision) {
    consensus::MemberIds const& voters = core.configuration().voters;
    consensus::Figures figures{revision, consensus::PerLane<Duration>(voters.size())};
    for (std::size_t v = 0; v < voters.size(); ++v) {
        auto const at = core.peers().find(voters[v]);
        if (at != core.peers().end()) figures.rtts[v] = at->second.srtt;
    }
    return figures;
}

void Neighbours::heard(Instant now, MemberId peer, consensus::Ping const& ping,
                       consensus::Core const& core, Revision revision) {
    consensus::Figures const& told = ping.figures;
    Neighbour& n = neighbours_[peer];
    n.revision = std::max(told.revision, missing);
    n.behind = std::max<std::int64_t>(revision.value() - n.revision.value(), 0);
    n.at = now;
    n.rtts.clear();
    consensus::MemberIds const& voters = core.configuration().voters;
    if (ping.vector.epoch != core.epoch() || told.rtts.size() != voters.size()) return;
    for (std::size_t v = 0; v < voters.size(); ++v) {
        if (told.rtts[v] > Duration(0)) n.rtts.emplace(voters[v], told.rtts[v]);
    }
}

void Neighbours::forget_gone(consensus::Core const& core) {
    std::erase_if(neighbours_, [&](auto const& n) { return !core.peers().contains(n.first); });
}

Neighbour const* Neighbours::find(MemberId peer) const {
    auto const at = neighbours_.find(peer);
    return at == neighbours_.end() ? nullptr : &at->second;
}

}  // namespace doozer::replica
