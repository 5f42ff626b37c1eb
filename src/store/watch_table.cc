#include "store/watch_table.h"

#include <map>
#include <utility>

#include "base/assert.h"

namespace doozer::store {

/// Those who wait with one and the same glob.
struct WatchTable::Group {
    Glob glob;
    Beginning* beginning;
    std::vector<std::uint32_t> waiters;  // indices; `gone` where one was removed
    std::size_t live = 0;
};

/// The globs with one and the same literal prefix.
struct WatchTable::Beginning {
    std::string prefix;
    std::map<std::string_view, std::unique_ptr<Group>> groups;  // by the glob's text
    [[nodiscard]] std::string_view key() const { return prefix; }
};

namespace {
constexpr std::uint32_t gone = UINT32_MAX;
}  // namespace

WatchTable::~WatchTable() {
    for (Waiter const& waiter : waiters_) {
        if (waiter.group == nullptr) continue;
        Group& group = *waiter.group;
        for (std::uint32_t const index : group.waiters) {
            if (index != gone) waiters_[index].group = nullptr;
        }
        group.live = 0;
        drop_if_empty(group);
    }
}

WatchTable::Beginning& WatchTable::beginning_of(Glob const& glob) {
    if (Beginning* const known = beginnings_.find(glob.literal_prefix())) return *known;
    auto* const made = new Beginning{std::string(glob.literal_prefix()), {}};
    beginnings_.insert(*made);
    return *made;
}

WatchTable::Handle WatchTable::add(Glob const& glob, std::uint64_t who) {
    Beginning& beginning = beginning_of(glob);
    auto const known = beginning.groups.find(glob.text());
    if (known == beginning.groups.end()) {
        auto made = std::make_unique<Group>(Group{glob, &beginning, {}, 0});
        std::string_view const text = made->glob.text();
        beginning.groups.emplace(text, std::move(made));
    }
    Group& group = *beginning.groups.find(glob.text())->second;

    std::uint32_t index;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(waiters_.size());
        waiters_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    waiters_[index] = {&group, static_cast<std::uint32_t>(group.waiters.size()), who};
    group.waiters.push_back(index);
    ++group.live;
    ++size_;
    return Handle(index);
}

void WatchTable::remove(Handle handle) {
    std::uint32_t const index = handle.value();
    DOOZER_ASSERT(index < waiters_.size() && waiters_[index].group != nullptr);
    Group& group = *waiters_[index].group;
    group.waiters[waiters_[index].position] = gone;
    --group.live;
    free_waiter(index);
    if (group.live * 2 < group.waiters.size()) {
        std::erase(group.waiters, gone);
        for (std::uint32_t i = 0; i < group.waiters.size(); ++i) {
            waiters_[group.waiters[i]].position = i;
        }
    }
    drop_if_empty(group);
}

void WatchTable::take(std::string_view path, std::vector<std::uint64_t>& woken) {
    if (size_ == 0) return;
    std::vector<Group*> emptied;
    beginnings_.for_each_prefix_of(path, [&](Beginning& beginning) {
        for (auto const& [text, group] : beginning.groups) {
            if (!group->glob.matches(path)) continue;
            for (std::uint32_t const index : group->waiters) {
                if (index == gone) continue;
                woken.push_back(waiters_[index].who);
                free_waiter(index);
            }
            group->live = 0;
            emptied.push_back(group.get());
        }
    });
    for (Group* const group : emptied) drop_if_empty(*group);
}

void WatchTable::free_waiter(std::uint32_t index) {
    waiters_[index].group = nullptr;
    free_.push_back(index);
    --size_;
}

void WatchTable::drop_if_empty(Group& group) {
    if (group.live > 0) return;
    Beginning& beginning = *group.beginning;
    beginning.groups.erase(group.glob.text());
    if (!beginning.groups.empty()) return;
    beginnings_.erase(beginning.key());
    delete &beginning;
}

}  // namespace doozer::store
