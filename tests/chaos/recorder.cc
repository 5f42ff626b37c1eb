#include "recorder.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace chaos {

std::int64_t now() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Op Recorder::begin(Op op) {
    std::lock_guard const lock(mutex_);
    op.id = before_ + ops_.size() + 1;
    if (op.kind == OpKind::set || op.kind == OpKind::compare_and_set) {
        op.value = "v" + std::to_string(op.id);
    }
    op.start = now();
    ops_.push_back(op);
    return op;
}

void Recorder::end(Op op) {
    op.end = now();
    std::lock_guard const lock(mutex_);
    ops_[op.id - before_ - 1] = std::move(op);
}

void Recorder::add(Watch watch) {
    std::lock_guard const lock(mutex_);
    watches_.push_back(std::move(watch));
}

void Recorder::complain(std::string const& what) {
    std::lock_guard const lock(mutex_);
    complaints_.push_back(what);
}

std::vector<std::string> Recorder::complaints() {
    std::lock_guard const lock(mutex_);
    return complaints_;
}

void Recorder::write(std::ostream& out) {
    std::lock_guard const lock(mutex_);
    for (Op op : ops_) {
        if (op.state == OpState::pending) op.state = OpState::unknown;
        chaos::write(out, op);
    }
    for (Watch const& watch : watches_) chaos::write(out, watch);
}

std::string Recorder::summary() {
    static constexpr std::array kinds = {"set", "cas", "del", "read", "later read", "linear read"};
    static constexpr std::array states = {"pending", "done", "refused", "unknown"};
    std::lock_guard const lock(mutex_);
    std::map<std::string, std::size_t> counts;
    for (Op const& op : ops_) {
        std::string name = kinds.at(static_cast<std::size_t>(op.kind));
        bool const failed =
            op.kind == OpKind::compare_and_set && op.state == OpState::done && !op.succeeded;
        name +=
            failed ? " failed" : std::string(" ") + states.at(static_cast<std::size_t>(op.state));
        ++counts[name];
    }
    std::string out;
    for (auto const& [name, count] : counts) {
        out += (out.empty() ? "" : ", ") + name + " " + std::to_string(count);
    }
    return out;
}

Op Choice::next() {
    static constexpr std::array kinds = {OpKind::set,
                                         OpKind::set,
                                         OpKind::set,
                                         OpKind::compare_and_set,
                                         OpKind::compare_and_set,
                                         OpKind::compare_and_set,
                                         OpKind::del,
                                         OpKind::local_read,
                                         OpKind::later_read,
                                         OpKind::linear_read};
    Op op;
    op.kind = kinds.at(prng_.below(kinds.size()));
    op.path = folder_ + "/f" + std::to_string(prng_.below(files));
    if (op.kind == OpKind::compare_and_set) op.expected = known_[op.path];
    op.min_rev = seen_;
    return op;
}

void Choice::saw(Op const& op) {
    if (op.state != OpState::done) return;
    if (op.kind == OpKind::del || (op.kind == OpKind::compare_and_set && !op.succeeded)) {
        known_.erase(op.path);
        return;
    }
    known_[op.path] = op.rev;
    seen_ = std::max(seen_, op.rev);
}

std::vector<std::string> Plan::addresses_from(std::size_t first) const {
    std::vector<std::string> all = addresses;
    std::rotate(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first % all.size()),
                all.end());
    return all;
}

std::string Plan::uri(std::size_t first) const {
    std::string out = "doozer:";
    for (std::string const& address : addresses_from(first)) {
        out += (out.ends_with(':') ? "?ca=" : "&ca=") + address;
    }
    return out;
}

}  // namespace chaos
