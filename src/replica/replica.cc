#include "replica/replica.h"

#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/overload.h"

namespace doozer::replica {

using store::Mutation;
using store::Path;

namespace {

Reply& reply_to(SessionId session, std::optional<Tag> tag, Effects& effects) {
    Reply& reply = effects.replies.emplace_back();
    reply.session = session;
    reply.tag = tag;
    return reply;
}

void refuse(ClientRequest const& in, Error error, Effects& effects) {
    reply_to(in.session, in.request.tag, effects).error = std::move(error);
}

enum class Needs { nothing, reading, writing };

Needs needs_of(Verb verb) {
    switch (verb) {
        case Verb::set:
        case Verb::del:
        case Verb::nop:
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
            return true;
    }
    return false;
}

/// Which arguments a read cannot do without. Source: protocol.md, Verbs.
bool lacks_argument(Request const& request) {
    switch (*request.verb) {
        case Verb::get:
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

}  // namespace

Replica::Replica(Options options)
    : options_(std::move(options)),
      store_(options_.store),
      sessions_(options_.access.initial(), options_.seed),
      reads_(store_, sessions_),
      housekeeping_(options_.identity, options_.pulse) {}

void Replica::step(Instant now, Input const& input, Effects& effects) {
    std::visit(Overload{[&](Started const&) {
                            housekeeping_.found(proposals_);
                            end_turn(now, effects);
                        },
                        [&](SessionOpened const& in) { sessions_.open(in.session); },
                        [&](SessionClosed const& in) {
                            reads_.closed(in.session);
                            sessions_.close(in.session);
                        },
                        [&](ClientRequest const& in) { on_request(in, effects); },
                        [&](TurnEnded const&) { end_turn(now, effects); },
                        [&](Tick const&) { end_turn(now, effects); }},
               input);
    effects.deadline = housekeeping_.deadline();
}

void Replica::on_request(ClientRequest const& in, Effects& effects) {
    Session* const session = sessions_.find(in.session);
    DOOZER_ASSERT(session != nullptr);
    if (in.request.tag && session->outstanding.contains(*in.request.tag)) {
        return refuse(in, {Errc::tag_in_use}, effects);
    }
    if (!is_known(in.request.verb)) return refuse(in, {Errc::unknown_verb}, effects);
    Verb const verb = *in.request.verb;
    Needs const needs = needs_of(verb);
    bool const granted = needs == Needs::nothing ||
                         (needs == Needs::reading && session->grants.read) ||
                         (needs == Needs::writing && session->grants.write);
    if (!granted) return refuse(in, {Errc::other, "permission denied"}, effects);
    if (needs == Needs::writing) return on_write(in, verb, effects);
    if (verb == Verb::access) return on_access(in, *session, effects);
    if (verb == Verb::self) {
        reply_to(in.session, in.request.tag, effects).value = Bytes(housekeeping_.id());
    } else if (verb == Verb::rev) {
        reply_to(in.session, in.request.tag, effects).rev = store_.revision();
    } else if (lacks_argument(in.request)) {
        refuse(in, {Errc::missing_arg}, effects);
    } else {
        reads_.ask(in.session, in.request, effects);
    }
}

void Replica::on_access(ClientRequest const& in, Session& session, Effects& effects) {
    bool const good =
        options_.access.present(in.request.value.value_or(std::string_view()), session.grants);
    if (!good) return refuse(in, {Errc::other, "permission denied"}, effects);
    reply_to(in.session, in.request.tag, effects);
}

void Replica::on_write(ClientRequest const& in, Verb verb, Effects& effects) {
    auto const mutation = mutation_of(in.request, verb);
    if (!mutation.ok()) return refuse(in, mutation.error(), effects);
    if (in.request.tag) sessions_.find(in.session)->outstanding.insert(*in.request.tag);
    proposals_.add(mutation.value(), Origin{in.session, in.request.tag, verb});
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

void Replica::end_turn(Instant now, Effects& effects) {
    housekeeping_.tick(now, store_.revision(), proposals_);
    if (!proposals_.empty()) {
        // The only member of its cluster is a majority of it: what it proposes is chosen.
        batch_ = proposals_.take(std::move(batch_));
        deliver(batch_, effects);
    }
    reads_.turn_ended(effects);
}

/// Applies a batch that is chosen and next in order. The one place where a revision is made and
/// where who waited for it is answered.
void Replica::deliver(Batch const& batch, Effects& effects) {
    std::string_view rest = batch.mutations;
    for (auto const& origin : batch.origins) {
        store::Applied const applied = store_.apply(store::take_mutation(rest).value());
        if (origin) reply_applied(*origin, applied, effects);
        reads_.applied(applied.event, effects);
    }
    DOOZER_ASSERT(rest.empty());
}

void Replica::reply_applied(Origin const& origin, store::Applied const& applied, Effects& effects) {
    Session* const session = sessions_.find(origin.session);
    if (session == nullptr) return;  // it went while its change was on the way
    if (origin.tag) session->outstanding.erase(*origin.tag);
    Reply& reply = reply_to(origin.session, origin.tag, effects);
    reply.error = applied.refused;
    if (!applied.refused && origin.verb == Verb::set) reply.rev = applied.event.rev;
}

}  // namespace doozer::replica
