#include "consensus/log.h"

#include "base/limits.h"

namespace doozer::consensus {

void Log::start(Position at) {
    chapters_.clear();
    bytes_ = 0;
    chapters_.push_back({at.epoch, at.slot, at.slot, {}, {}});
}

void Log::append(Item item) {
    Chapter& now = chapters_.back();
    DOOZER_ASSERT(!now.end);
    DOOZER_ASSERT(item.slot >= now.upto);
    bytes_ += item.batch.weight();
    now.upto = item.slot.next();
    now.items.push_back(std::move(item));
}

void Log::reach(Slot upto) {
    Chapter& now = chapters_.back();
    DOOZER_ASSERT(upto >= now.upto);
    now.upto = upto;
}

void Log::end(Configuration next) {
    Epoch const epoch = next.epoch;
    DOOZER_ASSERT(epoch == chapters_.back().epoch.next());
    chapters_.back().end = std::move(next);
    chapters_.push_back({epoch, Slot(0), Slot(0), {}, {}});
    while (chapters_.size() > log_epochs_max) {
        while (!chapters_.front().items.empty()) drop_oldest();
        chapters_.pop_front();
    }
}

Position Log::tip() const {
    return {chapters_.back().epoch, chapters_.back().upto};
}

std::optional<LogRun> Log::read(Position from, std::size_t bytes_max) const {
    auto const chapter = std::find_if(chapters_.begin(), chapters_.end(),
                                      [&](Chapter const& c) { return c.epoch == from.epoch; });
    if (chapter == chapters_.end() || from.slot < chapter->first) return std::nullopt;
    if (from.slot > chapter->upto && !chapter->end) return std::nullopt;
    // Behind the last item of an epoch that is over there was nothing, as far as one may look.
    LogRun run{{}, std::max(chapter->upto, from.slot), chapter->end};
    std::size_t bytes = 0;
    std::size_t const first =
        chapter->items.partition_point([&](Item const& i) { return i.slot < from.slot; });
    for (std::size_t i = first; i < chapter->items.size(); ++i) {
        if (bytes >= bytes_max) {
            run.upto = run.items.back().slot.next();
            run.end.reset();
            break;
        }
        bytes += chapter->items[i].batch.weight();
        run.items.push_back(chapter->items[i]);
    }
    return run;
}

void Log::trim(std::size_t bytes_max, std::optional<Position> pinned) {
    while (bytes_ > bytes_max) {
        while (chapters_.front().items.empty()) chapters_.pop_front();
        Chapter const& oldest = chapters_.front();
        bool const needed = pinned && *pinned <= Position{oldest.epoch, oldest.items.front().slot};
        if (needed && bytes_ <= 4 * bytes_max) return;
        drop_oldest();
    }
}

void Log::drop_oldest() {
    Chapter& oldest = chapters_.front();
    bytes_ -= oldest.items.front().batch.weight();
    oldest.first = oldest.items.front().slot.next();
    oldest.items.pop_front();
}

}  // namespace doozer::consensus
