#include "sim/checkers.h"

#include <algorithm>
#include <charconv>

namespace doozer::sim {

namespace {

std::string at_revision(char const* what, Revision r) {
    return std::string(what) + " at revision " + std::to_string(r.value());
}

}  // namespace

std::string brief(std::string_view value) {
    constexpr std::size_t short_enough = 40;
    if (value.size() <= short_enough) return std::string(value);
    std::string text(value.substr(0, std::min(value.find(' '), short_enough)));
    Hasher h;
    h.bytes(value);
    return text + " #" + std::to_string(value.size()) + ":" + std::to_string(h.digest().low);
}

std::string Agreement::applied(Change const& change) {
    auto const [at, is_new] = log_.try_emplace(change.rev, change);
    if (is_new || at->second == change) return {};
    return at_revision("I6: members differ", change.rev);
}

std::string Agreement::stands(Lineage lineage, std::uint64_t applied, std::uint64_t fingerprint) {
    auto const [at, is_new] = fingerprints_.try_emplace({lineage, applied}, fingerprint);
    if (is_new || at->second == fingerprint) return {};
    return "I6: members differ after batch " + std::to_string(applied);
}

std::string Agreement::entered(Configuration const& configuration) {
    auto const [at, is_new] =
        epochs_.try_emplace({configuration.lineage, configuration.epoch}, configuration);
    std::size_t const known = lineages_.size();
    std::size_t const number = lineages_.try_emplace(configuration.lineage, known).first->second;
    bool const is_newest_lineage = number + 1 == lineages_.size();
    bool const is_newer =
        configuration.lineage != newest_.lineage || configuration.epoch > newest_.epoch;
    if (is_newest_lineage && is_newer) newest_ = configuration;
    if (is_new || at->second == configuration) return {};
    return "I5: epoch " + std::to_string(configuration.epoch.value()) + " begins in two ways";
}

std::string Agreement::accepted(Lineage lineage, Epoch epoch, Acceptor const& acceptor) {
    if (!acceptor.value) return {};
    Hasher h;
    feed(h, acceptor.value);
    auto const [at, is_new] = seals_.try_emplace({lineage, epoch, acceptor.accepted}, h.digest());
    return is_new || at->second == h.digest() ? std::string{} : "I4: one ballot with two values";
}

void Attendance::heard(MemberId by, MemberId from, Instant now) {
    Heard& heard = heard_.try_emplace({by, from}, Heard{now, {}}).first->second;
    if (now - heard.last > long_gap()) heard.missed_until = now;
    heard.last = now;
}

bool Attendance::has_missed(MemberId from, MemberId by, Instant now) const {
    constexpr Duration order_lasts = seconds(10);  // longer than any fault
    auto const at = heard_.find({by, from});
    if (at == heard_.end() || now - at->second.last > long_gap()) return true;
    auto const& missed_until = at->second.missed_until;
    return missed_until && now < *missed_until + order_lasts;
}

namespace {

/// A file from one revision on.
struct FileState {
    Revision since;
    Revision rev;  // missing: there is none
    std::string value;
};

class HistoryCheck {
  public:
    HistoryCheck(std::vector<Op> const& ops, std::vector<Watch> const& watches,
                 ChangeLog const& log)
        : ops_(ops), watches_(watches), log_(log) {}

    std::vector<std::string> run() {
        index_log();
        bound_by_writes();
        for (std::size_t i = 0; i < ops_.size(); ++i) {
            Op const& op = ops_[i];
            if (is_write(op)) {
                check_write(op, i);
                seen_by_[op.session] = std::max(seen_by_[op.session], op.rev);
            }
            if (is_read(op) && op.state == OpState::done) check_read(op, i);
        }
        for (Watch const& watch : watches_) check_watch(watch);
        return std::move(wrong_);
    }

  private:
    void complain(Op const& op, std::string const& what) {
        wrong_.push_back("operation " + std::to_string(op.id) + " on " + op.path + ": " + what);
    }
    static bool is_set(Op const& op) {
        return op.kind == OpKind::set || op.kind == OpKind::compare_and_set;
    }
    static bool is_write(Op const& op) { return is_set(op) || op.kind == OpKind::del; }
    static bool is_read(Op const& op) { return !is_write(op); }

    void index_log() {
        for (auto const& [rev, change] : log_) {
            if (change.kind == store::EventKind::nop) continue;
            bool const is_set = change.kind == store::EventKind::set;
            files_[change.path].push_back({rev, is_set ? rev : missing, change.value});
            std::uint64_t id = 0;
            char const* const end = change.value.data() + change.value.size();
            if (!change.value.starts_with('v')) continue;
            char const* const rest = std::from_chars(change.value.data() + 1, end, id).ptr;
            if (rest == end || *rest == ' ') applied_[id].push_back(&change);
        }
    }

