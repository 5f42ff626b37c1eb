#include "server/chronicle.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace doozer::server {

using replica::MemberStatus;
using replica::ProcessStatus;
using replica::Status;

namespace {

std::string named(ProcessStatus const& p) {
    return p.id + " at " + p.address;
}

template <typename Processes>
auto find(Processes const& processes, base::ProcessId const& id) {
    auto const at = std::find_if(processes.begin(), processes.end(),
                                 [&](ProcessStatus const& p) { return p.id == id; });
    return at == processes.end() ? nullptr : &*at;
}

std::string epoch_text(Status const& s) {
    std::string text = "epoch " + std::to_string(s.epoch) +
                       " begins: " + std::to_string(s.members.size()) + " members, lanes of";
    for (MemberStatus const& m : s.members) {
        if (m.owner) text += " " + m.id;
    }
    return text;
}

}  // namespace

void Chronicle::add(std::int64_t at_ms, std::string_view kind, std::string text) {
    // What comes again with every new link says nothing new.
    if (!events_.empty() && events_.back().text == text) return;
    events_.push_back({next_seq_++, at_ms, kind, std::move(text)});
    if (events_.size() > base::status_entries_max) events_.pop_front();
}

void Chronicle::note(std::int64_t at_ms, consensus::TraceEvent const& event) {
    using consensus::Happened;
    std::string const epoch = std::to_string(event.epoch.value());
    switch (event.what) {
        case Happened::suspected:
            return add(at_ms, "suspected",
                       "epoch " + epoch + " stands still before slot " +
                           std::to_string(event.value) + ": asked to close it");
        case Happened::sealed:
            return add(at_ms, "seal", "epoch " + epoch + " was sealed");
        case Happened::left_behind:
            return add(at_ms, "forced",
                       "the cluster was forced on without this process: start it anew to join "
                       "again");
        case Happened::resurrected:
            return add(at_ms, "suspected",
                       "a member was set back to an earlier state of itself: it is not heard "
                       "again until it is started anew");
        default:
            return;
    }
}

void Chronicle::look(std::int64_t at_ms, Status status) {
    if (status.epoch == 0) return;
    if (seen_.epoch > 0) {
        if (status.lineage != seen_.lineage) {
            add(at_ms, "forced",
                "the cluster was forced on and continues at revision " +
                    std::to_string(status.revision.value()));
        }
        compare_members(at_ms, status);
        compare_followers(at_ms, status);
        if (status.epoch != seen_.epoch) add(at_ms, "epoch", epoch_text(status));
        if (status.quorum && !seen_.quorum) {
            add(at_ms, "quorum back", "a majority of the members is heard again");
        } else if (!status.quorum && seen_.quorum) {
            add(at_ms, "quorum lost", "no majority of the members is heard");
        }
    }
    seen_ = std::move(status);
}

void Chronicle::compare_members(std::int64_t at_ms, Status const& now) {
    for (MemberStatus const& m : seen_.members) {
        if (find(now.members, m.id) == nullptr) {
            add(at_ms, "removed", named(m) + " is no member any more");
        }
    }
    for (MemberStatus const& m : now.members) {
        MemberStatus const* const before = find(seen_.members, m.id);
        if (before != nullptr) {
            compare_member(at_ms, *before, m);
        } else {
            add(at_ms, "joined", named(m) + " is a member now");
        }
    }
}

void Chronicle::compare_member(std::int64_t at_ms, MemberStatus const& before,
                               MemberStatus const& now) {
    if (before.up && !now.up) add(at_ms, "suspected", named(now) + " is not heard any more");
    if (!before.up && now.up) add(at_ms, "trusted", named(now) + " is heard again");
    if (before.owner && !now.owner) add(at_ms, "demoted", named(now) + " has lost its lane");
    if (!before.owner && now.owner) add(at_ms, "readmitted", named(now) + " has a lane again");
}

void Chronicle::compare_followers(std::int64_t at_ms, Status const& now) {
    for (ProcessStatus const& f : now.followers) {
        bool const known = find(seen_.followers, f.id) || find(seen_.members, f.id);
        if (!known) add(at_ms, "joined", named(f) + " follows");
    }
    for (ProcessStatus const& f : seen_.followers) {
        bool const stays = find(now.followers, f.id) || find(now.members, f.id);
        if (!stays) add(at_ms, "removed", named(f) + " does not follow any more");
    }
}

}  // namespace doozer::server
