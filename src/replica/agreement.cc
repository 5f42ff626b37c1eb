// Between the requests and the one order: changes go to the core as batches, and come back when it
// is their turn. Here a revision is made, and the requests that wait for it are answered.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "replica/ancestry.h"
#include "replica/replica.h"

namespace doozer::replica {

namespace {

/// A voter that has not heard a majority for so long proposes nothing more. It can refuse a change
/// that it has not proposed, and the client knows for certain that it was not made.
constexpr Duration quorum_lately = seconds(1);

}  // namespace

void Replica::on_message(Instant now, PeerMessage const& in) {
    MemberId const peer(in.peer);
    tell(now, consensus::Receive{peer, in.message});
    auto const* const ping = std::get_if<consensus::Ping>(&in.message);
    if (ping == nullptr || !core_.reaches(peer)) return;
    neighbours_.heard(now, peer, *ping, core_, state_.store().revision());
}

void Replica::end_turn(Instant now) {
    std::optional<consensus::Ask> ask;
    bool const looked = membership_.look(now, core_, state_, {proposals_, ask});
    if (ask) tell(now, *ask);
    if (now >= core_wake_) tell(now, consensus::Tick{});
    watch_quorum(now);
    propose(now);
    if (looked) aim();
    // The core has given the order up: another survivor goes on, or a process that knows more hands
    // nothing over.
    if (forcing_ && !effects_->wants_lineage && !core_.forcing()) {
        end_force(Error{Errc::other, "not forced: " + why_force_ended()});
    }
    bool const left = std::holds_alternative<Leaving>(membership_.phase());
    if (left && !membership_.retires()) effects_->wants_identity = true;
    reads_.turn_ended(*effects_);
    effects_->deadline = std::min(membership_.deadline(), core_wake_);
    if (quorumless_since_ != never && !refusing_) {
        effects_->deadline =
            std::min(effects_->deadline, quorumless_since_ + options_.no_quorum_after);
    }
}

bool Replica::has_no_quorum(Instant now) const {
    return core_.voter() && !core_.hears_majority(now, quorum_lately);
}

bool Replica::retired(Instant now) const {
    return membership_.retires() && proposals_.empty() && in_flight_.empty() &&
           !membership_.hopes_to_leave(now, core_) && !membership_.hands_over(now, core_);
}

void Replica::watch_quorum(Instant now) {
    if (!has_no_quorum(now)) {
        quorumless_since_ = never;
    } else if (quorumless_since_ == never) {
        quorumless_since_ = now;
    }
    refusing_ = quorumless_since_ != never && now - quorumless_since_ >= options_.no_quorum_after;
    if (core_.voter() && !refusing_ && !left_behind_) return;
    while (auto const kept = linear_reads_.take_first()) refuse_linear_read(*kept, cannot_ask);
    char const* const why = !core_.voter() ? "not a member: not applied"
                            : left_behind_ ? forced_on_without_us
                                           : "no quorum: not applied";
    while (!proposals_.empty()) {
        for (auto const& origin : proposals_.take().origins) {
            if (origin) refuse_write(*origin, why);
        }
    }
}

void Replica::propose(Instant now) {
    bool goes_on = false;
    do {  // a member that is alone applies a batch at once, and has room for more
        goes_on = submit_some(now);
        tell(now, consensus::EndOfTurn{});
    } while (goes_on && core_.voter() && core_.unsettled() == 0 && !proposals_.empty());
}

/// Submits as many batches as there is room for. True if there was any.
bool Replica::submit_some(Instant now) {
    if (!core_.voter() || quorumless_since_ != never) return false;
    bool some = false;
    while (!proposals_.empty() && core_.unsettled() < lane_window_batches) {
        Proposed batch = proposals_.take();
        auto const out = core_step(now, consensus::Submit{Bytes(batch.changes)});
        DOOZER_ASSERT(out.submitted);
        in_flight_.push_back({*out.submitted, std::move(batch)});
        some = true;
    }
    return some;
}

consensus::Output Replica::core_step(Instant now, consensus::Input const& input) {
    consensus::Recorder* const recorder = options_.recorder;
    return recorder != nullptr ? recorder->step(core_, now, input, *this)
                               : core_.step(now, input, *this);
}

void Replica::tell(Instant now, consensus::Input const& input) {
    consensus::Output out = core_step(now, input);
    core_wake_ = out.wake;
    for (consensus::Send& send : out.sends) {
        auto* const ping = std::get_if<consensus::Ping>(&send.message);
        if (ping != nullptr) ping->figures = Neighbours::figures(core_, state_.store().revision());
    }
    auto& sends = effects_->sends;
    sends.insert(sends.end(), out.sends.begin(), out.sends.end());
    effects_->trace.insert(effects_->trace.end(), out.trace.begin(), out.trace.end());
    for (consensus::TraceEvent const& event : out.trace) {
        if (event.what == consensus::Happened::left_behind) leave_behind();
    }
    for (auto const& [from, payload] : out.asked) {
        std::string_view changes = payload.view();
        if (!core_.voter() || !membership_.may_propose(from, changes, core_, state_)) {
            continue;
        }
        while (!changes.empty()) proposals_.add(take_change(changes).value());
    }
    for (std::uint64_t const token : out.reads_ready) {
        auto const kept = linear_reads_.take(token);
        if (!kept) continue;
        answering_ = *kept->request.verb;
        asked_ = kept->asked;
        on_read(asked_, {kept->session, kept->asked_again()});
    }
    for (std::uint64_t const token : out.reads_refused) {
        auto const kept = linear_reads_.take(token);
        if (kept) refuse_linear_read(*kept, "not a member any longer");
    }
    if (out.outcome_unknown) lose(*out.outcome_unknown);
    if (out.returned.empty()) return;
    for (InFlight const& mine : std::exchange(in_flight_, {})) {
        for (auto const& origin : mine.batch.origins) {
            if (origin) refuse_write(*origin, "removed from the cluster: not applied");
        }
    }
}

void Replica::refuse_linear_read(LinearReads::Kept const& kept, char const* why) {
    answering_ = *kept.request.verb;
    asked_ = kept.asked;
    reply_to(kept.session, kept.request.tag).error = Error{Errc::readonly, why};
}

/// This process cannot tell whether these batches were applied, so it closes the sessions that wait
/// for them: the outcome is unknown.
void Replica::lose(consensus::Oseq upto) {
    for (; !in_flight_.empty() && in_flight_.front().oseq <= upto; in_flight_.pop_front()) {
        for (auto const& origin : in_flight_.front().batch.origins) {
            auto& lost = effects_->lost;
            bool const known =
                !origin || std::find(lost.begin(), lost.end(), origin->session) != lost.end();
            if (!known) lost.push_back(origin->session);
        }
    }
}

/// The next batch of the one order, on every member alike.
consensus::Applied Replica::apply(consensus::Batch const& batch) {
    bool const mine = batch.origin() == core_.me() && !in_flight_.empty() &&
                      in_flight_.front().oseq == batch.oseq();
    std::string_view rest = batch.payload().view();
    if (auto const to = switch_in(rest)) {
        state_.switch_rules(*to);
        rest = {};
    }
    for (std::size_t i = 0; !rest.empty(); ++i) {
        auto const change = take_change(rest);
        if (!change.ok()) break;  // all members refuse the same bytes at the same place
        auto const applied = state_.apply(change.value());
        if (!applied) continue;
        if (taken_over_) {
            taken_over_->emplace(applied->event.path);
            continue;
        }
        if (mine && in_flight_.front().batch.origins[i]) {
            reply_applied(*in_flight_.front().batch.origins[i], *applied);
        }
        reads_.applied(applied->event, *effects_);
    }
    if (mine && taken_over_) {
        lose(batch.oseq());
    } else if (mine) {
        proposals_.give_back(std::move(in_flight_.front().batch));
        in_flight_.pop_front();
    }
    return {state_.take_new_voters(), state_.chain()};
}

void Replica::reply_applied(Origin const& origin, store::Applied const& applied) {
    if (sessions_.find(origin.session) == nullptr)
        return;  // it closed while its change was on the way
    answering_ = origin.verb;
    asked_ = origin.asked;
    Reply& reply = reply_to(origin.session, origin.tag);
    reply.error = applied.refused;
    if (origin.tell_applied) reply.applied = applied.event.rev;
    if (!applied.refused && origin.verb == Verb::set) reply.rev = applied.event.rev;
}

void Replica::refuse_write(Origin const& origin, std::string const& why) {
    if (sessions_.find(origin.session) == nullptr) return;
    answering_ = origin.verb;
    asked_ = origin.asked;
    reply_to(origin.session, origin.tag).error = Error{Errc::readonly, why};
}

/// What was taken over has revisions here that a dead member may have given to other changes: it
/// applied a batch of another dead member before these, which nobody knows any more. If such a
/// revision stayed at a file, a client that had read the other change there would pass a
/// compare-and-set, and overwrite what it never saw. So no client is told of these revisions: the
/// files are written again, the watches end with TOO_LATE, and those who wait for such a change
/// lose their connection.
consensus::Applied Replica::force(MemberId survivor) {
    DOOZER_ASSERT(taken_over_.has_value());
    auto const taken_over = *std::exchange(taken_over_, std::nullopt);
    if (!taken_over.empty()) reads_.store_replaced();
    state_.force(survivor, taken_over,
                 [&](store::Event const& event) { reads_.applied(event, *effects_); });
    Ancestry const ancestry = forced_on(ancestry_in(state_), core_.forced_from());
    reads_.applied(write_ancestry(ancestry, state_).event, *effects_);
    quorumless_since_ = never;
    refusing_ = false;
    end_force({});
    return {{}, state_.chain()};
}

bool Replica::finish_install() {
    if (!state_.finish_install()) return false;
    reads_.store_replaced();
    return true;
}

/// Tells the shell which processes to link to, if they have changed.
void Replica::aim() {
    std::vector<Target> targets = membership_.targets(core_, state_);
    if (targets == targets_) return;
    targets_ = targets;
    effects_->targets = std::move(targets);
}

}  // namespace doozer::replica
