#include "sim/force_watch.h"

#include <charconv>

#include "replica/change.h"
#include "sim/cluster.h"

namespace doozer::sim {

/// Values of the workload begin with "v" and the number of their operation.
void BatchContent::add(Batch const& batch) {
    std::string_view rest = batch.payload().view();
    if (replica::switch_in(rest)) return;
    while (!rest.empty()) {
        auto const change = replica::take_change(rest);
        if (!change.ok()) return;
        store::Mutation const& mutation = change.value().mutation;
        files.emplace(mutation.path.text());
        std::string_view const value = mutation.value;
        std::uint64_t id = 0;
        if (!value.starts_with('v')) continue;
        char const* const end = value.data() + value.size();
        char const* const after = std::from_chars(value.data() + 1, end, id).ptr;
        if (after == end || *after == ' ') operations.insert(id);
    }
}

namespace {

/// Of everything that is in its lanes or was accepted as the end of its epoch.
std::set<std::uint64_t> operations_in(Core const& core) {
    BatchContent known;
    for (Lane lane = 0; lane < core.lanes(); ++lane) {
        for (Item const& item : core.lane(lane).items()) known.add(item.batch);
    }
    if (core.acceptor().value) {
        for (Item const& item : core.acceptor().value->items) known.add(item.batch);
    }
    return std::move(known.operations);
}

}  // namespace

ForceWatch::ForceWatch(Cluster const& cluster, Address survivor, Instant now, bool may_leave)
    : survivor_(survivor), since_(now) {
    Core const& core = cluster.core(survivor);
    for (Address a = 0; a < cluster.addresses() && !may_leave; ++a) {
        if (a == survivor || !cluster.alive(a) || cluster.paused(a)) continue;
        Core const& other = cluster.core(a);
        bool const holds_copy = other.epoch() > Epoch(0) &&
                                other.configuration().lineage == core.configuration().lineage;
        if (!holds_copy || !core.reaches(other.me()) || !other.reaches(core.me())) continue;
        if (!cluster.network().clear_since(survivor, a)) continue;
        reached_.push_back({a, cluster.life(a), cluster.store(a).revision(), operations_in(other)});
    }
}

bool ForceWatch::is_reached_still(Cluster const& cluster, Reached const& r) const {
    if (!cluster.alive(r.at) || cluster.life(r.at) != r.life || cluster.paused(r.at)) return false;
    auto const clear = cluster.network().clear_since(survivor_, r.at);
    return clear && *clear <= since_;
}

std::set<std::uint64_t> ForceWatch::known(Cluster const& cluster) const {
    std::set<std::uint64_t> all;
    for (Reached const& r : reached_) {
        if (is_reached_still(cluster, r)) all.insert(r.known.begin(), r.known.end());
    }
    return all;
}

std::optional<std::string> ForceWatch::dropped(Cluster const& cluster, Revision kept) const {
    for (Reached const& r : reached_) {
        if (r.revision <= kept || !is_reached_still(cluster, r)) continue;
        return "a force keeps revisions up to " + std::to_string(kept.value()) +
               " only, although a process that was reached had applied " +
               std::to_string(r.revision.value());
    }
    return std::nullopt;
}

}  // namespace doozer::sim
