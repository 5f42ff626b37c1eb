#include "store/watch_table.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace doozer::store {
namespace {

constexpr std::uint32_t gone = UINT32_MAX;

// A change visits every kept beginning of its path, and every kept ending of what follows. With
// these bounds that is never more than some thousand steps, whatever globs are chosen: longer ones
// are scanned.
constexpr std::size_t indexed_prefix_bytes_max = 256;
constexpr std::size_t indexed_suffix_bytes_max = 32;

// The same for the globs that are tried with every change below their directory.
constexpr std::size_t tried_per_directory_max = 8;
constexpr std::size_t tried_depth_max = 16;
constexpr std::size_t tried_glob_bytes_max = 256;

enum class Place : unsigned char { path, component_run, run, tried };

std::string reverse_of(std::string_view text) {
    return {text.rbegin(), text.rend()};
}

/// The directory that every path which matches is below, with its slash.
std::string_view directory_of(Glob const& glob) {
    std::string_view const prefix = glob.literal_prefix();
    return prefix.substr(0, prefix.rfind('/') + 1);
}

}  // namespace

/// The waiters with one and the same glob.
struct WatchTable::Group {
    Glob glob;
    Place place;
    Beginning* beginning;                // null for a path
    std::string ending;                  // the literal suffix, reversed; for the two kinds of runs
    std::vector<std::uint32_t> waiters;  // indices; `gone` where one was removed
    std::size_t live = 0;
    [[nodiscard]] std::string_view key() const {
        return place == Place::path ? std::string_view(glob.text()) : std::string_view(ending);
    }
};

/// The globs with one and the same literal prefix, and those that are tried in a directory.
struct WatchTable::Beginning {
    std::string prefix;
    NameTrie<Group> component_runs;  // by the reversed ending
    NameTrie<Group> runs;
    std::vector<std::unique_ptr<Group>> tried;
    [[nodiscard]] std::string_view key() const { return prefix; }
    [[nodiscard]] bool empty() const {
        return component_runs.empty() && runs.empty() && tried.empty();
    }
};

WatchTable::~WatchTable() {
    for (std::uint32_t index = 0; index < waiters_.size(); ++index) {
        if (waiters_[index].used) remove(Handle(index));
    }
}

WatchTable::Beginning& WatchTable::beginning_at(std::string_view prefix) {
    if (Beginning* const known = beginnings_.find(prefix)) return *known;
    auto* const made = new Beginning{std::string(prefix), {}, {}, {}};
    beginnings_.insert(*made);
    return *made;
}

WatchTable::Group& WatchTable::path_group(Glob const& glob) {
    if (Group* const known = paths_.find(glob.text())) return *known;
    auto* const made = new Group{glob, Place::path, nullptr, {}, {}};
    paths_.insert(*made);
    return *made;
}

/// Null if there is no room for another one in its directory.
WatchTable::Group* WatchTable::tried_group(Glob const& glob) {
    std::string_view const directory = directory_of(glob);
    auto const depth = std::count(directory.begin(), directory.end(), '/');
    if (glob.text().size() > tried_glob_bytes_max ||
        static_cast<std::size_t>(depth) > tried_depth_max) {
        return nullptr;
    }
    Beginning& beginning = beginning_at(directory);
    for (auto const& group : beginning.tried) {
        if (group->glob.text() == glob.text()) return group.get();
    }
    if (beginning.tried.size() >= tried_per_directory_max) return nullptr;
    beginning.tried.push_back(
        std::make_unique<Group>(Group{glob, Place::tried, &beginning, {}, {}}));
    return beginning.tried.back().get();
}

/// Where the glob's waiters are found at once; null if it has to be scanned.
WatchTable::Group* WatchTable::group_of(Glob const& glob) {
    if (glob.is_literal()) return &path_group(glob);
    if (glob.middle() == Glob::Middle::several) return tried_group(glob);
    if (glob.literal_prefix().size() > indexed_prefix_bytes_max ||
        glob.literal_suffix().size() > indexed_suffix_bytes_max) {
        return tried_group(glob);
    }
    bool const run = glob.middle() == Glob::Middle::run;
    Beginning& beginning = beginning_at(glob.literal_prefix());
    NameTrie<Group>& groups = run ? beginning.runs : beginning.component_runs;
    std::string ending = reverse_of(glob.literal_suffix());
    if (Group* const known = groups.find(ending)) return known;
    Place const place = run ? Place::run : Place::component_run;
    auto* const made = new Group{glob, place, &beginning, std::move(ending), {}};
    groups.insert(*made);
    return made;
}

