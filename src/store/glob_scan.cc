#include "store/glob_scan.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "store/store.h"

namespace doozer::store {
namespace {

/// How much of the budget one payer uses before the next one has its turn.
constexpr std::size_t steps_per_payer = 512;

}  // namespace

GlobScan::Payer& GlobScan::payer_with(std::uint64_t id) {
    auto const known = payer_of_.find(id);
    if (known != payer_of_.end()) return *known->second;
    // Nobody waits here yet, so nothing is behind.
    auto const made = payers_.insert(payers_.end(), Payer{id, round_});
    made->cursor = made->groups.end();
    payer_of_.emplace(id, made);
    return *made;
}

GlobScan::Groups::iterator GlobScan::group_with(Glob const& glob, Revision seen, Payer& payer) {
    auto const known = groups_.find(glob.text());
    if (known != groups_.end()) {
        // The payer with the fewest globs serves its waiters soonest. Otherwise whoever asks first
        // for a glob that others need, and for a thousand costly ones besides, delays the others.
        Payer const& present = *known->second->payer;
        if (payer.groups.size() + 1 < present.groups.size()) hand_over(known->second, payer);
        return known->second;
    }
    auto const made =
        payer.groups.insert(payer.groups.end(), Group{glob, &payer, seen.next(), payer.round});
    groups_.emplace(made->glob.text(), made);
    return made;
}

/// From its payer to this one, with all its waiters.
void GlobScan::hand_over(Groups::iterator group, Payer& payer) {
    Payer& before = *group->payer;
    if (group->round != before.round) --before.behind;
    if (before.cursor == group) ++before.cursor;
    payer.groups.splice(payer.groups.end(), before.groups, group);
    group->payer = &payer;
    group->round = payer.round - 1;
    ++payer.behind;
    if (payer.round_of_all == round_) {
        payer.round_of_all = round_ - 1;
        ++behind_;
    }
    drop_if_empty(before);
}

void GlobScan::add(Glob const& glob, Waiter waiter, std::uint64_t payer) {
    Payer& pays = payer_with(payer);
    auto const group = group_with(glob, waiter.seen, pays);
    drop_if_empty(pays);  // if another one pays for the glob already
    DOOZER_ASSERT(group->next <= waiter.seen.next());
    bool const is_new = places_.emplace(waiter.handle, Place{group, group->waiters.size()}).second;
    DOOZER_ASSERT(is_new);
    group->waiters.push_back(waiter);
}

void GlobScan::remove(std::uint32_t handle) {
    auto const found = places_.find(handle);
    DOOZER_ASSERT(found != places_.end());
    Place const place = found->second;
    take_out(place.group, place.position);
    if (place.group->waiters.empty()) erase(place.group);
}

/// The group stays, even if it is empty.
void GlobScan::take_out(Groups::iterator group, std::size_t position) {
    auto& waiters = group->waiters;
    places_.erase(waiters[position].handle);
    if (position + 1 < waiters.size()) {
        waiters[position] = waiters.back();
        places_.at(waiters[position].handle).position = position;
    }
    waiters.pop_back();
}

/// The group and, if it was the last of its payer, the payer.
void GlobScan::erase(Groups::iterator group) {
    Payer& payer = *group->payer;
    if (group->round != payer.round) --payer.behind;
    if (payer.cursor == group) ++payer.cursor;
    groups_.erase(group->glob.text());
    payer.groups.erase(group);
    drop_if_empty(payer);
}

void GlobScan::drop_if_empty(Payer& payer) {
    if (!payer.groups.empty()) return;
    if (payer.round_of_all != round_) --behind_;
    auto const self = payer_of_.find(payer.id);
    if (cursor_ == self->second) ++cursor_;
    payers_.erase(self->second);
    payer_of_.erase(self);
    if (!payers_.empty()) return;
    // The next waiter may be another store's.
    newest_ = missing;
    for (EventPath& kept : paths_) kept.rev = missing;
}

void GlobScan::run(Store const& store, SearchBudget& budget, std::vector<Due>& due) {
    if (payers_.empty()) return;
    if (store.revision() > newest_) {
        newest_ = store.revision();
        ++round_;
        behind_ = payers_.size();
    }
    while (behind_ > 0 && !budget.spent()) {
        if (cursor_ == payers_.end()) cursor_ = payers_.begin();
        Payer& payer = *cursor_++;
        budget.use();
        if (payer.round_of_all == round_) continue;
        if (advance(payer, store, budget, due)) {
            payer.round_of_all = round_;
            --behind_;
        }
        drop_if_empty(payer);
    }
}

/// Tries the payer's globs for as long as its turn lasts. True if all are up to date.
bool GlobScan::advance(Payer& payer, Store const& store, SearchBudget& budget,
                       std::vector<Due>& due) {
    if (payer.behind == 0 && payer.marked < newest_) {
        payer.marked = newest_;
        ++payer.round;
        payer.behind = payer.groups.size();
    }
    std::size_t const floor = budget.steps - std::min(budget.steps, steps_per_payer);
    while (payer.behind > 0 && budget.steps > floor) {
        if (payer.cursor == payer.groups.end()) payer.cursor = payer.groups.begin();
        auto const group = payer.cursor++;
        budget.use();
        if (group->round == payer.round || !advance(group, store, floor, budget, due)) continue;
        group->round = payer.round;
        --payer.behind;
        if (!group->waiters.empty()) continue;
        // Not erase(): the payer has to outlive its turn.
        groups_.erase(group->glob.text());
        payer.groups.erase(group);
    }
    return payer.behind == 0 && payer.marked == newest_;
}

/// Tries one glob on the events that it was not tried on. True if none is left.
bool GlobScan::advance(Groups::iterator group, Store const& store, std::size_t floor,
                       SearchBudget& budget, std::vector<Due>& due) {
    if (group->next < store.first_revision()) {
        // What these waited for may be among the events that are forgotten.
        give(group, missing, Revision(store.first_revision().value() - 1), due);
        group->next = store.first_revision();
    }
    while (group->next <= newest_ && !group->waiters.empty()) {
        if (budget.steps <= floor) return false;
        std::string const& path = path_at(store, group->next, budget);
        budget.use(group->glob.cost(path));
        if (group->glob.matches(path)) give(group, group->next, group->next, due);
        group->next = group->next.next();
    }
    return true;
}

/// Those who have seen nothing from `seen_before` on are due.
void GlobScan::give(Groups::iterator group, Revision at, Revision seen_before,
                    std::vector<Due>& due) {
    for (std::size_t i = group->waiters.size(); i-- > 0;) {
        Waiter const waiter = group->waiters[i];
        if (waiter.seen >= seen_before) continue;
        due.push_back({waiter.who, waiter.handle, at});
        take_out(group, i);
    }
}

/// Many globs are tried on the same few events.
std::string const& GlobScan::path_at(Store const& store, Revision rev, SearchBudget& budget) {
    EventPath& kept = paths_[static_cast<std::size_t>(rev.value()) % paths_.size()];
    if (kept.rev != rev) {
        (void)store.event(rev, kept.path);
        budget.use(3 + kept.path.size() / 64);
        kept.rev = rev;
    }
    return kept.path;
}

}  // namespace doozer::store
