#include "journal/restore.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "journal/copy.h"
#include "journal/gather.h"

namespace doozer::journal {
namespace {

/// The value that the journal has for a file.
Result<std::string> value_of(Journal const& journal, Index::Entry const& entry) {
    auto data = journal.read(entry.place);
    if (!data.ok()) return Error{Errc::other, data.error().detail};
    auto const mutation = parse_mutation(data.value());
    DOOZER_ASSERT(mutation.ok());
    DOOZER_ASSERT(mutation.value().is_set());
    return std::string(*mutation.value().value);
}

class Restoring {
  public:
    Restoring(Client& client, Journal const& journal, OnProgress const& on_progress)
        : client_(client), journal_(journal), on_progress_(on_progress) {}

    /// Finds out what is there already.
    Result<Done> look(Revision at, bool force) {
        auto const walked = walk_files(client_, at, [&](Event const& file) { return see(file); });
        if (!walked.ok()) return walked.error();
        if (others_ == 0 || force) return Done{};
        return Error{Errc::other, "the cluster holds newer data: " + std::to_string(others_) +
                                      " files that are not so in the journal, " + other_ +
                                      " for one; nothing was restored; -force replaces them"};
    }

    Result<Restored> write() {
        std::vector<Item> items;
        for (auto const& [path, entry] : journal_.index().files())
            if (!same_.contains(path)) items.push_back({&path, &entry});
        std::sort(items.begin(), items.end(), [](Item const& a, Item const& b) {
            return a.entry->place.offset < b.entry->place.offset;
        });
        for (std::size_t i = 0; i < items.size(); i += base::persist_copy_requests_max) {
            std::size_t const count = std::min(base::persist_copy_requests_max, items.size() - i);
            if (auto const done = write_some({items.data() + i, count}); !done.ok())
                return done.error();
            on_progress_(i + count, items.size());
        }
        return Restored{items.size(), same_.size()};
    }

  private:
    struct Item {
        std::string const* path;
        Index::Entry const* entry;
    };

    Result<Done> see(Event const& file) {
        if (auto const* const entry = journal_.index().find(file.path)) {
            auto const value = value_of(journal_, *entry);
            if (!value.ok()) return value.error();
            if (*value == file.value) {
                same_.insert(file.path);
                return Done{};
            }
        }
        if (others_++ == 0) other_ = file.path;
        seen_.emplace(file.path, file.rev);
        return Done{};
    }

    Result<Done> write_some(std::span<Item const> items) {
        std::vector<std::string> values;
        for (Item const& item : items) {
            auto value = value_of(journal_, *item.entry);
            if (!value.ok()) return value.error();
            values.push_back(std::move(value).value());
        }
        auto const written =
            gather<Revision>(items.size(), [&](std::size_t i, Callback<Revision> done) {
                client_.async_set(*items[i].path, values[i], condition_of(*items[i].path),
                                  std::move(done));
            });
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (written[i].ok()) continue;
            auto const done = again(*items[i].path, values[i], written[i].error());
            if (!done.ok()) return done.error();
        }
        return Done{};
    }

    /// A write whose answer was lost may have been done.
    Result<Done> again(std::string const& path, std::string const& value, Error error) {
        while (error.code == Errc::unknown_outcome) {
            auto const there = client_.get(path);
            if (!there.ok()) return there.error();
            if (there->exists() && there->value == value) return Done{};
            auto const written = client_.set(path, value, condition_of(path));
            if (written.ok()) return Done{};
            error = written.error();
        }
        return Error{error.code, "restoring " + path + ": " + error.message()};
    }

    /// What was seen, so that nobody's change is overwritten.
    [[nodiscard]] Revision condition_of(std::string const& path) const {
        auto const seen = seen_.find(path);
        return seen == seen_.end() ? missing : seen->second;
    }

    Client& client_;
    Journal const& journal_;
    OnProgress const& on_progress_;
    std::unordered_set<std::string> same_;
    std::unordered_map<std::string, Revision> seen_;
    std::uint64_t others_ = 0;
    std::string other_;
};

}  // namespace

Result<Restored> restore(Client& client, Journal const& journal, bool force,
                         OnProgress const& on_progress) {
    for (int attempt = 0; attempt < base::persist_copy_attempts_max; ++attempt) {
        auto const at = client.rev();
        if (!at.ok()) return at.error();
        Restoring restoring(client, journal, on_progress);
        auto const looked = restoring.look(*at, force);
        if (looked.ok()) return restoring.write();
        if (looked.error().code != Errc::too_late) return looked.error();
    }
    return Error{Errc::too_late, "the history went on faster than the files could be read"};
}

void ProgressBar::show(std::uint64_t done, std::uint64_t all) {
    std::uint64_t const percent = all == 0 ? 100 : done * 100 / all;
    if (percent == shown_percent_) return;
    bool const is_terminal = isatty(STDERR_FILENO) != 0;
    if (is_terminal) {
        std::string bar(50, '.');
        std::fill_n(bar.begin(), percent / 2, '#');
        std::fprintf(stderr, "\rrestoring [%s] %3" PRIu64 " %% of %" PRIu64 " files%s", bar.c_str(),
                     percent, all, done == all ? "\n" : "");
    } else if (shown_percent_ > 100 || percent / 10 > shown_percent_ / 10) {
        std::fprintf(stderr, "doozerp: restored %" PRIu64 " of %" PRIu64 " files\n", done, all);
    }
    shown_percent_ = percent;
}

}  // namespace doozer::journal
