// Taking over what a cluster holds when its history no longer tells.
#pragma once

#include <functional>
#include <string>

#include "doozer/client.h"
#include "journal/journal.h"

namespace doozer::journal {

/// Called for every file outside /ctl, in the order of the walk; what it refuses ends the walk.
using OnFile = std::function<Result<Done>(Event const&)>;

/// Every file as of that revision, many at a time, without ever holding all of them.
/// Error: too_late if the history has gone on; as Client::walk; as `on_file`.
Result<Done> walk_files(Client& client, Revision at, OnFile const& on_file);

/// What the copier does with each change that it finds.
struct CopyTarget {
    Journal& journal;
    /// Adds the change to the journal's group.
    std::function<void(Mutation const&)> add;
    /// Makes sure that what was read is the cluster that is meant, before any of it is journaled.
    std::function<Result<Done>()> recognise;
    /// Forces the group to disk.
    std::function<base::Result<base::Done>()> commit;
};

/// Journals the difference between the journal and the cluster as of some present revision, which
/// is returned: deletes first, then files in the order of their revisions, so that a copy that is
/// interrupted is taken up by the next. Error: the journal holds a file of a higher revision than
/// the cluster does; the disk's; the cluster's.
Result<Revision> copy_difference(Client& client, CopyTarget const& target);

}  // namespace doozer::journal
