// What clients ask: reads are answered from the copy, changes go into the one order.
#include "replica/replica.h"

#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/overload.h"
#include "base/status_part.h"
#include "replica/ancestry.h"

namespace doozer::replica {

using store::Mutation;
using store::Path;

namespace {

enum class Needs { nothing, reading, writing };

Needs needs_of(Verb verb) {
    switch (verb) {
        case Verb::set:
        case Verb::del:
        case Verb::nop:
        case Verb::force:
            return Needs::writing;
        case Verb::rev:
        case Verb::self:
        case Verb::access:
            return Needs::nothing;
        default:
            return Needs::reading;
    }
}

bool is_known(std::optional<Verb> verb) {
    switch (verb.value_or(Verb{0})) {
        case Verb::get:
        case Verb::set:
        case Verb::del:
        case Verb::rev:
        case Verb::wait:
        case Verb::nop:
        case Verb::walk:
        case Verb::getdir:
        case Verb::stat:
        case Verb::self:
        case Verb::access:
        case Verb::force:
        case Verb::status:
        case Verb::list:
            return true;
    }
    return false;
}

/// Which arguments a read cannot do without. Source: protocol.md, Verbs.
bool lacks_argument(Request const& request) {
    switch (*request.verb) {
        case Verb::get:
        case Verb::list:
            return !request.path;
        case Verb::getdir:
        case Verb::walk:
            return !request.path || !request.offset;
        case Verb::wait:
            return !request.path || !request.rev;
        default:
            return false;
    }
}

consensus::Core first_core(Options const& options) {
    MemberId const me(options.identity.id);
    consensus::Configuration start;
    if (founds(options)) {
        start = {options.lineage, consensus::Epoch(1), {me}, {me}};
    }
    return {me, std::move(start), options.tuning};
}

RulesTable table_of(Options const& options) {
    RulesTable table = options.rules;
    table.release = options.identity.version;
    return table;
}

}  // namespace

Replica::Replica(Options options)
    : options_(std::move(options)),
      state_(options_.store, table_of(options_)),
      sessions_(options_.access.initial()),
      reads_(state_.store()),
      linear_reads_(sessions_),
      membership_(options_.identity, options_.attach_to,
                  founds(options_) ? Phase(Founding{}) : Phase(Attaching{}),
                  {options_.pulse, options_.tuning.kick_after}),
      core_(first_core(options_)) {
    if (founds(options_)) state_.found(core_.me());
    if (options_.restored_to > missing) {
        bool const restored = state_.restore(options_.restored, options_.restored_to);
        DOOZER_ASSERT(restored);
        (void)write_ancestry({{}, state_.store().revision()}, state_);
        options_.restored.clear();
    }
}

void Replica::step(Instant now, Input const& input, Effects& effects) {
    effects_ = &effects;
    std::visit(Overload{[&](Started const&) {
                            if (founds(options_)) membership_.found(now, proposals_);
                            end_turn(now);
                        },
                        [&](SessionOpened const& in) { sessions_.open(in.session); },
                        [&](SessionClosed const& in) {
                            reads_.closed(in.session);
                            linear_reads_.closed(in.session);
                            sessions_.close(in.session);
                        },
                        [&](ClientRequest const& in) { on_request(now, in); },
                        [&](LinkUp const& in) { tell(now, consensus::LinkUp{MemberId(in.peer)}); },
                        [&](LinkDown const& in) {
                            tell(now, consensus::LinkDown{MemberId(in.peer)});
                            neighbours_.forget_gone(core_);
                        },
                        [&](PeerMessage const& in) { on_message(now, in); },
                        [&](IdentityGiven const& in) {
                            tell(now, consensus::Rename{MemberId(in.id)});
                            membership_.renamed(now, in.id);
                            effects.wants_identity = false;
                        },
                        [&](AccessChanged const& in) {
                            options_.access = in.access;
                            sessions_.grant_initially(in.access.initial());
                        },
                        [&](Force const& in) {
                            effects.wants_lineage = false;
                            bool const leave = std::exchange(leave_further_, false);
                            tell(now, consensus::Force{in.lineage, leave});
                        },
                        [&](Retire const&) { membership_.retire(now); },
                        [&](TurnEnded const&) { end_turn(now); }},
               input);
    effects_ = nullptr;
}

void Replica::on_request(Instant now, ClientRequest const& in) {
    DOOZER_ASSERT(serving());
    answering_ = in.request.verb.value_or(Verb{0});
    asked_ = now;
    Session* const session = sessions_.find(in.session);
    DOOZER_ASSERT(session != nullptr);
    if (!is_known(in.request.verb)) return refuse(in, {Errc::unknown_verb});
    Verb const verb = *in.request.verb;
    Needs const needs = needs_of(verb);
    bool const granted = needs == Needs::nothing ||
                         (needs == Needs::reading && session->grants.read) ||
                         (needs == Needs::writing && session->grants.write);
    if (!granted) return refuse(in, {Errc::other, "permission denied"});
    if (verb == Verb::force) return on_force(now, in);
    if (needs == Needs::writing) return on_write(now, in, verb);
    if (verb == Verb::status) return on_status(in);
    if (verb == Verb::access) return on_access(in, *session);
    if (verb == Verb::self) {
        reply_to(in.session, in.request.tag).value = Bytes(membership_.identity().id);
        return;
    }
    if (verb != Verb::rev && lacks_argument(in.request)) return refuse(in, {Errc::missing_arg});
    on_read(now, in);
}

void Replica::on_read(Instant now, ClientRequest const& in) {
    if (in.request.linear) {
        if (!core_.voter()) {
            return refuse(in, {Errc::readonly, "not a member: cannot ask for the newest"});
        }
        if (refusing_ || left_behind_) return refuse(in, {Errc::readonly, cannot_ask});
        return tell(now, consensus::Read{linear_reads_.keep(now, in.session, in.request)});
    }
    if (*in.request.verb == Verb::rev) {
        reply_to(in.session, in.request.tag).rev = state_.store().revision();
        return;
    }
    reads_.ask(now, in.session, in.request, *effects_);
}

/// The shell adds what it knows, and fills in the value: of the part that the path names, or of the
/// whole.
void Replica::on_status(ClientRequest const& in) {
    Reply& reply = reply_to(in.session, in.request.tag);
    reply.rev = state_.store().revision();
    if (in.request.path == status_lineage) reply.path = Bytes(status_lineage);
}

void Replica::on_access(ClientRequest const& in, Session& session) {
    bool const good =
        options_.access.present(in.request.value.value_or(std::string_view()), session.grants);
    if (!good) return refuse(in, {Errc::other, "permission denied"});
    reply_to(in.session, in.request.tag);
}

void Replica::on_write(Instant now, ClientRequest const& in, Verb verb) {
    // Source of the order: protocol.md, Verbs.
    if (!core_.voter()) return refuse(in, {Errc::readonly});
    if (left_behind_) return refuse(in, {Errc::readonly, forced_on_without_us});
    if (refusing_) return refuse(in, {Errc::readonly, "no quorum: not applied"});
    if (membership_.retires()) return refuse(in, {Errc::readonly, "being stopped: not applied"});
    auto const mutation = mutation_of(in.request, verb);
    if (!mutation.ok()) return refuse(in, mutation.error());
    proposals_.add({std::nullopt, mutation.value(), vouches_for(mutation.value())},
                   Origin{in.session, in.request.tag, verb, now, in.request.min_rev.has_value()});
}

/// An operator gives a slot to a process that this voter is linked with. It votes from the batch on
/// in which that happens, so that the cluster is never one member short.
bool Replica::vouches_for(Mutation const& m) const {
    bool const gives_slot = m.kind == store::MutationKind::set &&
                            m.path.text().starts_with("/ctl/cal/") && !m.value.empty() &&
                            m.value.size() <= process_id_chars;
    return gives_slot && state_.rules() >= rules_of_willing_voters &&
           core_.reaches(consensus::MemberId(m.value));
}

Reply& Replica::reply_to(SessionId session, std::optional<Tag> tag) {
    Reply& reply = effects_->replies.emplace_back();
    reply.session = session;
    reply.tag = tag;
    reply.verb = answering_;
    reply.asked = asked_;
    return reply;
}

void Replica::refuse(ClientRequest const& in, Error error) {
    reply_to(in.session, in.request.tag).error = std::move(error);
}

Result<Mutation> Replica::mutation_of(Request const& request, Verb verb) const {
    if (verb == Verb::nop) return Mutation::nop();
    if (!request.path || !request.rev) return Error{Errc::missing_arg};
    DOOZER_TRY(Path const path, Path::parse(*request.path));
    if (verb == Verb::del) return Mutation::del(path, *request.rev);
    std::string_view const value = request.value.value_or(std::string_view());
    if (value.size() > options_.value_bytes_max) {
        return Error{Errc::other, "value too large: the limit is " +
                                      std::to_string(options_.value_bytes_max) + " bytes"};
    }
    return Mutation::set(path, value, *request.rev);
}

}  // namespace doozer::replica
