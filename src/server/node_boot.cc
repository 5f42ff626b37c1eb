// A cluster by its name: what the node does with what the name service says, and tells it.
#include <spdlog/spdlog.h>

#include "server/clock.h"
#include "server/node.h"

namespace doozer::server {
namespace {

/// How often the name service is told what this process is.
constexpr Duration tell_every = milliseconds(250);

}  // namespace

/// From now on, for as long as this process lives.
void Node::look_up_cluster() {
    NameService::Callbacks callbacks;
    callbacks.on_addresses = [this](std::vector<std::string> const& addresses) {
        cluster_->also_dial(addresses);
    };
    callbacks.on_founder = [this] { found_cluster(); };
    names_.emplace(loop_,
                   NameService::Settings{
                       options_.boot_uri, options_.tls_authority_file, options_.cluster_name, {}},
                   std::move(callbacks));
    tell_names();
}

void Node::tell_names() {
    names_->tell(name_self());
    names_timer_.expires_at(to_time_point(monotonic_now() + tell_every));
    names_timer_.async_wait([this](net::error_code const& cancelled) {
        if (!cancelled) tell_names();
    });
}

NameSelf Node::name_self() const {
    NameSelf self;
    self.id = cluster_->id();
    self.address = net::to_string(advertised());
    if (!replica_->serving()) return self;
    bool const votes = replica_->core().voter();
    self.stage = votes ? NameSelf::Stage::voting : NameSelf::Stage::following;
    replica::State const& state = replica_->state();
    for (std::string& id : state.names_in("/ctl/ns/" + options_.cluster_name)) {
        self.members.insert(std::move(id));
    }
    bool const one_voter = votes && replica_->core().configuration().voters.size() == 1;
    self.alone = one_voter && state.names_after("/ctl/node", {}, 2).size() <= 1;
    return self;
}

/// It holds no copy, so nothing is lost when it begins again.
void Node::found_cluster() {
    if (!is_joining_ || replica_->serving()) return;
    is_joining_ = false;
    cluster_->drop_links();
    start_replica(cluster_->id(), true);
    step(replica::Started{});
    perform_cluster();
    names_->tell(name_self());
    spdlog::info("{} founded cluster {}", cluster_->id(), options_.cluster_name);
}

}  // namespace doozer::server
