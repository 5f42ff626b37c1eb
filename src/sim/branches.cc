#include "sim/branches.h"

#include <algorithm>
#include <optional>
#include <set>

namespace doozer::sim {

namespace {

using Forks = std::vector<Fork>;

bool is_set(Op const& op) {
    return op.kind == OpKind::set || op.kind == OpKind::compare_and_set;
}
bool is_read(Op const& op) {
    return !is_set(op) && op.kind != OpKind::del;
}
/// The branch on which a revision was made.
std::size_t branch_of(Revision rev, Forks const& forks) {
    return static_cast<std::size_t>(std::count_if(
        forks.begin(), forks.end(), [&](Fork const& fork) { return rev >= fork.begins; }));
}

/// An operation whose answer says nothing on this branch: it was done once or never.
Op with_unknown_outcome(Op op) {
    op.state = OpState::unknown;
    op.end = never;
    op.rev = missing;
    return op;
}

class Branch {
  public:
    Branch(std::size_t number, Forks const& forks, ChangeLog const& log)
        : number_(number), forks_(forks) {
        for (auto const& [rev, change] : log) {
            if (has(rev)) log_.emplace_hint(log_.end(), rev, change);
        }
        for (std::size_t i = 0; i < number_; ++i) {
            add_deleted(forks_[i]);
            auto& files = lost_files_.emplace_back();
            auto const end = log.lower_bound(forks_[i].begins);
            for (auto at = log.upper_bound(forks_[i].kept); at != end; ++at) {
                files.insert(at->second.path);
            }
        }
    }

    [[nodiscard]] History history(std::vector<Op> const& ops, std::vector<Watch> const& watches) {
        History h;
        for (Op const& op : ops) {
            if (auto seen = as_seen(op)) h.ops.push_back(*std::move(seen));
        }
        for (Watch const& watch : watches) {
            if (branch_of(watch.upto, forks_) == number_) h.watches.push_back(watch);
        }
        h.log = std::move(log_);
        return h;
    }

  private:
    /// What the survivor deleted as it took over is gone on this branch, at no revision that
    /// anybody is told.
    void add_deleted(Fork const& fork) {
        Revision rev = fork.kept;
        for (std::string const& file : fork.deleted) {
            rev = rev.next();
            log_[rev] = {rev, store::EventKind::del, file, ""};
        }
    }
    [[nodiscard]] bool has(Revision rev) const {
        if (number_ < forks_.size() && rev >= forks_[number_].begins) return false;
        return !is_lost(rev, 0);
    }
    /// By one of the forks between that branch and this one.
    [[nodiscard]] bool is_lost(Revision rev, std::size_t since) const {
        for (std::size_t i = since; i < number_; ++i) {
            if (forks_[i].kept < rev && rev < forks_[i].begins) return true;
        }
        return false;
    }
    /// Applied again by a survivor, at another revision, and perhaps overwritten at once.
    [[nodiscard]] bool is_taken(std::uint64_t op) const {
        return std::any_of(forks_.begin(), forks_.end(),
                           [&](Fork const& fork) { return fork.taken.contains(op); });
    }
    /// Whether the file was another one on that branch than on this one.
    [[nodiscard]] bool differed(std::string const& path, std::size_t since) const {
        for (std::size_t i = since; i < number_; ++i) {
            if (lost_files_[i].contains(path)) return true;
        }
        return false;
    }

    [[nodiscard]] std::optional<Op> as_seen(Op const& op) const {
        if (op.state != OpState::done || op.branch == number_) return op;
        return op.branch < number_ ? of_earlier(op) : of_later(op);
    }
    [[nodiscard]] std::optional<Op> of_earlier(Op op) const {
        if (is_set(op) && op.succeeded) {
            if (!is_lost(op.rev, op.branch)) return op;
            if (is_taken(op.id)) return with_unknown_outcome(op);
            op.state = OpState::refused;
            return op;
        }
        if (!differed(op.path, op.branch)) return op;
        // A deletion is answered without a revision: it may be one of those that were lost.
        if (op.kind == OpKind::del && op.succeeded) return with_unknown_outcome(op);
        bool const found_kept = op.rev > missing && op.rev <= forks_[op.branch].kept;
        return is_read(op) && found_kept ? std::optional(op) : std::nullopt;
    }
    /// The survivor answers what it took over, and proposes again what it did not; a member that is
    /// dead by now may have applied either on this branch.
    [[nodiscard]] std::optional<Op> of_later(Op const& op) const {
        Fork const& fork = forks_[number_];
        if (is_read(op) || !op.succeeded || op.start > fork.when) return std::nullopt;
        return is_set(op) && op.rev <= fork.kept ? op : with_unknown_outcome(op);
    }

    std::size_t number_;
    Forks const& forks_;
    ChangeLog log_;
    std::vector<std::set<std::string>> lost_files_;  // by the fork that lost a change of them
};

}  // namespace

std::vector<History> branches_of(std::vector<Op> const& ops, std::vector<Watch> const& watches,
                                 Agreement const& agreement) {
    std::vector<History> all;
    for (std::size_t b = 0; b <= agreement.forks().size(); ++b) {
        all.push_back(Branch(b, agreement.forks(), agreement.log()).history(ops, watches));
    }
    return all;
}

std::vector<std::string> check_forks(std::vector<Op> const& ops, std::vector<Watch> const& watches,
                                     Agreement const& agreement) {
    std::vector<std::string> wrong;
    for (Fork const& fork : agreement.forks()) {
        for (Op const& op : ops) {
            bool const answered = op.state == OpState::done && op.succeeded && is_set(op);
            bool const dropped = answered && op.rev > fork.kept && op.rev < fork.begins;
            if (!dropped || !fork.known.contains(op.id) || fork.taken.contains(op.id)) continue;
            wrong.push_back("operation " + std::to_string(op.id) + " on " + op.path +
                            ": dropped by a force although a process that was reached knew it");
        }
        for (Watch const& watch : watches) {
            bool const goes_on = watch.upto >= fork.begins && watch.from < fork.begins;
            if (!goes_on || watch.from <= fork.kept.next()) continue;
            wrong.push_back("a watch from revision " + std::to_string(watch.from.value()) +
                            " went on over a force that kept less");
        }
    }
    return wrong;
}

}  // namespace doozer::sim
