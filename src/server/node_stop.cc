// How a process ends: not before the changes that it was given are answered, and its slot is given
// away if the others can go on without it.
#include <algorithm>
#include <utility>

#include "server/clock.h"
#include "server/node.h"

namespace doozer::server {
namespace {

/// How long it may take for the changes to be answered, the slot to be given away, and the others
/// to know that.
constexpr Duration retire_within = seconds(12);
/// After that: so that a member that is a moment behind still gets from it what it lacks.
constexpr Duration hand_over = milliseconds(300);
/// How long clients may take to go elsewhere; what they still ask is answered.
constexpr Duration farewell_max = seconds(1);

}  // namespace

void Node::await_signals() {
    signals_.async_wait([this](net::error_code const& error, int signal) {
        if (error) return;
        on_stop_signal(signal);
        await_signals();
    });
}

/// The second one ends it at once.
void Node::on_stop_signal(int signal) {
    now_ = monotonic_now();
    bool const at_once = stop_signal_ != 0 || !replica_->serving();
    stop_signal_ = signal;
    ending_ = at_once ? Ending::farewell : Ending::retiring;
    stop_by_ = at_once ? now_ : now_ + retire_within;
    if (at_once) return;
    listener_.stop();
    auto const& core = replica_->core();
    has_others_ = core.voter() && core.configuration().voters.size() > 1;
    step(replica::Retire{});
}

bool Node::is_over() {
    if (failure_) return true;
    auto const go_on = [this](Ending next, Duration within) {
        ending_ = next;
        stop_by_ = now_ + within;
        set_deadline();
    };
    switch (ending_) {
        case Ending::no:
            return false;
        case Ending::retiring:
            if (now_ >= stop_by_) return true;
            if (!replica_->retired(now_)) return false;
            if (!has_others_) return true;
            go_on(Ending::handing_over, hand_over);
            return false;
        case Ending::handing_over:
            if (now_ < stop_by_) return false;
            go_on(Ending::farewell, farewell_max);
            return sessions_.empty();
        case Ending::farewell:
            return sessions_.empty() || now_ >= stop_by_;
    }
    return true;
}

}  // namespace doozer::server
