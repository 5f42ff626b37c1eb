#include "sim/checkers.h"

namespace doozer::sim {

namespace {

std::string at_revision(char const* what, Revision r) {
    return std::string(what) + " at revision " + std::to_string(r.value());
}

/// What the log says of an operation.
struct Applications {
    std::size_t times = 0;
    Change const* change = nullptr;
};

}  // namespace

std::string Agreement::applied(Change const& change) {
    auto const index = static_cast<std::size_t>((change.revision.value() - first_.value()));
    if (index > log_.size()) return at_revision("a change after a gap", change.revision);
    if (index == log_.size()) {
        log_.push_back(change);
        return {};
    }
    return log_[index].chain == change.chain ? std::string{}
                                             : at_revision("members differ", change.revision);
}

std::string Agreement::installed(Revision revision, std::uint64_t chain) const {
    if (revision < first_) return {};
    auto const index = static_cast<std::size_t>((revision.value() - first_.value()));
    if (index >= log_.size()) return at_revision("a snapshot from the future", revision);
    return log_[index].chain == chain ? std::string{} : at_revision("a snapshot differs", revision);
}

std::string Agreement::entered(Configuration const& configuration) {
    auto const [at, is_new] = epochs_.try_emplace(configuration.epoch, configuration);
    if (is_new || at->second == configuration) return {};
    return "I5: epoch " + std::to_string(configuration.epoch.value()) + " begins in two ways";
}

std::string Agreement::accepted(Epoch epoch, Acceptor const& acceptor) {
    if (!acceptor.value) return {};
    Hasher h;
    feed(h, acceptor.value);
    auto const [at, is_new] = seals_.try_emplace({epoch, acceptor.accepted}, h.digest());
    return is_new || at->second == h.digest() ? std::string{} : "I4: one ballot with two values";
}

namespace {

class HistoryCheck {
  public:
    HistoryCheck(std::vector<Op> const& ops, std::vector<Change> const& log, Revision founded)
        : ops_(ops), log_(log), founded_(founded) {}

    std::vector<std::string> run() {
        for (Change const& c : log_) {
            if (c.id == 0) continue;
            Applications& a = applied_[c.id];
            ++a.times;
            a.change = &c;
        }
        for (Op const& op : ops_) check_write(op);
        check_order();
        check_replay();
        for (Op const& op : ops_) check_read(op);
        check_sessions();
        return std::move(wrong_);
    }

  private:
    void complain(Op const& op, char const* what) {
        wrong_.push_back("operation " + std::to_string(op.id) + ": " + what);
    }
    static bool is_write(Op const& op) {
        return op.kind == OpKind::set || op.kind == OpKind::compare_and_set;
    }

    /// Exactly once if answered, at most once if unknown, never if refused.
    void check_write(Op const& op) {
        if (!is_write(op)) return;
        auto const at = applied_.find(op.id);
        std::size_t const times = at == applied_.end() ? 0 : at->second.times;
        if (times > 1) complain(op, "applied twice");
        if (op.state == OpState::refused && times != 0) complain(op, "refused, but applied");
        if (op.state == OpState::done && times == 0) complain(op, "answered, but not applied");
        if (op.state != OpState::done || times != 1) return;
        Change const& c = *at->second.change;
        if (c.revision != op.revision || c.done != op.succeeded) {
            complain(op, "answered something else than was applied");
        }
    }

    /// What is finished before something starts has the lower revision.
    void check_order() {
        std::vector<Op const*> by_start;
        std::vector<Op const*> by_end;
        for (Op const& op : ops_) {
            if (!is_write(op) || op.state != OpState::done) continue;
            by_start.push_back(&op);
            by_end.push_back(&op);
        }
        std::sort(by_start.begin(), by_start.end(),
                  [](Op const* a, Op const* b) { return a->start < b->start; });
        std::sort(by_end.begin(), by_end.end(),
                  [](Op const* a, Op const* b) { return a->end < b->end; });
        Revision highest_finished{0};
        auto finished = by_end.begin();
        for (Op const* const op : by_start) {
            while (finished != by_end.end() && (*finished)->end < op->start) {
                highest_finished = std::max(highest_finished, (*finished++)->revision);
            }
            if (op->revision <= highest_finished) complain(*op, "ordered before a finished one");
        }
    }

    /// One after the other on a naive store: each compare-and-set must come out as it did.
    void check_replay() {
        std::map<std::string, Revision> revisions;
        for (Change const& c : log_) {
            Revision const now = revisions.contains(c.key) ? revisions[c.key] : Revision(0);
            bool const would = c.expected < 0 || now.value() == c.expected;
            bool const ours = c.key.starts_with("/ctl/");  // membership has rules of its own
            if (c.done && !would && !(ours && now == Revision(0))) {
                wrong_.push_back(at_revision("a compare-and-set that should fail", c.revision));
            }
            if (!c.done && would && !ours) {
                wrong_.push_back(at_revision("a compare-and-set that should succeed", c.revision));
            }
            if (c.done) revisions[c.key] = c.revision;
        }
    }

    /// A linear read sees every write answered before it began, and nothing that began after.
    void check_read(Op const& op) {
        bool const read = op.kind == OpKind::local_read || op.kind == OpKind::linear_read;
        if (!read || op.state != OpState::done) return;
        Change const* found = nullptr;
        auto const upto = static_cast<std::size_t>(
            std::max<std::int64_t>(0, op.revision.value() - founded_.value()));
        for (std::size_t i = std::min(upto, log_.size()); i-- > 0 && !found;) {
            if (log_[i].done && log_[i].key == op.key) found = &log_[i];
        }
        if ((found ? found->value : "") != op.value) complain(op, "read what was not there");
        if (op.kind != OpKind::linear_read) return;
        for (Op const& w : ops_) {
            if (!is_write(w) || w.state != OpState::done) continue;
            if (w.end < op.start && w.revision > op.revision) complain(op, "missed a write");
            if (w.start > op.end && w.revision <= op.revision) complain(op, "saw the future");
        }
    }

    /// On one connection a client never sees an older state than before.
    void check_sessions() {
        std::map<std::size_t, Revision> newest;  // by session
        for (Op const& op : ops_) {
            if (op.state != OpState::done || op.kind != OpKind::local_read) continue;
            if (op.revision < newest[op.client]) complain(op, "went back in time");
            newest[op.client] = op.revision;
        }
    }

    std::vector<Op> const& ops_;
    std::vector<Change> const& log_;
    Revision founded_;
    std::map<std::uint64_t, Applications> applied_;
    std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> check_history(std::vector<Op> const& ops, std::vector<Change> const& log,
                                       Revision founded) {
    return HistoryCheck(ops, log, founded).run();
}

}  // namespace doozer::sim
