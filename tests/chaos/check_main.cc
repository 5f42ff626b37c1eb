// chaos_check: judges what clients recorded, and what the processes hold afterwards.
//
//   chaos_check FILE...
//
// Exits 0 and says what was judged if all is well; 1 with a line for everything that is wrong; 2
// if a file is none.
#include <cstdio>
#include <fstream>

#include "history.h"
#include "sim/linearizability.h"

namespace {

using namespace doozer::sim;  // NOLINT(google-build-using-namespace): a program, not a library

Op op_of(chaos::Op const& o) {
    Op op;
    op.id = o.id;
    op.session = o.session;
    op.kind = static_cast<OpKind>(o.kind);
    op.path = o.path;
    op.value = o.value;
    op.expected = Revision(o.expected);
    op.min_rev = Revision(o.min_rev);
    op.start = Instant(o.start);
    op.end = Instant(o.end);
    op.state = static_cast<OpState>(o.state);
    op.rev = Revision(o.rev);
    op.succeeded = o.succeeded;
    return op;
}

Change change_of(chaos::Change const& c) {
    return {Revision(c.rev), static_cast<doozer::store::EventKind>(c.kind), c.path, c.value};
}

Watch watch_of(chaos::Watch const& w) {
    Watch watch{w.prefix, Revision(w.from), Revision(w.upto), {}};
    for (chaos::Change const& change : w.told) watch.told.push_back(change_of(change));
    return watch;
}

/// One sequence of changes for all processes, each of which holds the whole of it.
std::vector<std::string> check_logs(chaos::History const& history, Agreement& agreement) {
    std::vector<std::string> wrong;
    for (auto const& [address, log] : history.logs) {
        for (chaos::Change const& change : log) {
            std::string const what = agreement.applied(change_of(change));
            if (!what.empty()) wrong.push_back(address + ": " + what);
        }
    }
    for (auto const& [address, log] : history.logs) {
        if (log.size() == agreement.log().size()) continue;
        wrong.push_back(address + " holds " + std::to_string(log.size()) + " revisions of " +
                        std::to_string(agreement.log().size()));
    }
    return wrong;
}

void append(std::vector<std::string>& all, std::vector<std::string> const& more) {
    all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

int main(int argc, char** argv) {
    chaos::History history;
    for (int i = 1; i < argc; ++i) {
        std::ifstream in(argv[i]);
        if (!in) {
            std::fprintf(stderr, "chaos_check: cannot read %s\n", argv[i]);
            return 2;
        }
        if (auto const line = read(in, history)) {
            std::fprintf(stderr, "chaos_check: %s:%zu is no line of a history\n", argv[i], *line);
            return 2;
        }
    }
    if (history.ops.empty() || history.logs.empty()) {
        std::fprintf(stderr, "usage: chaos_check FILE... (operations, and the log of a process)\n");
        return 2;
    }
    std::vector<Op> ops;
    for (chaos::Op const& op : history.ops) ops.push_back(op_of(op));
    std::vector<Watch> watches;
    for (chaos::Watch const& watch : history.watches) watches.push_back(watch_of(watch));
    Agreement agreement;
    std::vector<std::string> wrong = check_logs(history, agreement);
    append(wrong, check_history(ops, watches, agreement.log()));
    auto const files = check_linearizability(ops);
    append(wrong, files.wrong);
    for (std::string const& line : wrong) std::printf("WRONG: %s\n", line.c_str());
    for (std::string const& line : files.undecided) std::printf("undecided: %s\n", line.c_str());
    std::size_t events = 0;
    for (Watch const& watch : watches) events += watch.told.size();
    std::printf(
        "%zu operations, %zu watches with %zu events, %zu revisions in %zu processes; "
        "%zu arrangements of %zu operations; %zu wrong\n",
        ops.size(), watches.size(), events, agreement.log().size(), history.logs.size(),
        files.arrangements, files.operations, wrong.size());
    return wrong.empty() ? 0 : 1;
}
