// The majority is lost, and an operator orders this process to go on alone. Source:
// docs/consensus.md, Going on without a majority.
#include <string>

#include "replica/replica.h"

namespace doozer::replica {

/// FORCE: the value is the cluster's name, the path, if given, the id of the process that is meant.
/// Offset 1 means "although others may live elsewhere", 2 "although a process that knows more hands
/// nothing over", 3 both.
void Replica::on_force(Instant now, ClientRequest const& in) {
    if (!in.request.value) return refuse(in, {Errc::missing_arg});
    if (auto why = why_not_force(now, in.request)) {
        return refuse(in, {Errc::other, "not forced: " + *why});
    }
    forcing_ = Origin{in.session, in.request.tag, Verb::force, now, false};
    leave_further_ = (in.request.offset.value_or(0) & 2) != 0;
    effects_->wants_lineage = true;
}

std::optional<std::string> Replica::why_not_force(Instant now, Request const& request) const {
    if (*request.value != membership_.identity().cluster_name) {
        return "this cluster has another name";
    }
    if (request.path && *request.path != membership_.identity().id) return "another id is meant";
    if (left_behind_) return "the cluster was forced on without this process: start it anew";
    if (forcing_) return "that is being done already";
    if (!core_.voter()) return "this process is no member of the cluster";
    if (!has_no_quorum(now)) return "this process hears a majority of the members";
    if ((request.offset.value_or(0) & 1) != 0) return std::nullopt;
    for (consensus::MemberId const id : core_.configuration().voters) {
        auto const peer = core_.peers().find(id);
        if (peer == core_.peers().end()) continue;
        Duration const silent = now - peer->second.heard;
        bool const reached = peer->second.greeted && silent <= heard_lately;
        if (reached || peer->second.heard == Instant(0)) continue;
        Duration const patience = options_.tuning.kick_after;
        if (silent >= patience) continue;
        constexpr std::int64_t second = seconds(1).value();
        return "member " + id.str() + " was heard " + std::to_string(silent.value() / second) +
               " s ago and may live on elsewhere; it counts as dead after " +
               std::to_string(patience.value() / second) + " s, or if you say so";
    }
    return std::nullopt;
}

Status Replica::status(Instant now) const {
    Status status = status_of(now, core_, membership_, state_, neighbours_);
    status.quorum = status.quorum && !left_behind_;
    return status;
}

/// This voter's cluster goes on without it. It cannot tell whether the cluster has its changes that
/// are on their way.
void Replica::leave_behind() {
    left_behind_ = true;
    if (!in_flight_.empty()) lose(in_flight_.back().oseq);
}

/// Says what would be lost, so that the operator can decide.
std::string Replica::why_force_ended() const {
    auto const further = core_.voter() ? core_.further_survivor() : std::nullopt;
    if (!further) return "another process goes on with the cluster";
    std::string why = "process " + further->str() + " is reached and further: it is in epoch " +
                      std::to_string(core_.peers().at(*further).vector.epoch.value()) +
                      ", this one in epoch " + std::to_string(core_.epoch().value());
    if (Neighbour const* const n = neighbours_.find(*further)) {
        why += "; it has applied revision " + std::to_string(n->revision.value()) +
               ", this one revision " + std::to_string(state_.store().revision().value());
    }
    return why + "; it hands nothing over: force that one, wait, or leave behind what it knows";
}

/// Answers the FORCE: with the revision from which the cluster goes on, or with the refusal.
void Replica::end_force(std::optional<Error> refused) {
    if (!forcing_) return;
    Origin const origin = *std::exchange(forcing_, std::nullopt);
    if (sessions_.find(origin.session) == nullptr) return;
    answering_ = origin.verb;
    asked_ = origin.asked;
    Reply& reply = reply_to(origin.session, origin.tag);
    reply.error = std::move(refused);
    if (!reply.error) reply.rev = state_.store().revision();
}

}  // namespace doozer::replica
