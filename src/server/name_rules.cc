#include "server/name_rules.h"

#include <utility>

#include "base/limits.h"

namespace doozer::server {
namespace {

using Where = NameChange::Where;

NameChange entry_set(NameView const& view, NameSelf const& self) {
    auto const found = view.entries.find(self.id);
    std::int64_t const rev = found == view.entries.end() ? 0 : found->second.rev;
    return {Where::entry, self.id, false, self.address, rev};
}

NameChange entry_removed(std::string const& id, NameView::File const& file) {
    return {Where::entry, id, true, {}, file.rev};
}

bool is_registered(NameView const& view, NameSelf const& self) {
    auto const found = view.entries.find(self.id);
    return found != view.entries.end() && found->second.value == self.address;
}

/// A process that had this one's address before it; it is gone, since this one listens there.
bool is_forerunner(std::string const& id, NameView::File const& file, NameSelf const& self) {
    return file.value == self.address && id != self.id;
}

bool is_claim(NameView::File const& boot) {
    return boot.value.starts_with(NameRules::claim_of(""));
}

}  // namespace

NamePlan NameRules::plan(base::Instant now, NameView const& view, NameSelf const& self) {
    NamePlan plan;
    for (auto const& [id, file] : view.entries) {
        if (is_forerunner(id, file, self)) plan.changes.push_back(entry_removed(id, file));
    }
    if (self.stage == NameSelf::Stage::looking) {
        look(now, view, self, plan);
    } else {
        looking_since_ = base::never;
        keep(now, view, self, plan);
    }
    return plan;
}

void NameRules::look(base::Instant now, NameView const& view, NameSelf const& self,
                     NamePlan& plan) {
    if (looking_since_ == base::never) looking_since_ = now;
    for (auto const& [id, file] : view.entries) {
        if (id == self.id || file.value == self.address) continue;
        if (plan.dial.size() < base::client_addresses_max) plan.dial.push_back(file.value);
    }
    bool const patience_is_over = now - looking_since_ >= times_.answer_within;
    if (view.boot.value == self.id) {
        plan.found = true;
    } else if (view.boot.rev == 0) {
        if (!plan.dial.empty() && !patience_is_over) return;
        // First the address, so that who loses finds it.
        if (!is_registered(view, self)) plan.changes.push_back(entry_set(view, self));
        plan.changes.push_back({Where::boot, {}, false, claim_of(self.id), 0});
    } else if (is_claim(view.boot)) {
        claim(now, view, self, plan);
    } else if (patience_is_over) {
        // Nobody can know from here whether its cluster is gone or only cut off: a person has to.
        plan.waits_for = view.boot.value;
    }
}

/// Somebody is about to found the cluster.
void NameRules::claim(base::Instant now, NameView const& view, NameSelf const& self,
                      NamePlan& plan) {
    if (claim_rev_ != view.boot.rev) {
        claim_rev_ = view.boot.rev;
        claimed_since_ = now;
    }
    bool const mine = view.boot.value == claim_of(self.id);
    if (now - claimed_since_ < (mine ? times_.grace : times_.claim_within)) return;
    if (!is_registered(view, self)) plan.changes.push_back(entry_set(view, self));
    std::string const next = mine ? self.id : claim_of(self.id);
    plan.changes.push_back({Where::boot, {}, false, next, view.boot.rev});
}

/// A member keeps its own entry and removes those of members that were removed. Who follows
/// has none: clients that look the cluster up want to write.
void NameRules::keep(base::Instant now, NameView const& view, NameSelf const& self,
                     NamePlan& plan) {
    auto const own = view.entries.find(self.id);
    if (self.stage == NameSelf::Stage::following) {
        if (own != view.entries.end()) plan.changes.push_back(entry_removed(self.id, own->second));
        unknown_.clear();
        members_before_ = self.members;
        return;
    }
    // The name first, so that who looks for an entry founds nothing meanwhile.
    if (view.boot.rev == 0 || is_claim(view.boot)) {
        plan.changes.push_back({Where::boot, {}, false, self.id, view.boot.rev});
    }
    if (!is_registered(view, self)) plan.changes.push_back(entry_set(view, self));
    std::map<std::string, Unknown> unknown;
    for (auto const& [id, file] : view.entries) {
        bool const known = self.members.contains(id) || id == self.id;
        if (known || is_forerunner(id, file, self)) continue;
        auto const before = unknown_.find(id);
        bool const same = before != unknown_.end() && before->second.rev == file.rev;
        base::Instant const since = same ? before->second.since : now;
        bool const removed = members_before_.contains(id);
        if (removed || now - since >= times_.unknown_for) {
            plan.changes.push_back(entry_removed(id, file));
        }
        unknown.emplace(id, Unknown{file.rev, since});
    }
    unknown_ = std::move(unknown);
    // Until it is gone in the DzNS, too, one that was removed stays known as such.
    for (auto it = members_before_.begin(); it != members_before_.end();) {
        it = view.entries.contains(*it) ? std::next(it) : members_before_.erase(it);
    }
    members_before_.insert(self.members.begin(), self.members.end());
}

std::vector<NameChange> NameRules::farewell(NameView const& view, NameSelf const& self) {
    std::vector<NameChange> changes;
    auto const own = view.entries.find(self.id);
    if (own != view.entries.end()) changes.push_back(entry_removed(self.id, own->second));
    // The name is free again: the cluster is over, or was never founded.
    bool const looking = self.stage == NameSelf::Stage::looking;
    bool const mine = view.boot.value == self.id || view.boot.value == claim_of(self.id);
    bool const over = self.alone || (looking && mine);
    if (over && view.boot.rev != 0) {
        changes.push_back({Where::boot, {}, true, {}, view.boot.rev});
    }
    return changes;
}

}  // namespace doozer::server
