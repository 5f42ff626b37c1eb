// What the node knows of itself and adds to the answer of STATUS.
#include <utility>

#include "server/clock.h"
#include "server/node.h"
#include "server/status.h"

namespace doozer::server {
namespace {

/// How often it is looked whether something has happened that the core does not tell of.
constexpr Duration look_every = milliseconds(100);

void count(web::Metrics& metrics, consensus::TraceEvent const& event) {
    using consensus::Happened;
    switch (event.what) {
        case Happened::entered_epoch:
            ++metrics.epochs;
            return;
        case Happened::sealed:
            ++metrics.seals;
            return;
        case Happened::suspected:
            ++metrics.suspicions;
            return;
        case Happened::demotion_proposed:
            ++metrics.demotions;
            return;
        case Happened::readmission_proposed:
            ++metrics.readmissions;
            return;
        default:
            return;
    }
}

}  // namespace

/// Before the effects are performed.
void Node::note_events() {
    for (consensus::TraceEvent const& event : effects_.trace) count(metrics_, event);
    bool const due = !effects_.trace.empty() || now_ >= looked_ + look_every;
    if (!due || !replica_->serving()) return;
    looked_ = now_;
    std::int64_t const at_ms = wall_clock_ms();
    for (consensus::TraceEvent const& event : effects_.trace) chronicle_.note(at_ms, event);
    chronicle_.look(at_ms, replica_->status(now_));
}

/// Writes that got a place in the order: those that failed there, too.
void Node::count_write(replica::Reply const& reply) {
    bool const is_write =
        reply.verb == Verb::set || reply.verb == Verb::del || reply.verb == Verb::nop;
    bool const was_applied = !reply.error || reply.error->code == Errc::rev_mismatch;
    if (!is_write || !was_applied) return;
    writes_.add(now_, now_ - reply.asked);
    add_time(metrics_.commit_time, now_ - reply.asked);
}

/// Adds what the replica left to its shell.
void Node::complete(replica::Reply& reply) {
    count_write(reply);
    if (reply.verb != Verb::status || reply.error) return;
    replica::Ancestry const ancestry = replica::ancestry_in(replica_->state());
    if (reply.path) {
        reply.value = Bytes(store_text(
            {options_.cluster_name, replica_->core().configuration().lineage, ancestry}));
        return;
    }
    if (!status_) {
        ProcessFigures const figures{release_.member_protocol, sessions_.size(),
                                     replica_->waiting(),      writes_.total(),
                                     writes_.per_second(now_), writes_.quantiles(now_)};
        status_ = Bytes(status_text(replica_->status(now_), ancestry, figures, chronicle_));
    }
    reply.value = *status_;
}

}  // namespace doozer::server
