// The state that all members hold alike: the store, and which ids may vote. A function of the
// batches applied so far and of nothing else.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "consensus/application.h"
#include "replica/change.h"
#include "store/snapshot.h"
#include "store/store.h"

namespace doozer::replica {

using consensus::MemberId;
using consensus::MemberIds;

/// A file as it was when a cluster was lost.
struct Restored {
    std::string path;
    Revision rev;
    std::string value;
};

class State {
  public:
    /// `known`: the rules that this program can apply changes by.
    explicit State(store::StoreLimits limits, RulesTable known = {})
        : limits_(limits), known_(std::move(known)), store_(limits) {}

    /// The voters before the first change, when a cluster is founded. It begins with the newest
    /// rules.
    void found(MemberId founder) {
        voters_ = {founder};
        rules_ = known_.newest();
    }

    /// The tree that the cluster begins with: files with the revisions that they had elsewhere,
    /// none
    /// above `last`. Changes after that have revisions that were never given there, from the next
    /// multiple of 2^40 on. False: a file has no place in a tree. REQUIRES: nothing was applied
    /// yet.
    bool restore(std::vector<Restored> const& files, Revision last);

    /// Applies a change, if its guard lets it.
    std::optional<store::Applied> apply(Change const& change);

    /// Goes over to the next rules if all processes that vote or are in /ctl/node know them, by
    /// their versions there. Otherwise the order leaves no trace. A program that does not know the
    /// rules ignores the order if a process there is not newer than itself: then it knows that the
    /// order did not count.
    void switch_rules(Rules to);
    /// The next rules, if all processes know them and so does this program.
    [[nodiscard]] std::optional<Rules> next_rules() const;
    /// The rules by which changes are applied.
    [[nodiscard]] Rules rules() const { return rules_; }
    /// The cluster has gone over to rules that this program does not know: its copy may be wrong.
    [[nodiscard]] bool is_outdated() const { return rules_ > known_.newest(); }

    /// To be called after each batch: the voters, if the batch changed them. A slot counts if it
    /// holds the id of a process that was never removed, and that votes already or was put there by
    /// a guarded or vouched change of this very batch; then it also needs its address in /ctl/node
    /// and a version that knows the rules. By the first rules any change may have put it there. A
    /// change that would leave no voter leaves the voters as they are.
    ///
    /// Without "guarded or vouched" a client could write three invented ids into slots: then no
    /// majority ever answers, and no write can take that back (decision 0016).
    std::optional<MemberIds> take_new_voters();

    /// The survivor goes on alone, at the next multiple of 2^40: no revision that other members may
    /// have given out is given again. The files that were changed by what it took over are written
    /// again there. Calls made(store::Event) for each change that this makes.
    template <typename Made>
    void force(MemberId survivor, std::set<std::string> const& taken_over, Made made);

    // --- given to others, and taken from them: as consensus::Application has it
    std::uint64_t begin_snapshot();
    consensus::SnapshotPiece next_piece(std::uint64_t snapshot);
    void end_snapshot(std::uint64_t snapshot) { giving_.erase(snapshot); }
    void begin_install() { taking_.emplace(limits_); }
    /// False may also mean is_outdated().
    bool install_piece(std::string_view piece);
    bool finish_install();
    void abandon_install() { taking_.reset(); }

    /// A digest of every change and of what came of it.
    [[nodiscard]] std::uint64_t chain() const { return chain_; }
    [[nodiscard]] MemberIds const& voters() const { return voters_; }
    [[nodiscard]] bool was_removed(MemberId id) const { return removed_.contains(id); }
    [[nodiscard]] store::Store const& store() const { return store_; }
    [[nodiscard]] store::Store& store() { return store_; }

