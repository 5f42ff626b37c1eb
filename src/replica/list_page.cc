#include "replica/list_page.h"

#include <string>
#include <utility>

namespace doozer::replica {

store::Glob files_meant(store::Glob const& glob, store::Store const& store, Revision at) {
    if (!glob.is_literal()) return glob;
    auto const path = store::Path::trusted(glob.text());
    if (store.find(path, at).kind != store::Found::Kind::directory) return glob;
    std::string below = path.is_root() ? std::string() : glob.text();
    // No path below so long a directory has room for another slash, so `*` is as good.
    below += below.size() + 3 > path_bytes_max ? "/*" : "/**";
    return store::Glob::parse(below).value();
}

std::optional<Errc> ListPage::refusal() const {
    if (!store::Path::parse(after_).ok()) return Errc::bad_path;
    if (limit_ && *limit_ <= 0) return Errc::range;
    return std::nullopt;
}

bool ListPage::complete(store::Store const& store, store::Glob const& glob, Revision at,
                        store::SearchBudget& budget) {
    if (!search_) {
        search_.emplace(files_meant(glob, store, at), store::Path::trusted(after_), at);
        page_ = std::make_shared<ReplyEvents>();
        bytes_ = 0;
    }
    auto const visit = [this](std::string_view path, store::Version version) {
        return add(path, std::move(version));
    };
    return store.search(*search_, budget, visit) != store::FileSearch::State::unfinished;
}

void ListPage::begin_anew() {
    search_.reset();
    page_.reset();
}

/// False: there is no room for this file.
bool ListPage::add(std::string_view path, store::Version version) {
    std::size_t const bytes = path.size() + version.value.size() + event_overhead_bytes;
    bool const has_room = page_->events.empty() || bytes_ + bytes <= list_page_bytes;
    bool const at_limit = limit_ && page_->events.size() == static_cast<std::size_t>(*limit_);
    if (!has_room || at_limit) {
        page_->more = true;
        return false;
    }
    bytes_ += bytes;
    page_->events.push_back({Bytes(path), std::move(version.value), version.rev, flag_set});
    return true;
}

std::size_t ListPage::memory() const {
    std::size_t const fixed = sizeof(ListPage) + after_.size();
    if (!page_) return fixed;
    std::size_t const of_search = sizeof(ReplyEvents) + 4 * path_bytes_max;
    std::size_t const of_event = 2 * sizeof(ReplyEvent) + 2 * Bytes::overhead_bytes;
    return fixed + of_search + bytes_ + page_->events.size() * of_event;
}

}  // namespace doozer::replica
