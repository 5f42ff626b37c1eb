#include "sim/linearizability.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace doozer::sim {

namespace {

bool is_write(Op const& op) {
    return op.kind == OpKind::set || op.kind == OpKind::compare_and_set || op.kind == OpKind::del;
}
bool answer_was_lost(Op const& op) {
    return op.state == OpState::unknown || op.state == OpState::pending;
}
bool is_judged(Op const& op) {
    if (op.state == OpState::refused) return false;
    if (op.kind == OpKind::linear_read) return op.state == OpState::done;
    if (op.kind == OpKind::set && op.value.empty()) return false;  // all empty values are alike
    return is_write(op);
}

/// What one file is, as far as the operations so far say.
struct File {
    Op const* writer = nullptr;  // none: there is no such file
    Revision rev;                // of the file, if it is known
    bool rev_known = true;       // not behind a write whose answer was lost
    Revision floor;              // what comes next is higher

    bool operator==(File const&) const = default;
};

/// The file after the operation; nothing if the operation cannot have been answered so.
std::optional<File> after(File file, Op const& op) {
    if (op.kind == OpKind::linear_read) {
        if (op.rev == missing) return file.writer ? std::nullopt : std::optional(file);
        if (!file.writer || file.writer->value != op.value) return std::nullopt;
        if (file.rev_known ? file.rev != op.rev : op.rev <= file.floor) return std::nullopt;
        file.rev = file.floor = op.rev;
        file.rev_known = true;
        return file;
    }
    Revision const lowest = file.rev_known ? file.rev : file.floor.next();
    bool const may_pass = op.expected == clobber || op.expected >= lowest;
    bool const may_fail = op.expected != clobber && (!file.rev_known || op.expected < file.rev);
    if (op.state == OpState::done && !op.succeeded) {
        return may_fail ? std::optional(file) : std::nullopt;
    }
    if (!may_pass) return std::nullopt;
    if (op.kind == OpKind::del) return File{nullptr, missing, true, file.floor};
    if (op.rev == missing) return File{&op, missing, false, file.floor};
    if (op.rev <= file.floor) return std::nullopt;
    return File{&op, op.rev, true, op.rev};
}

/// One file's operations. The search of Wing and Gong: whatever began before the first answer that
/// is still to be explained may come next; what was tried once is not tried again. Operations whose
/// answer was lost come last among those that may come next: most of them explain nothing.
class Search {
  public:
    Search(std::vector<Op> ops, std::size_t most) : ops_(std::move(ops)), most_(most) {
        std::stable_sort(ops_.begin(), ops_.end(),
                         [](Op const& a, Op const& b) { return a.start < b.start; });
        learn_revisions();
        make_entries();
        done_.assign((ops_.size() + 63) / 64, 0);
    }

    enum class Verdict { yes, no, undecided };

    Verdict run() {
        std::size_t at = next_[head];
        while (must_ > 0) {
            if (tried_.size() > most_) return Verdict::undecided;
            if (at < entries_.size()) {
                at = try_answered(at);
                continue;
            }
            std::size_t const lost = at - entries_.size();
            std::size_t const answer = first_answer();
            if (lost < lost_.size() && ops_[lost_[lost]].start <= entries_[answer].when) {
                at = extend(lost_[lost], at) ? next_[head] : at + 1;
                continue;
            }
            remember_stuck(entries_[answer].op);
            if (path_.empty()) return Verdict::no;
            at = take_back();
        }
        return Verdict::yes;
    }

    [[nodiscard]] std::size_t arrangements() const { return tried_.size(); }
    /// The operation that could not be explained after as many others as possible were.
    [[nodiscard]] Op const* stuck() const { return stuck_; }

  private:
    struct Entry {
        Instant when;
        bool begins;
        std::size_t op;
    };
    struct Step {
        std::size_t op;
        std::size_t at;  // where in the candidates it was found
        File before;
    };
    struct Tried {
        std::vector<std::uint64_t> done;
        File file;
        bool operator==(Tried const&) const = default;
    };
    struct TriedHash {
        std::size_t operator()(Tried const& t) const {
            std::uint64_t h = std::hash<Op const*>{}(t.file.writer);
            for (std::uint64_t const word : t.done) h = (h ^ word) * 0x9E3779B97F4A7C15U + 1;
            return static_cast<std::size_t>(h ^ (h >> 29U));
        }
    };

    /// A read of the value of a lost write tells its revision.
    void learn_revisions() {
        std::unordered_map<std::string_view, Revision> read;
        for (Op const& op : ops_) {
            if (op.kind == OpKind::linear_read && op.rev != missing) read[op.value] = op.rev;
        }
        for (Op& op : ops_) {
            if (answer_was_lost(op) && op.kind != OpKind::del) {
                auto const known = read.find(op.value);
                op.rev = known == read.end() ? missing : known->second;
            }
        }
    }

