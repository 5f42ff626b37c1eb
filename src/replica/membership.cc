#include "replica/membership.h"

#include <algorithm>

#include "base/overload.h"

namespace doozer::replica {

using consensus::Core;
using consensus::heard_within;
using consensus::MemberId;
using store::Mutation;
using store::Path;

namespace {

/// How often a process looks for something to do.
constexpr Duration look_every = milliseconds(100);
/// How long it waits before it asks again, or again proposes to remove a member.
constexpr Duration ask_every = milliseconds(500);
constexpr Duration kick_every = seconds(1);
/// How long a follower must have kept up before it takes a slot, and how long it waits for a link
/// to every voter; after that, links to a majority are enough. If it took a slot without links, the
/// cluster would need the vote of a process that it cannot reach.
constexpr Duration follow_before_joining = milliseconds(500);
constexpr Duration wait_for_all_links = seconds(5);
/// How long a process that has left waits for the voters that stay.
constexpr Duration hand_over_within = seconds(5);
/// How long a slot may name a process that does not vote. A process that an operator gave the slot
/// to takes it sooner, if it runs and has followed for a moment.
constexpr Duration stray_slot_kept = seconds(8);
/// How many of the processes in /ctl/node clean() looks at in one go, and how many it remembers as
/// missing at most: clients can register as many as they like.
constexpr std::size_t nodes_per_look = 256;
constexpr std::size_t nodes_missing_max = 1024;

Path path_of(std::string const& text) {
    return Path::trusted(text);
}

bool votes(Core const& core, std::string const& id) {
    return id.size() <= process_id_chars && core.configuration().voter_index(MemberId(id));
}

/// Whether the slot names a process that may still take it: it is registered, and was never
/// removed. Only the process itself can show that it runs.
bool is_given(State::Slot const& slot, Core const& core, State const& state) {
    std::string const& id = slot.content;
    if (id.size() > process_id_chars || !store::is_path_component(id)) return false;
    return !votes(core, id) && !state.was_removed(MemberId(id)) &&
           state.revision_of(node_path(id, "addr")) > missing;
}

std::size_t count_reached(Core const& core) {
    auto const& voters = core.configuration().voters;
    return static_cast<std::size_t>(
        std::count_if(voters.begin(), voters.end(), [&](MemberId id) { return core.reaches(id); }));
}

/// Of the voters that would stay without `leaver`, a majority was heard after `since`: the cluster
/// can go on without it. A voter that was not heard may be dead; if it counted, the removal could
/// leave a cluster whose majority is gone.
bool can_go_on_without(MemberId leaver, Instant since, Core const& core) {
    auto const& voters = core.configuration().voters;
    auto const heard = std::count_if(voters.begin(), voters.end(), [&](MemberId id) {
        if (id == leaver) return false;
        auto const peer = core.peers().find(id);
        return id == core.me() ||
               (peer != core.peers().end() && core.reaches(id) && peer->second.heard > since);
    });
    return static_cast<std::size_t>(heard) >= (voters.size() - 1) / 2 + 1;
}

}  // namespace

Membership::Membership(Identity identity, std::vector<std::string> seeds, Phase begins,
                       Timing timing)
    : identity_(std::move(identity)), seeds_(std::move(seeds)), timing_(timing), phase_(begins) {}

void Membership::found(Instant now, Proposals& proposals) {
    auto const set = [&](std::string const& path, std::string const& value) {
        proposals.add({{}, Mutation::set(path_of(path), value, clobber)});
    };
    set("/ctl/name", identity_.cluster_name);
    set(node_path(identity_.id, "addr"), identity_.address);
    set(node_path(identity_.id, "hostname"), identity_.hostname);
    set(node_path(identity_.id, "version"), identity_.version);
    set("/ctl/cal/0", identity_.id);
    set(ns_path(identity_.cluster_name, identity_.id), identity_.address);
    set(node_path(identity_.id, "applied"), "0");
    set(node_path(identity_.id, "writable"), "true");
    phase_ = Voting{now + timing_.pulse, {}};
}

bool Membership::look(Instant now, Core const& core, State const& state, Wishes wishes) {
    follow_phase(now, core, state);
    if (auto* const voting = std::get_if<Voting>(&phase_)) {
        pulse(now, *voting, state, wishes.proposals);
    }
    if (now < next_look_) return false;
    next_look_ = now + look_every;
    std::visit(Overload{[&](Voting& voting) {
                            if (retires()) return leave(now, voting, core, state, wishes.proposals);
                            register_in(wishes.proposals, state, true);
                            keep_slot(wishes.proposals, core, state);
                            kick(now, voting, core, state, wishes.proposals);
                            empty_strays(now, core, state, wishes.proposals);
                            clean(now, core, state, wishes.proposals);
                            switch_rules(now, core, state, wishes.proposals);
                        },
                        [&](Following& following) {
                            if (!retires()) follow(now, following, core, state, wishes.ask);
                        },
                        [](auto const&) {}},
               phase_);
    // A process that is alone only has its pulse to write.
    auto const* const voting = std::get_if<Voting>(&phase_);
    if (voting && core.peers().empty()) next_look_ = voting->next_pulse;
    if (voting) next_look_ = std::min(next_look_, voting->next_pulse);
    return true;
}

/// Follows what the core has become. A voter whose slot was given away leaves; so does a process
/// that was made a voter and removed while it heard of neither: its id never votes again, and the
/// numbers of its batches would not fit those that the others count.
void Membership::follow_phase(Instant now, Core const& core, State const& state) {
    bool const empty = core.epoch() == consensus::Epoch(0);
    if (std::holds_alternative<Leaving>(phase_) || std::holds_alternative<Founding>(phase_)) return;
    if (core.voter()) {
        if (std::holds_alternative<Voting>(phase_)) return;
        phase_ = Voting{now, {}};
        next_look_ = now;
    } else if (std::holds_alternative<Voting>(phase_) || state.was_removed(core.me())) {
        phase_ = Leaving{};
        if (retires()) left_at_ = now;
    } else if (!empty && std::holds_alternative<Attaching>(phase_)) {
        phase_ = Following{now, {}};
        next_look_ = now;
    }
}

void Membership::renamed(Instant now, ProcessId id) {
    identity_.id = std::move(id);
    phase_ = Following{now, {}};
    next_look_ = now;
}

void Membership::set_if_different(Proposals& proposals, State const& state, std::string const& path,
                                  std::string const& value) const {
    auto const found = state.value(path);
    if (found && found->view() == value) return;
    Revision const rev = state.revision_of(path);
    if (rev < missing) return;  // a client has made it a directory
    proposals.add({Guard{path_of(path), rev}, Mutation::set(path_of(path), value, rev)});
}

/// Writes this process's files again if a client has overwritten them, or a member has removed them
/// while this process could not be reached.
void Membership::register_in(Proposals& proposals, State const& state, bool votes) const {
    std::string const& id = identity_.id;
    set_if_different(proposals, state, node_path(id, "addr"), identity_.address);
    set_if_different(proposals, state, node_path(id, "hostname"), identity_.hostname);
    set_if_different(proposals, state, node_path(id, "version"), identity_.version);
    if (!votes) return;
    set_if_different(proposals, state, node_path(id, "writable"), "true");
    set_if_different(proposals, state, ns_path(identity_.cluster_name, id), identity_.address);
}

/// The last voter goes on voting even when no slot names it. No process could join then, so it
/// takes a slot again; but it leaves one that an operator gave to another process for a while.
void Membership::keep_slot(Proposals& proposals, Core const& core, State const& state) const {
    auto const& voters = state.voters();
    if (!std::binary_search(voters.begin(), voters.end(), MemberId(identity_.id))) return;
    std::vector<State::Slot> const slots = state.slots();
    bool const has_one = std::any_of(slots.begin(), slots.end(), [&](State::Slot const& slot) {
        return slot.content == identity_.id;
    });
    if (has_one) return;
    auto const free = std::find_if(slots.begin(), slots.end(), [&](State::Slot const& slot) {
        return !is_given(slot, core, state);
    });
    if (free == slots.end() && !slots.empty()) return;
    set_if_different(proposals, state, slots.empty() ? "/ctl/cal/0" : free->path, identity_.id);
}

/// Empties slots that name a process without a vote, so that they are free for others.
void Membership::empty_strays(Instant now, Core const& core, State const& state,
                              Proposals& proposals) {
    if (!first_of_those_heard(now, core)) return strays_.clear();
    std::map<std::string, Stray> strays;
    for (State::Slot const& slot : state.slots()) {
        if (slot.content.empty() || votes(core, slot.content)) continue;
        auto const before = strays_.find(slot.path);
        bool const same = before != strays_.end() && before->second.rev == slot.rev;
        Instant const since = same ? before->second.since : now;
        strays.emplace(slot.path, Stray{slot.rev, since});
        if (now - since < stray_slot_kept) continue;
        Path const path = path_of(slot.path);
        proposals.add({Guard{path, slot.rev}, Mutation::set(path, "", slot.rev)});
    }
    strays_ = std::move(strays);
}

/// Writes the pulse in even steps; it makes up for none that it missed.
void Membership::pulse(Instant now, Voting& voting, State const& state,
                       Proposals& proposals) const {
    if (now < voting.next_pulse) return;
    voting.next_pulse = now + timing_.pulse;
    std::string const path = node_path(identity_.id, "applied");
    std::string const applied = std::to_string(state.store().revision().value());
    proposals.add({{}, Mutation::set(path_of(path), applied, clobber)});
}

/// Proposes to empty the slot of a member that a majority has not heard for kick_after, if the
/// others can go on without it.
///
/// The order is guarded by the victim's pulse, as this voter has seen it. If the order is held up
/// on its way, until the victim is back, the victim has written a new pulse before it is applied,
/// and the order does nothing. Without the guard it would remove a member that is well.
void Membership::kick(Instant now, Voting& voting, Core const& core, State const& state,
                      Proposals& proposals) const {
    if (now < voting.kicked + kick_every || !first_of_those_heard(now, core)) return;
    for (State::Slot const& slot : state.slots()) {
        if (!votes(core, slot.content) || slot.content == identity_.id) continue;
        MemberId const victim(slot.content);
        if (!core.majority_misses(victim, now)) continue;
        if (!can_go_on_without(victim, now - heard_within, core)) continue;
        std::string const pulse = node_path(slot.content, "applied");
        voting.kicked = now;
        proposals.add({Guard{path_of(pulse), state.revision_of(pulse)},
                       Mutation::set(path_of(slot.path), "", slot.rev)});
        return;  // one at a time
    }
}

/// Removes the files of processes that are gone: of members that were removed, and of followers
/// that this process has not been linked with for kick_after.
void Membership::clean(Instant now, Core const& core, State const& state, Proposals& proposals) {
    if (!first_of_those_heard(now, core)) {
        cleaned_upto_.clear();
        return missing_since_.clear();
    }
    std::vector<std::string> const names =
        state.names_after("/ctl/node", cleaned_upto_, nodes_per_look);
    // What is seen now replaces what was noted of the names of this page.
    auto const begin = missing_since_.upper_bound(cleaned_upto_);
    bool const last = names.size() < nodes_per_look;
    auto const end = last ? missing_since_.end() : missing_since_.upper_bound(names.back());
    std::map<std::string, Instant> const known(begin, end);
    missing_since_.erase(begin, end);
    cleaned_upto_ = last ? std::string() : names.back();
    for (std::string const& id : names) {
        if (id.size() > process_id_chars || votes(core, id)) continue;
        bool const removed = state.was_removed(MemberId(id));
        if (!removed && core.reaches(MemberId(id))) continue;
        auto const before = known.find(id);
        Instant const since = before == known.end() ? now : before->second;
        if (missing_since_.size() < nodes_missing_max) missing_since_.emplace(id, since);
        if (!removed && now - since < timing_.kick_after) continue;
        std::vector<std::string> files = state.files_below("/ctl/node/" + id);
        files.push_back(ns_path(identity_.cluster_name, id));
        for (std::string const& file : files) {
            Revision const rev = state.revision_of(file);
            if (rev <= base::missing) continue;
            proposals.add({Guard{path_of(file), rev}, Mutation::del(path_of(file), rev)});
        }
    }
}

/// Proposes new rules as soon as every process can apply changes by them.
void Membership::switch_rules(Instant now, Core const& core, State const& state,
                              Proposals& proposals) const {
    if (!first_of_those_heard(now, core)) return;
    if (auto const next = state.next_rules()) proposals.add_switch(*next);
}

/// One voter does what any of them could do. If two do it, the guards let one of them pass.
bool Membership::first_of_those_heard(Instant now, Core const& core) const {
    for (MemberId const id : core.configuration().voters) {
        if (id == core.me()) return true;
        if (core.reaches(id) && !core.majority_misses(id, now)) return false;
    }
    return false;
}

void Membership::retire(Instant now) {
    retires_since_ = now;
    next_look_ = now;
}

bool Membership::can_leave(Core const& core) const {
    return core.voter() && core.configuration().voters.size() > 1 &&
           can_go_on_without(core.me(), retires_since_, core);
}

bool Membership::hopes_to_leave(Instant now, Core const& core) const {
    if (!retires() || !core.voter() || core.configuration().voters.size() < 2) return false;
    return can_leave(core) || now - retires_since_ < heard_within;
}

/// The batch that removes a voter ends the epoch of every member that delivers it. If a voter ended
/// as soon as it has delivered its own removal, it may be the only one that has: the other one of
/// two would wait without end for its vote.
bool Membership::hands_over(Instant now, Core const& core) const {
    if (left_at_ == never || now - left_at_ >= hand_over_within) return false;
    return !core.majority_entered();
}

/// Deletes its address first, so that clients that watch the addresses go elsewhere in time.
void Membership::leave(Instant now, Voting& voting, Core const& core, State const& state,
                       Proposals& proposals) const {
    if (now < voting.kicked + kick_every || !can_leave(core)) return;
    voting.kicked = now;
    std::string const address = ns_path(identity_.cluster_name, identity_.id);
    if (Revision const rev = state.revision_of(address); rev > missing) {
        proposals.add({Guard{path_of(address), rev}, Mutation::del(path_of(address), rev)});
    }
    for (State::Slot const& slot : state.slots()) {
        if (slot.content != identity_.id) continue;
        Path const path = path_of(slot.path);
        proposals.add({Guard{path, slot.rev}, Mutation::set(path, "", slot.rev)});
    }
}

void Membership::follow(Instant now, Following& following, Core const& core, State const& state,
                        std::optional<consensus::Ask>& ask) {
    if (now < following.asked + ask_every) return;
    Proposals wanted;
    register_in(wanted, state, false);
    if (wanted.empty()) join(now, following, core, state, wanted);
    if (wanted.empty()) return;
    std::vector<MemberId> reached;
    for (MemberId const id : core.configuration().voters) {
        if (core.reaches(id)) reached.push_back(id);
    }
    if (reached.empty()) return;
    following.asked = now;
    ask = consensus::Ask{reached[asked_++ % reached.size()], Bytes(wanted.take().changes)};
}

/// Takes the slot that an operator gave it, or that of the process that was at its address before,
/// or a free one.
void Membership::join(Instant now, Following const& following, Core const& core, State const& state,
                      Proposals& wanted) const {
    std::optional<State::Slot> given;
    std::optional<State::Slot> mine;
    std::optional<State::Slot> free;
    for (State::Slot& slot : state.slots()) {
        if (slot.content == identity_.id) {
            given = std::move(slot);
        } else if (votes(core, slot.content)) {
            auto const address = state.value(node_path(slot.content, "addr"));
            bool const reached = core.reaches(MemberId(slot.content));
            if (!reached && address && address->view() == identity_.address) mine = std::move(slot);
        } else if (!free && !is_given(slot, core, state)) {
            free = std::move(slot);
        }
    }
    std::size_t const voters = core.configuration().voters.size();
    if (voters == consensus::voters_max) {  // only in the place of another voter
        given.reset();
        free.reset();
    }
    std::optional<State::Slot> const& slot = given ? given : mine ? mine : free;
    if (!slot) return;
    bool const replaces = !given && mine;
    std::size_t const linked = count_reached(core);
    std::size_t const needed = replaces ? voters - 1 : voters;
    bool const patient = now - following.since >= wait_for_all_links;
    bool const enough = linked >= needed || (patient && linked >= voters / 2 + 1);
    if (!enough || now - following.since < follow_before_joining) return;
    std::string const guard =
        replaces ? node_path(mine->content, "applied") : node_path(identity_.id, "addr");
    wanted.add({Guard{path_of(guard), state.revision_of(guard)},
                Mutation::set(path_of(slot->path), identity_.id, slot->rev)});
}

bool Membership::may_propose(MemberId asker, std::string_view changes, Core const& core,
                             State const& state) const {
    if (changes.empty()) return false;
    std::string const own = asker.str();
    std::string const registered = node_path(own, "");
    while (!changes.empty()) {
        auto const change = take_change(changes);
        if (!change.ok() || !change.value().guard) return false;
        store::Mutation const& m = change.value().mutation;
        std::string_view const path = m.path.text();
        if (m.kind != store::MutationKind::set) return false;
        if (path.starts_with(registered)) continue;
        if (!path.starts_with("/ctl/cal/") || m.value != own) return false;
        auto const held = state.value(std::string(path));
        std::string const id(held ? held->view() : std::string_view());
        if (votes(core, id) && (id == identity_.id || core.reaches(MemberId(id)))) return false;
    }
    return true;
}

/// The voters. While this process reaches so few of them that others may vote by now, it dials
/// any process at their addresses and at the seeds'.
std::vector<Target> Membership::targets(Core const& core, State const& state) const {
    consensus::Configuration const& c = core.configuration();
    std::size_t const reached = count_reached(core);
    bool const enough = core.voter() ? reached + 1 >= c.majority() : reached > 0;
    std::vector<Target> targets;
    for (MemberId const id : c.voters) {
        auto const address = state.value(node_path(id.str(), "addr"));
        if (id == core.me() || !address) continue;
        Target& target = targets.emplace_back(Target{{}, std::string(address->view())});
        if (enough || core.reaches(id)) target.id = id.str();
    }
    if (enough) return targets;
    for (std::string const& seed : seeds_) targets.push_back({std::nullopt, seed});
    return targets;
}

}  // namespace doozer::replica
