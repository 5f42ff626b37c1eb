#include "journal/copy.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "journal/gather.h"

namespace doozer::journal {
namespace {

Error failed(base::Error const& error) {
    return {Errc::other, error.detail};
}

/// One attempt, at one revision.
class Difference {
  public:
    Difference(Client& client, CopyTarget const& target, Revision at)
        : client_(client), target_(target), at_(at) {}

    Result<Done> journal() {
        std::uint64_t const connection = client_.connections();
        auto const walked = walk_files(client_, at_, [&](Event const& file) { return see(file); });
        if (!walked.ok()) return walked.error();
        if (auto const ours = target_.recognise(); !ours.ok()) return ours.error();
        if (client_.connections() != connection) return Error{Errc::too_late, {}};
        if (auto const done = delete_others(); !done.ok()) return done.error();
        std::sort(changed_.begin(), changed_.end());
        for (std::size_t i = 0; i < changed_.size(); i += base::persist_copy_requests_max)
            if (auto const done = fetch(i); !done.ok()) return done.error();
        return commit();
    }

  private:
    using Changed = std::pair<Revision, std::string>;

    Result<Done> see(Event const& file) {
        there_.insert(file.path);
        auto const* const entry = target_.journal.index().find(file.path);
        if (entry != nullptr && entry->rev.value() == file.rev.value()) return Done{};
        if (entry != nullptr && entry->rev.value() > file.rev.value())
            return Error{Errc::other, "the journal is newer than the cluster: it has " + file.path +
                                          " of revision " + std::to_string(entry->rev.value()) +
                                          ", the cluster of " + std::to_string(file.rev.value())};
        changed_.emplace_back(file.rev, file.path);
        return Done{};
    }

    /// With the last revision that the journal has: a journal that ends there makes the next copy
    /// begin anew, and not behind changes that this one did not get to.
    Result<Done> delete_others() {
        auto const& index = target_.journal.index();
        std::vector<std::string> gone;
        for (auto const& [path, entry] : index.files())
            if (!there_.contains(path)) gone.push_back(path);
        for (std::string const& path : gone) {
            target_.add({index.last().rev, path, std::nullopt});
            if (auto const done = commit_if_full(); !done.ok()) return done.error();
        }
        return Done{};
    }

    Result<Done> fetch(std::size_t begin) {
        std::size_t const count =
            std::min(base::persist_copy_requests_max, changed_.size() - begin);
        auto const files = gather<File>(count, [&](std::size_t i, Callback<File> done) {
            client_.async_get(changed_[begin + i].second, at_, std::move(done));
        });
        for (std::size_t i = 0; i < count; ++i) {
            if (!files[i].ok()) return files[i].error();
            auto const& [rev, path] = changed_[begin + i];
            if (files[i]->rev != rev) return Error{Errc::too_late, {}};
            target_.add({base::Revision(rev.value()), path, files[i]->value});
            if (auto const done = commit_if_full(); !done.ok()) return done.error();
        }
        return Done{};
    }

    Result<Done> commit_if_full() {
        if (target_.journal.group_bytes() < base::journal_group_bytes_max) return Done{};
        return commit();
    }

    Result<Done> commit() {
        auto const done = target_.commit();
        if (!done.ok()) return failed(done.error());
        return Done{};
    }

    Client& client_;
    CopyTarget const& target_;
    Revision const at_;
    std::unordered_set<std::string> there_;
    std::vector<Changed> changed_;
};

}  // namespace

Result<Done> walk_files(Client& client, Revision at, OnFile const& on_file) {
    // In a store without any change there is no revision 1 to look at yet.
    if (at == missing) return Done{};
    for (std::int32_t offset = 0;; offset += base::persist_copy_requests_max) {
        auto const events = gather<Event>(
            base::persist_copy_requests_max, [&](std::size_t i, Callback<Event> done) {
                client.async_walk_at("/**", offset + static_cast<std::int32_t>(i), at,
                                     std::move(done));
            });
        for (auto const& event : events) {
            if (!event.ok() && event.error().code == Errc::range) return Done{};
            if (!event.ok()) return event.error();
            if (is_control(event->path)) continue;
            if (auto const done = on_file(*event); !done.ok()) return done.error();
        }
    }
}

Result<Revision> copy_difference(Client& client, CopyTarget const& target) {
    Error last{Errc::too_late, {}};
    for (int attempt = 0; attempt < base::persist_copy_attempts_max; ++attempt) {
        auto const at = client.rev();
        if (!at.ok()) return at.error();
        auto const done = Difference(client, target, *at).journal();
        if (done.ok()) return *at;
        if (done.error().code != Errc::too_late) return done.error();
        last.detail =
            "the files of the cluster could not be copied: its history goes on too fast, "
            "or connections to it are lost all the time";
    }
    return last;
}

}  // namespace doozer::journal
