#include "replica/stream.h"

#include <utility>

#include "base/assert.h"

namespace doozer::replica {

using store::Event;
using store::EventKind;
using store::FileSearch;
using store::SearchBudget;
using store::Store;

struct Stream::Part {
    std::shared_ptr<ReplyEvents> out = std::make_shared<ReplyEvents>();
    std::size_t bytes = 0;

    [[nodiscard]] bool is_full() const { return bytes >= stream_part_bytes; }
    void add(ReplyEvent event) {
        bytes += event.path.size() + event.value.size() + event.before_value.size();
        bytes += event_overhead_bytes;
        out->events.push_back(std::move(event));
    }
};

Stream::Stream(std::optional<Tag> tag, store::Glob glob, Revision from, std::int32_t options)
    : tag_(tag), glob_(std::move(glob)), next_(from), options_(options) {
    if ((options_ & watch_state) != 0) {
        walk_.emplace(glob_, store::Path::root(), Revision(next_.value() - 1));
    }
}

Revision Stream::told() const {
    // While the state is told, nothing is known of the files that have not had their turn.
    return walk_ ? missing : Revision(next_.value() - 1);
}

std::shared_ptr<ReplyEvents const> Stream::next_part(Store const& store, SearchBudget& budget) {
    DOOZER_ASSERT(!is_too_late(store));
    Part part;
    part.out->is_first = false;
    part.out->goes_on = true;
    read_history(store, budget, part);
    if (walk_ && next_ > store.revision() && !part.is_full()) read_state(store, budget, part);
    if (part.out->events.empty() && !part.out->complete) return nullptr;
    return std::move(part.out);
}

void Stream::read_history(Store const& store, SearchBudget& budget, Part& part) {
    std::string path;
    for (; next_ <= store.revision() && !part.is_full() && !budget.spent(); ++next_) {
        Event const event = store.event(next_, path);
        budget.use(glob_.cost(path));
        if (!glob_.matches(path) || (walk_ && !walk_->has_passed(path))) continue;
        budget.use(stream_event_steps);
        add_change(store, event, part);
    }
}

void Stream::read_state(Store const& store, SearchBudget& budget, Part& part) {
    walk_->move_to(store.revision());
    auto const state =
        store.search(*walk_, budget, [&](std::string_view path, store::Version version) {
            budget.use(stream_event_steps);
            part.add({.path = Bytes(path),
                      .value = std::move(version.value),
                      .rev = version.rev,
                      .flags = flag_set});
            return !part.is_full();
        });
    if (state != FileSearch::State::end) return;
    walk_.reset();
    part.out->complete = store.revision();
}

void Stream::add_change(Store const& store, Event const& event, Part& part) const {
    ReplyEvent out{.path = Bytes(event.path), .value = event.value, .rev = event.rev};
    if (event.kind == EventKind::set) out.flags = flag_set;
    if (event.kind == EventKind::del) out.flags = flag_del;
    if ((options_ & watch_before) != 0) {
        auto const before = store.change_before(store::Path::trusted(event.path), event.rev);
        bool const was_there = before && before->kind == EventKind::set;
        out.before_rev = was_there ? before->rev : missing;
        if (was_there) out.before_value = before->value;
    }
    part.add(std::move(out));
}

std::size_t Stream::memory() const {
    bool const walks = (options_ & watch_state) != 0;
    return 1024 + (walks ? 4 * path_bytes_max : 0) + 4 * glob_.text().size();
}

}  // namespace doozer::replica