    // --- what the tree says about processes
    /// The newest content of a file; none if it does not exist.
    [[nodiscard]] std::optional<Bytes> value(std::string const& path) const;
    /// The revision of a file, `missing` if there is none.
    [[nodiscard]] Revision revision_of(std::string const& path) const;
    struct Slot {
        std::string path;
        std::string content;
        Revision rev;
    };
    /// The files of /ctl/cal. Cuts off a content that is too long for an id.
    [[nodiscard]] std::vector<Slot> slots() const;
    [[nodiscard]] std::vector<std::string> names_in(std::string const& directory) const;
    /// `count` names at most, the first after `after`.
    [[nodiscard]] std::vector<std::string> names_after(std::string const& directory,
                                                       std::string_view after,
                                                       std::size_t count) const;
    [[nodiscard]] std::vector<std::string> files_below(std::string const& directory) const;

  private:
    void note(store::Applied const& applied);
    void note_naming(store::Mutation const& m);
    [[nodiscard]] bool overfills_calendar(store::Mutation const& m) const;
    [[nodiscard]] bool may_begin_to_vote(std::string const& id, bool named_by_members) const;

    [[nodiscard]] std::string encode_tail() const;
    bool take_rules(std::string_view& in);
    [[nodiscard]] bool all_know(Rules rules) const;
    [[nodiscard]] bool all_are_newer() const;
    [[nodiscard]] bool all_versions(std::function<bool(std::string_view)> const& pass) const;
    [[nodiscard]] bool knows(std::string const& id, Rules rules) const;

    store::StoreLimits limits_;
    RulesTable known_;
    store::Store store_;
    MemberIds voters_;
    std::set<MemberId> removed_;  // never vote again (I10)
    std::uint64_t chain_ = 0;
    Rules rules_ = 1;
    bool touched_ = false;      // something that voters depend on has changed
    std::set<MemberId> named_;  // members put these into slots, in the batch that is applied

    // A snapshot: rules (1), the store, and when that is complete: chain (8), voters, removed.
    struct Giving {
        explicit Giving(store::Store& store) : reader(store) {}
        Rules rules = 0;  // that it was begun with; 0: it was not begun
        store::SnapshotReader reader;
    };
    std::map<std::uint64_t, Giving> giving_;
    std::uint64_t last_given_ = 0;
    struct Taking {
        explicit Taking(store::StoreLimits const& limits) : writer(limits) {}
        Rules rules = 0;
        store::SnapshotWriter writer;
        std::string tail;
    };
    std::optional<Taking> taking_;
};

/// The next multiple of 2^40: a process that cannot know which revisions were given out goes on
/// from there.
inline Revision next_stride(Revision rev) {
    constexpr std::int64_t stride = std::int64_t{1} << 40;
    return Revision((rev.value() / stride + 1) * stride);
}

/// No cluster's journal ends above this, and it would leave no room for many strides.
inline constexpr Revision restored_to_max{std::int64_t{1} << 62};

/// The files by which a process is registered, and by which clients find it.
std::string node_path(std::string_view id, std::string_view name);
std::string ns_path(std::string_view cluster, std::string_view id);

template <typename Made>
void State::force(MemberId survivor, std::set<std::string> const& taken_over, Made made) {
    for (MemberId const id : voters_) {
        if (id != survivor) removed_.insert(id);
    }
    voters_ = {survivor};
    DOOZER_ASSERT(giving_.empty());
    store_.move_to(next_stride(store_.revision()));
    made(store::Event{store_.revision(), store::EventKind::nop, "/", {}});
    auto const write = [&](std::string const& path, std::string_view content) {
        auto const change = store::Mutation::set(store::Path::trusted(path), content, clobber);
        store::Applied const applied = store_.apply(change);
        note(applied);
        made(applied.event);
    };
    for (std::string const& path : taken_over) {
        if (auto const kept = value(path)) write(path, kept->view());
    }
    for (Slot const& slot : slots()) {
        if (!slot.content.empty() && slot.content != survivor.str()) write(slot.path, "");
    }
    touched_ = false;
}

}  // namespace doozer::replica
