#include "store/listing.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace doozer::store {
namespace {

constexpr std::size_t mark_every_offsets = 64;
constexpr std::size_t mark_every_steps = 1024;

/// Lets through the names that are there at a revision. When the budget is spent it lets through
/// whatever comes next, so that the search stops and can go on from there.
struct PresentAt {
    Revision at;
    History const* history;
    SearchBudget* budget;

    [[nodiscard]] bool subtree(Presence const& presence) const {
        budget->use();
        return presence.present > 0 || presence.changed > at;
    }
    [[nodiscard]] bool leaf(Entry const& entry) const {
        budget->use();
        return budget->spent() || present(entry);
    }
    [[nodiscard]] bool present(Entry const& entry) const {
        return version_at(entry, at, *history).rev != missing ||
               directory_at(entry, at).has_value();
    }
};

}  // namespace

Version version_at(Entry const& entry, Revision at, History const& history) {
    if (entry.last_change <= at) return entry.newest;
    Revision const rev = history.newest_not_after(entry.last_change, at);
    if (rev == missing) return entry.base;
    Record const& record = history.at(rev);
    return record.kind == EventKind::set ? Version{rev, record.value} : Version{};
}

std::optional<std::uint32_t> directory_at(Entry const& entry, Revision at) {
    std::uint32_t const count = entry.directory ? entry.directory->counts.at(at) : 0;
    if (count == 0 && entry.parent != nullptr) return std::nullopt;
    return count;
}

Listing::Listing(Entry const& top, Glob glob, Revision at)
    : top_(&top), glob_(std::move(glob)), at_(at) {}

Listing::Listing(Entry const& top, Revision at) : top_(&top), at_(at) {}

Listing::Answer Listing::seek(std::size_t offset, History const& history, SearchBudget& budget) {
    DOOZER_ASSERT(at_ >= history.first());
    Mark mark = nearest_mark(offset);
    while (!mark.counts || mark.offset != offset) {
        bool const at_front = mark.entry == front_.entry;
        if (at_front && complete_) return {State::end, nullptr};
        if (budget.spent()) return {State::unfinished, nullptr};
        std::optional<Parked> parked = at_front ? std::exchange(parked_, {}) : std::nullopt;
        std::size_t const steps_before = budget.steps;
        Step const step = advance(mark, parked, history, budget);
        if (at_front) {
            steps_unmarked_ += steps_before - budget.steps;
            parked_ = std::move(parked);
            complete_ = step == Step::end;
            front_ = mark;
            if (step == Step::moved) remember(mark);
        }
        if (step == Step::parked) return {State::unfinished, nullptr};
    }
    last_ = mark;
    return {State::found, mark.entry};
}

/// Moves `mark` to the next name that is there, or says why not.
Listing::Step Listing::advance(Mark& mark, std::optional<Parked>& parked, History const& history,
                               SearchBudget& budget) const {
    PresentAt filter{at_, &history, &budget};
    Entry const* const from = mark.entry != nullptr ? mark.entry : top_;
    Entry const* found = nullptr;
    Entry const* level = from;  // the next candidates are the names after this one
    if (parked) {
        found = parked->directory->directory->children.first_after(parked->name, filter);
        level = parked->directory;
    } else if (enters(*from, budget)) {
        found = from->directory->children.first(filter);
    }
    while (found == nullptr && level != top_) {
        found = level->parent->directory->children.first_after(level->key(), filter);
        level = level->parent;
    }
    parked.reset();
    if (found == nullptr) return Step::end;
    if (!filter.present(*found)) {
        parked = Parked{found->parent, std::string(found->key())};
        return Step::parked;
    }
    if (mark.counts) ++mark.offset;
    mark.entry = found;
    mark.counts = counts(*found, history, budget);
    return Step::moved;
}

/// Whether the listing goes on with the names in `directory`, once it has come there.
bool Listing::enters(Entry const& directory, SearchBudget& budget) const {
    if (!directory_at(directory, at_)) return false;
    if (!glob_) return &directory == top_;
    std::string path;
    if (directory.parent != nullptr) append_path(path, directory);
    budget.use(glob_->cost_max(path.size()));
    return glob_->may_match_below(path);
}

bool Listing::counts(Entry const& entry, History const& history, SearchBudget& budget) const {
    if (!glob_) return true;
    if (version_at(entry, at_, history).rev == missing) return false;
    std::string path;
    append_path(path, entry);
    budget.use(glob_->cost(path));
    return glob_->matches(path);
}

/// Far enough from each other to be few, near enough that no way between two is long.
void Listing::remember(Mark const& mark) {
    if (!mark.counts) return;
    if (mark.offset % mark_every_offsets != 0 && steps_unmarked_ < mark_every_steps) return;
    marks_.push_back(mark);
    steps_unmarked_ = 0;
}

Listing::Mark Listing::nearest_mark(std::size_t offset) const {
    auto const after =
        std::upper_bound(marks_.begin(), marks_.end(), offset,
                         [](std::size_t o, Mark const& mark) { return o < mark.offset; });
    Mark best = after == marks_.begin() ? Mark{} : *std::prev(after);
    for (Mark const& mark : {last_, front_}) {
        if (mark.entry != nullptr && mark.offset <= offset && mark.offset >= best.offset) {
            best = mark;
        }
    }
    return best;
}

std::shared_ptr<Listing> Listings::find_or_make(Entry const& top, Glob const* glob, Revision at) {
    std::string const text = glob != nullptr ? glob->text() : std::string();
    auto const same = [&](Item const& item) {
        return item.listing->at() == at && item.top == &top && item.glob == text;
    };
    auto const found = std::find_if(recent_first_.begin(), recent_first_.end(), same);
    if (found != recent_first_.end()) {
        recent_first_.splice(recent_first_.begin(), recent_first_, found);
        return recent_first_.front().listing;
    }
    if (recent_first_.size() == listings_max) recent_first_.pop_back();
    auto listing = glob != nullptr ? std::make_shared<Listing>(top, *glob, at)
                                   : std::make_shared<Listing>(top, at);
    recent_first_.push_front({&top, text, listing});
    return listing;
}

void Listings::collect(Revision first) {
    recent_first_.remove_if([&](Item const& item) { return item.listing->at() < first; });
}

}  // namespace doozer::store
