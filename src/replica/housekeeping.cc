#include "replica/housekeeping.h"

namespace doozer::replica {

using store::Mutation;
using store::Path;

void Housekeeping::found(Proposals& proposals) const {
    set(proposals, "/ctl/name", identity_.cluster_name);
    set(proposals, node_path("addr"), identity_.address);
    set(proposals, node_path("hostname"), identity_.hostname);
    set(proposals, node_path("version"), identity_.version);
    set(proposals, "/ctl/cal/0", identity_.id);
    set(proposals, "/ctl/ns/" + identity_.cluster_name + "/" + identity_.id, identity_.address);
    set(proposals, node_path("applied"), "0");
    set(proposals, node_path("writable"), "true");
}

void Housekeeping::tick(Instant now, Revision applied, Proposals& proposals) {
    if (now < next_pulse_) return;
    // The first pulse comes with the founding; from then on in even steps, none made up for.
    bool const first = next_pulse_ == Instant(0);
    next_pulse_ = now + pulse_;
    if (!first) set(proposals, node_path("applied"), std::to_string(applied.value()));
}

void Housekeeping::set(Proposals& proposals, std::string const& path,
                       std::string const& value) const {
    proposals.add(Mutation::set(Path::trusted(path), value, clobber), std::nullopt);
}

std::string Housekeeping::node_path(std::string const& name) const {
    return "/ctl/node/" + identity_.id + "/" + name;
}

}  // namespace doozer::replica
