// One answer to LIST in the making: files from a path on, all of one revision, until the answer is
// full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "replica/effects.h"
#include "store/store.h"

namespace doozer::replica {

/// The files that `glob` means to LIST: below it, if it is a directory at that revision.
store::Glob files_meant(store::Glob const& glob, store::Store const& store, Revision at);

class ListPage {
  public:
    /// Files after the path `after`, and no more than `limit`.
    ListPage(std::string_view after, std::optional<std::int32_t> limit)
        : after_(after), limit_(limit) {}

    /// What is wrong with the arguments. REQUIRES of all else: nothing is.
    [[nodiscard]] std::optional<Errc> refusal() const;

    /// Goes on with the files that `glob` means at revision `at`, as far as the budget lasts. True:
    /// the page is complete. REQUIRES: the same glob and revision each time, until begin_anew();
    /// the revision is in the history.
    bool complete(store::Store const& store, store::Glob const& glob, Revision at,
                  store::SearchBudget& budget);
    /// Forgets what was found.
    void begin_anew();
    /// REQUIRES: complete() was true.
    std::shared_ptr<ReplyEvents const> take() { return std::move(page_); }

    /// The memory that it holds. A value counts in full, for the store may forget it meanwhile.
    [[nodiscard]] std::size_t memory() const;

  private:
    bool add(std::string_view path, store::Version version);

    std::string after_;
    std::optional<std::int32_t> limit_;
    std::optional<store::FileSearch> search_;
    std::shared_ptr<ReplyEvents> page_;
    std::size_t bytes_ = 0;  // of the answer
};

}  // namespace doozer::replica