    /// Entry 0 is the head of a ring of what was answered and is not explained, in order of time.
    void make_entries() {
        entries_.push_back({Instant(INT64_MIN), false, 0});
        for (std::size_t i = 0; i < ops_.size(); ++i) {
            if (answer_was_lost(ops_[i])) {
                lost_.push_back(i);
                continue;
            }
            ++must_;
            entries_.push_back({ops_[i].start, true, i});
            entries_.push_back({ops_[i].end, false, i});
        }
        std::stable_sort(entries_.begin() + 1, entries_.end(), [](Entry const& a, Entry const& b) {
            return a.when != b.when ? a.when < b.when : a.begins > b.begins;
        });
        begin_of_.resize(ops_.size());
        end_of_.resize(ops_.size());
        for (std::size_t e = 0; e < entries_.size(); ++e) {
            next_.push_back((e + 1) % entries_.size());
            previous_.push_back((e + entries_.size() - 1) % entries_.size());
            if (e != head) (entries_[e].begins ? begin_of_ : end_of_)[entries_[e].op] = e;
        }
    }

    [[nodiscard]] std::size_t first_answer() const {
        std::size_t e = next_[head];
        while (entries_[e].begins) e = next_[e];
        return e;
    }

    /// Returns where to look next.
    std::size_t try_answered(std::size_t at) {
        if (at == head || !entries_[at].begins) return entries_.size();
        return extend(entries_[at].op, at) ? next_[head] : next_[at];
    }

    [[nodiscard]] bool is_done(std::size_t i) const { return (done_[i / 64] >> (i % 64)) & 1U; }

    bool extend(std::size_t i, std::size_t at) {
        if (is_done(i)) return false;
        auto const file = after(file_, ops_[i]);
        if (!file) return false;
        std::uint64_t const bit = std::uint64_t{1} << (i % 64);
        done_[i / 64] |= bit;
        if (!tried_.insert({done_, *file}).second) {
            done_[i / 64] &= ~bit;
            return false;
        }
        path_.push_back({i, at, file_});
        file_ = *file;
        if (answer_was_lost(ops_[i])) return true;
        unlink(begin_of_[i]);
        unlink(end_of_[i]);
        --must_;
        return true;
    }

    /// Returns where to look next.
    std::size_t take_back() {
        auto const [i, at, before] = path_.back();
        path_.pop_back();
        file_ = before;
        done_[i / 64] &= ~(std::uint64_t{1} << (i % 64));
        if (answer_was_lost(ops_[i])) return at + 1;
        relink(end_of_[i]);
        relink(begin_of_[i]);
        ++must_;
        return next_[at];
    }

    void remember_stuck(std::size_t op) {
        if (path_.size() < deepest_) return;
        deepest_ = path_.size();
        stuck_ = &ops_[op];
    }

    void unlink(std::size_t e) {
        next_[previous_[e]] = next_[e];
        previous_[next_[e]] = previous_[e];
    }
    void relink(std::size_t e) {
        next_[previous_[e]] = e;
        previous_[next_[e]] = e;
    }

    static constexpr std::size_t head = 0;
    std::vector<Op> ops_;
    std::size_t most_;
    std::size_t must_ = 0;  // that were answered and are not explained yet
    std::vector<Entry> entries_;
    std::vector<std::size_t> lost_;  // operations whose answer was lost
    std::vector<std::size_t> next_;
    std::vector<std::size_t> previous_;
    std::vector<std::size_t> begin_of_;  // by operation
    std::vector<std::size_t> end_of_;
    std::vector<std::uint64_t> done_;
    File file_;
    std::vector<Step> path_;
    std::unordered_set<Tried, TriedHash> tried_;
    std::size_t deepest_ = 0;
    Op const* stuck_ = nullptr;
};

}  // namespace

Linearizability check_linearizability(std::vector<Op> const& ops, std::size_t most) {
    std::map<std::string, std::vector<Op>> files;
    for (Op const& op : ops) {
        if (is_judged(op)) files[op.path].push_back(op);
    }
    Linearizability result;
    for (auto const& [path, of_file] : files) {
        result.operations += of_file.size();
        Search search(of_file, most);
        auto const verdict = search.run();
        result.arrangements += search.arrangements();
        if (verdict == Search::Verdict::yes) continue;
        std::string const how_many = path + ", " + std::to_string(of_file.size()) + " operations: ";
        if (verdict == Search::Verdict::undecided) {
            result.undecided.push_back(how_many + "undecided after " +
                                       std::to_string(search.arrangements()) + " arrangements");
        } else {
            std::uint64_t const id = search.stuck() ? search.stuck()->id : 0;
            result.wrong.push_back(how_many + "not linearizable, at operation " +
                                   std::to_string(id));
        }
    }
    return result;
}

}  // namespace doozer::sim