    /// For each operation: the highest revision of a write that was answered before it began, and
    /// the lowest of one that began after its end.
    void bound_by_writes() {
        struct Known {
            Instant when;
            Revision rev;
        };
        std::vector<Known> ended;
        std::vector<Known> begun;
        for (Op const& op : ops_) {
            if (!is_set(op) || op.state != OpState::done || !op.succeeded) continue;
            ended.push_back({op.end, op.rev});
            begun.push_back({op.start, op.rev});
        }
        auto const by_time = [](Known const& a, Known const& b) { return a.when < b.when; };
        std::sort(ended.begin(), ended.end(), by_time);
        std::sort(begun.begin(), begun.end(), by_time);
        for (std::size_t i = 1; i < ended.size(); ++i) {
            ended[i].rev = std::max(ended[i].rev, ended[i - 1].rev);
        }
        for (std::size_t i = begun.size(); i-- > 1;) {
            begun[i - 1].rev = std::min(begun[i - 1].rev, begun[i].rev);
        }
        for (Op const& op : ops_) {
            auto const before =
                std::lower_bound(ended.begin(), ended.end(), Known{op.start, {}}, by_time);
            auto const after =
                std::upper_bound(begun.begin(), begun.end(), Known{op.end, {}}, by_time);
            answered_before_.push_back(before == ended.begin() ? missing : std::prev(before)->rev);
            begun_after_.push_back(after == begun.end() ? revision_max : after->rev);
        }
    }

    /// Exactly once if answered, at most once if unknown, never if refused; and between those
    /// before and those behind it.
    void check_write(Op const& op, std::size_t i) {
        if (op.kind == OpKind::del) return;  // replayed in what is read, and in the log
        if (op.value.empty()) return;        // it says nothing of whose it is
        auto const at = applied_.find(op.id);
        std::size_t const times = at == applied_.end() ? 0 : at->second.size();
        if (times > 1) complain(op, "applied twice");
        if (op.state == OpState::refused && times != 0) complain(op, "refused, but applied");
        if (op.state == OpState::done && op.succeeded && times == 0) {
            complain(op, "answered, but not applied");
        }
        if (op.state == OpState::done && !op.succeeded) return check_failure(op, i, times);
        if (times != 1) return;
        Change const& change = *at->second.front();
        if (change.path != op.path) complain(op, "applied to another file");
        if (op.state == OpState::done && change.rev != op.rev) complain(op, "another revision");
        if (change.rev <= answered_before_[i]) complain(op, "ordered before an answered one");
        FileState const* const before = state_before(op.path, change.rev);
        bool const may = op.expected == clobber || op.expected >= (before ? before->rev : missing);
        if (!may) complain(op, "a compare-and-set that should fail");
    }

    /// Somewhere between those before and those behind it the file was newer than it expected.
    void check_failure(Op const& op, std::size_t i, std::size_t times) {
        if (times != 0) complain(op, "failed, but applied");
        bool const could_fail = any_state(op.path, answered_before_[i], begun_after_[i],
                                          [&](FileState const& s) { return s.rev > op.expected; });
        if (!could_fail) complain(op, "a compare-and-set that should succeed");
    }

    /// There was a moment at which the file was what was read: for a linear read after everything
    /// that was answered before, for others after what their session has seen.
    void check_read(Op const& op, std::size_t i) {
        Revision low = seen_by_[op.session];
        if (op.kind == OpKind::linear_read) low = answered_before_[i];
        if (op.kind == OpKind::later_read) low = std::max(low, op.min_rev);
        bool const possible = any_state(op.path, low, begun_after_[i], [&](FileState const& s) {
            return s.rev == op.rev && s.value == op.value;
        });
        if (!possible) complain(op, "read what was not there: \"" + op.value + "\"");
        seen_by_[op.session] = std::max(seen_by_[op.session], op.rev);
    }

    [[nodiscard]] FileState const* state_before(std::string const& path, Revision rev) const {
        auto const file = files_.find(path);
        if (file == files_.end()) return nullptr;
        auto const after =
            std::lower_bound(file->second.begin(), file->second.end(), rev,
                             [](FileState const& s, Revision r) { return s.since < r; });
        return after == file->second.begin() ? nullptr : &*std::prev(after);
    }

    /// Whether the file was ever such at a revision in [low, high).
    template <typename Such>
    [[nodiscard]] bool any_state(std::string const& path, Revision low, Revision high,
                                 Such such) const {
        FileState const nothing{missing, missing, ""};
        FileState const* const first = state_before(path, low.next());
        if (such(first ? *first : nothing)) return true;
        auto const file = files_.find(path);
        if (file == files_.end()) return false;
        return std::any_of(file->second.begin(), file->second.end(), [&](FileState const& s) {
            return s.since > low && s.since < high && such(s);
        });
    }

    /// Exactly the changes of the log, none left out, none twice, in order.
    void check_watch(Watch const& watch) {
        auto told = watch.told.begin();
        for (auto at = log_.lower_bound(watch.from); at != log_.end() && at->first <= watch.upto;
             ++at) {
            if (!at->second.path.starts_with(watch.prefix)) continue;
            if (told == watch.told.end() || *told != at->second) {
                wrong_.push_back(at_revision("a watch was not told of a change", at->first));
                return;
            }
            ++told;
        }
        if (told != watch.told.end()) {
            wrong_.push_back(at_revision("a watch was told of nothing", told->rev));
        }
    }

    std::vector<Op> const& ops_;
    std::vector<Watch> const& watches_;
    ChangeLog const& log_;
    std::map<std::string, std::vector<FileState>> files_;
    std::map<std::uint64_t, std::vector<Change const*>> applied_;
    std::vector<Revision> answered_before_;  // by operation
    std::vector<Revision> begun_after_;
    std::map<std::size_t, Revision> seen_by_;  // by session
    std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> check_history(std::vector<Op> const& ops,
                                       std::vector<Watch> const& watches, ChangeLog const& log) {
    return HistoryCheck(ops, watches, log).run();
}

}  // namespace doozer::sim
