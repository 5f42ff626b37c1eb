#include "replica/streams.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace doozer::replica {

using store::Glob;

namespace {

std::size_t memory_of(Reply const& reply) {
    std::size_t bytes = sizeof(Reply) + sizeof(Revision);
    if (reply.path) bytes += reply.path->size();
    if (reply.value) bytes += reply.value->size();
    if (reply.error) bytes += reply.error->detail.size();
    if (!reply.events) return bytes;
    for (ReplyEvent const& event : reply.events->events) {
        bytes += sizeof event + event.path.size() + event.value.size();
    }
    return bytes;
}

std::size_t output_of(ReplyEvents const& part) {
    std::size_t bytes = 0;
    for (ReplyEvent const& event : part.events) {
        bytes += event_overhead_bytes + event.path.size() + event.value.size();
        bytes += event.before_value.size();
    }
    return bytes;
}

/// Says nothing of what has happened up to a revision, so it may overtake events.
bool may_overtake(Reply const& reply) {
    return reply.verb == Verb::watch || reply.verb == Verb::cancel ||
           (reply.events && reply.events->end);
}

std::shared_ptr<ReplyEvents> the_end(bool is_first) {
    auto end = std::make_shared<ReplyEvents>();
    end->end = true;
    end->is_first = is_first;
    return end;
}

/// Such a glob is tried on every event; the watch table finds all others by the event's path.
bool is_tried(Glob const& glob) {
    return glob.middle() == Glob::Middle::several;
}

}  // namespace

Reply& Streams::reply_to(SessionId session, std::optional<Tag> tag, Effects& effects) {
    Reply& reply = effects.replies.emplace_back();
    reply.session = session;
    reply.tag = tag;
    reply.verb = Verb::watch;
    return reply;
}

void Streams::watch(Instant now, SessionId session, Request const& request,
                    std::string const& lineage, Effects& effects) {
    auto const refuse = [&](Error error, bool ends = true) {
        Reply& reply = reply_to(session, request.tag, effects);
        reply.asked = now;
        reply.error = std::move(error);
        if (ends) reply.events = the_end(true);
    };
    auto glob = Glob::parse(*request.path);
    if (!glob.ok()) return refuse(glob.error());
    std::int32_t const options = request.options.value_or(0);
    if ((options & ~(watch_state | watch_before)) != 0) {
        return refuse({Errc::other, "unknown options"});
    }
    auto const of = sessions_.find(session);
    if (of != sessions_.end()) {
        bool const in_use =
            std::any_of(of->second.streams.begin(), of->second.streams.end(),
                        [&](auto const& entry) { return entry.second.tag() == request.tag; });
        // An end would be taken for that of the stream that has the tag.
        if (in_use) return refuse({Errc::tag_in_use}, false);
        if (of->second.streams.size() >= streams_per_session_max) {
            return refuse({Errc::other, "too many streams on this connection: the limit is " +
                                            std::to_string(streams_per_session_max)});
        }
    }
    bool const with_state = (options & watch_state) != 0;
    Revision from = store_.revision().next();
    if (request.rev && !with_state) from = std::max(*request.rev, Revision(1));
    if (from < store_.first_revision()) return refuse({Errc::too_late});

    Reply& reply = reply_to(session, request.tag, effects);
    reply.asked = now;
    reply.applied = store_.revision();
    auto first = std::make_shared<ReplyEvents>();
    first->lineage = lineage;
    first->goes_on = true;
    reply.events = std::move(first);

    StreamId const id = next_id_++;
    OfSession& mine = sessions_[session];
    Stream& stream =
        mine.streams.emplace(id, Stream(request.tag, std::move(glob).value(), from, options))
            .first->second;
    mine.bytes += stream.memory();
    bytes_ += stream.memory();
    ++size_;
    session_of_.emplace(id, session);
    if (is_tried(stream.glob())) tried_.insert(session);
    mine.behind.insert(id);
    make_due(session, mine);
}