std::uint32_t WatchTable::new_waiter() {
    ++size_;
    if (free_.empty()) {
        waiters_.emplace_back();
        return static_cast<std::uint32_t>(waiters_.size() - 1);
    }
    std::uint32_t const index = free_.back();
    free_.pop_back();
    return index;
}

WatchTable::Handle WatchTable::add(Glob const& glob, std::uint64_t who, std::uint64_t payer,
                                   Revision seen) {
    std::uint32_t const index = new_waiter();
    Group* const group = group_of(glob);
    waiters_[index] = {group, 0, true, who};
    if (group == nullptr) {
        scan_.add(glob, {who, index, seen}, payer);
        return Handle(index);
    }
    waiters_[index].position = static_cast<std::uint32_t>(group->waiters.size());
    group->waiters.push_back(index);
    ++group->live;
    return Handle(index);
}

void WatchTable::remove(Handle handle) {
    std::uint32_t const index = handle.value();
    DOOZER_ASSERT(index < waiters_.size() && waiters_[index].used);
    Group* const group = waiters_[index].group;
    if (group == nullptr) {
        scan_.remove(index);
        return free_waiter(index);
    }
    group->waiters[waiters_[index].position] = gone;
    --group->live;
    free_waiter(index);
    if (group->live * 2 < group->waiters.size()) {
        std::erase(group->waiters, gone);
        for (std::uint32_t i = 0; i < group->waiters.size(); ++i) {
            waiters_[group->waiters[i]].position = i;
        }
    }
    drop_if_empty(*group);
}

void WatchTable::take(std::string_view path, std::vector<std::uint64_t>& woken) {
    if (size_ == 0) return;
    if (Group* const waiting = paths_.find(path)) wake(*waiting, woken);
    if (!beginnings_.empty()) {
        reversed_.assign(path.rbegin(), path.rend());
        beginnings_.for_each_prefix_of(path, [&](Beginning& beginning) {
            // What follows the prefix, from its end: a suffix can begin no earlier.
            std::size_t const size = path.size() - beginning.prefix.size();
            std::string_view const rest = std::string_view(reversed_).substr(0, size);
            beginning.runs.for_each_prefix_of(rest, [&](Group& group) { wake(group, woken); });
            // A run within a component ends before the first slash, so the suffix begins there at
            // the latest.
            std::size_t const slash = rest.rfind('/');
            beginning.component_runs.for_each_prefix_of(
                rest, [&](Group& group) { wake(group, woken); },
                slash == rest.npos ? 0 : slash + 1);
            for (auto const& group : beginning.tried) {
                if (group->glob.matches(path)) wake(*group, woken);
            }
        });
    }
    for (Group* const group : emptied_) drop_if_empty(*group);
    emptied_.clear();
}

void WatchTable::scan(Store const& store, SearchBudget& budget, std::vector<GlobScan::Due>& due) {
    std::size_t const before = due.size();
    scan_.run(store, budget, due);
    for (std::size_t i = before; i < due.size(); ++i) free_waiter(due[i].handle);
}

void WatchTable::wake(Group& group, std::vector<std::uint64_t>& woken) {
    for (std::uint32_t const index : group.waiters) {
        if (index == gone) continue;
        woken.push_back(waiters_[index].who);
        free_waiter(index);
    }
    group.live = 0;
    emptied_.push_back(&group);
}

void WatchTable::free_waiter(std::uint32_t index) {
    waiters_[index] = {};
    free_.push_back(index);
    --size_;
}

void WatchTable::drop_if_empty(Group& group) {
    if (group.live > 0) return;
    Beginning* const beginning = group.beginning;
    switch (group.place) {
        case Place::path:
            paths_.erase(group.key());
            delete &group;
            return;
        case Place::run:
            beginning->runs.erase(group.key());
            delete &group;
            break;
        case Place::component_run:
            beginning->component_runs.erase(group.key());
            delete &group;
            break;
        case Place::tried:
            std::erase_if(beginning->tried,
                          [&](auto const& other) { return other.get() == &group; });
            break;
    }
    if (!beginning->empty()) return;
    beginnings_.erase(beginning->key());
    delete beginning;
}

}  // namespace doozer::store
