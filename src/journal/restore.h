// Writing what a journal holds into a cluster.
#pragma once

#include <cstdint>
#include <functional>

#include "doozer/client.h"
#include "journal/journal.h"

namespace doozer::journal {

struct Restored {
    std::uint64_t written = 0;
    std::uint64_t same = 0;  ///< were there already
};

/// How many of how many files are done.
using OnProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Sets every file of the journal in the order of the journal; the files get new revisions. Without
/// `force` nothing is written if the cluster holds a file outside /ctl that the journal does not
/// hold exactly so: it would be newer. With `force` the journal's files replace those of the
/// cluster, and the others stay. Error: that refusal; the cluster's; a file was changed by somebody
/// else meanwhile.
Result<Restored> restore(Client& client, Journal const& journal, bool force,
                         OnProgress const& on_progress);

/// Shows progress on standard error, as a bar if that is a terminal, otherwise as some lines.
class ProgressBar {
  public:
    void show(std::uint64_t done, std::uint64_t all);

  private:
    std::uint64_t shown_percent_ = 101;
};

}  // namespace doozer::journal