bool Streams::cancel(SessionId session, Tag tag, Effects& effects) {
    auto const of = sessions_.find(session);
    if (of == sessions_.end()) return false;
    auto const& streams = of->second.streams;
    auto const found = std::find_if(streams.begin(), streams.end(),
                                    [&](auto const& entry) { return entry.second.tag() == tag; });
    if (found == streams.end()) return false;
    reply_to(session, tag, effects).events = the_end(false);
    erase(of->second, found->first);
    make_due(session, of->second);  // what waited for this stream only goes out
    return true;
}

void Streams::applied(store::Event const& event) {
    if (sessions_.empty()) return;
    woken_.clear();
    watches_.take(event.path, woken_);
    for (StreamId const id : woken_) {
        SessionId const session = session_of_.at(id);
        OfSession& of = sessions_.at(session);
        Stream& stream = of.streams.at(id);
        stream.watch.reset();
        stream.wake(event.rev);
        of.behind.insert(id);
        make_due(session, of);
    }
}

/// A stream that waited for an event was told all up to where the last step ended.
void Streams::store_replaced() {
    for (auto& [session, of] : sessions_) {
        for (auto& [id, stream] : of.streams) {
            if (stream.watch) {
                watches_.remove(*stream.watch);
                stream.watch.reset();
                stream.wake(settled_.next());
            }
            of.behind.insert(id);
        }
        make_due(session, of);
    }
}

void Streams::output_left(SessionId session, std::size_t bytes) {
    auto const of = sessions_.find(session);
    if (of == sessions_.end()) return;
    of->second.output = bytes;
    if (blocked_.contains(session)) make_due(session, of->second);
}

void Streams::closed(SessionId session) {
    auto const of = sessions_.find(session);
    if (of == sessions_.end()) return;
    while (!of->second.streams.empty()) erase(of->second, of->second.streams.begin()->first);
    bytes_ -= of->second.held_bytes;
    forget(session);
}

void Streams::make_due(SessionId session, OfSession& of) {
    blocked_.erase(session);
    if (!std::exchange(of.is_due, true)) due_.push_back(session);
}

void Streams::settle(std::size_t first, Effects& effects) {
    if (sessions_.empty()) return;
    auto const begin = effects.replies.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<Reply> replies(std::make_move_iterator(begin),
                               std::make_move_iterator(effects.replies.end()));
    effects.replies.resize(first);
    if (store_.revision() > settled_) {
        for (SessionId const session : tried_) make_due(session, sessions_.at(session));
        // Those have no room, and may be too late all the same.
        for (SessionId const session : std::set<SessionId>(blocked_)) {
            end_late(session, sessions_.at(session), effects);
        }
    }
    settled_ = store_.revision();
    // The first answer of a stream goes before its events.
    std::erase_if(replies, [&](Reply& reply) {
        if (!may_overtake(reply)) return false;
        effects.replies.push_back(std::move(reply));
        return true;
    });
    // Before the others are looked at, so that few of them have to wait.
    for (std::size_t n = due_.size(); n > 0 && !budget_.spent(); --n) {
        SessionId const session = due_.front();
        due_.pop_front();
        auto const of = sessions_.find(session);
        if (of == sessions_.end()) continue;  // it was closed
        of->second.is_due = false;
        tell(session, of->second, effects);
    }
    for (Reply& reply : replies) hold_back(std::move(reply), effects);
    if (!due_.empty()) effects.more_to_do = true;
}

/// Sends the reply on, or keeps it until the streams of its session were told as much as it can
/// tell.
void Streams::hold_back(Reply reply, Effects& effects) {
    auto const found = sessions_.find(reply.session);
    bool const waits = found != sessions_.end() && (!found->second.held.empty() ||
                                                    told_to_all(found->second) < store_.revision());
    if (!waits) {
        effects.replies.push_back(std::move(reply));
        return;
    }
    OfSession& of = found->second;
    of.held_bytes += memory_of(reply);
    bytes_ += memory_of(reply);
    of.held.push_back({store_.revision(), std::move(reply)});
}

/// Tells the session's streams in turns, each a part, as far as the connection has room and the
/// budget goes.
void Streams::tell(SessionId session, OfSession& of, Effects& effects) {
    Revision const newest = store_.revision();
    auto const can_go_on = [&] {
        return of.output < stream_output_bytes_pause && !budget_.spent();
    };
    bool is_behind = true;
    while (is_behind && can_go_on()) {
        is_behind = false;
        std::vector<StreamId> ids(of.behind.upper_bound(of.last_told), of.behind.end());
        ids.insert(ids.end(), of.behind.begin(), of.behind.upper_bound(of.last_told));
        for (StreamId const id : ids) {
            if (!can_go_on()) {
                is_behind = true;
                break;
            }
            budget_.use();
            of.last_told = id;
            is_behind = tell_one(session, of, id, effects) || is_behind;
        }
    }
    Revision const told = told_to_all(of);
    while (!of.held.empty() && of.held.front().rev <= told) {
        Reply& reply = of.held.front().reply;
        of.held_bytes -= memory_of(reply);
        bytes_ -= memory_of(reply);
        effects.replies.push_back(std::move(reply));
        of.held.pop_front();
    }
    if (of.streams.empty() && of.held.empty()) return forget(session);
    if (told >= newest) return;
    if (of.output >= stream_output_bytes_pause) {
        blocked_.insert(session);
    } else {
        make_due(session, of);
    }
}

/// One part of one stream. Whether more is to be told.
bool Streams::tell_one(SessionId session, OfSession& of, StreamId id, Effects& effects) {
    Stream& stream = of.streams.at(id);
    Revision const newest = store_.revision();
    if (stream.is_behind(newest)) {
        if (stream.is_too_late(store_)) {
            Reply& reply = reply_to(session, stream.tag(), effects);
            reply.error = Error{Errc::too_late};
            reply.events = the_end(false);
            erase(of, id);
            return false;
        }
        if (auto part = stream.next_part(store_, budget_)) {
            of.output += output_of(*part);
            Reply& reply = reply_to(session, stream.tag(), effects);
            reply.applied = part->complete;
            reply.events = std::move(part);
        }
    }
    if (stream.is_behind(newest)) return true;
    if (is_tried(stream.glob())) return false;
    stream.watch = watches_.add(stream.glob(), id, session.value(), newest);
    of.behind.erase(id);
    return false;
}

/// Ends the streams of a session without room whose events the history has forgotten.
void Streams::end_late(SessionId session, OfSession& of, Effects& effects) {
    std::vector<StreamId> late;
    for (StreamId const id : of.behind) {
        Stream const& stream = of.streams.at(id);
        if (stream.is_behind(store_.revision()) && stream.is_too_late(store_)) late.push_back(id);
    }
    for (StreamId const id : late) tell_one(session, of, id, effects);
    if (!late.empty()) make_due(session, of);
}

Revision Streams::told_to_all(OfSession const& of) const {
    Revision told = store_.revision();
    for (StreamId const id : of.behind) {
        Stream const& stream = of.streams.at(id);
        if (stream.is_behind(store_.revision())) told = std::min(told, stream.told());
    }
    return told;
}

void Streams::erase(OfSession& of, StreamId id) {
    Stream const& stream = of.streams.at(id);
    if (stream.watch) watches_.remove(*stream.watch);
    of.bytes -= stream.memory();
    bytes_ -= stream.memory();
    --size_;
    session_of_.erase(id);
    of.behind.erase(id);
    of.streams.erase(id);
}

void Streams::forget(SessionId session) {
    sessions_.erase(session);
    blocked_.erase(session);
    tried_.erase(session);
}

std::size_t Streams::size(SessionId session) const {
    auto const of = sessions_.find(session);
    return of == sessions_.end() ? 0 : of->second.streams.size();
}

std::size_t Streams::held_bytes(SessionId session) const {
    auto const of = sessions_.find(session);
    return of == sessions_.end() ? 0 : of->second.held_bytes;
}

std::size_t Streams::bytes(SessionId session) const {
    auto const of = sessions_.find(session);
    return of == sessions_.end() ? 0 : of->second.bytes + of->second.held_bytes;
}

}  // namespace doozer::replica
