#include "replica/reads.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace doozer::replica {

using store::Found;
using store::Glob;
using store::Listing;
using store::Path;

namespace {

std::int32_t flags_of(store::EventKind kind) {
    switch (kind) {
        case store::EventKind::set:
            return flag_set;
        case store::EventKind::del:
            return flag_del;
        case store::EventKind::nop:
            return 0;
    }
    return 0;
}

/// The memory of one question that is kept, with its place in the tables here and in the watch
/// table, and its text in three of them; measured with 100,000 WAITs.
std::size_t cost_of(std::string const& path) {
    return 640 + 3 * path.size();
}

bool takes_glob(Verb verb) {
    return verb == Verb::walk || verb == Verb::list || verb == Verb::wait;
}

}  // namespace

void Reads::ask(Instant now, SessionId session, Request const& request, Effects& effects) {
    Question q{session,
               request.tag,
               *request.verb,
               request.path.value_or(std::string_view()),
               request.offset.value_or(0),
               request.rev,
               request.min_rev};
    q.asked = now;
    if (q.verb == Verb::list) {
        q.page = std::make_shared<ListPage>(request.after.value_or("/"), request.limit);
    }
    if (Outcome const why = answer(q, effects)) keep(q, *why);
}

Reads::Outcome Reads::answer(Question& q, Effects& effects) {
    // Source of the order of what is looked at first: protocol.md, Verbs.
    std::optional<Glob> glob;
    if (takes_glob(q.verb)) {
        budget_.use(q.path.size() / 64);
        auto parsed = Glob::parse(q.path);
        if (!parsed.ok()) {
            reply_error(q, parsed.error(), effects);
            return std::nullopt;
        }
        glob = std::move(parsed).value();
    }
    if (refuse_arguments(q, effects)) return std::nullopt;
    if (q.pinned && *q.rev < store_.first_revision()) {  // begin again at the newest
        q.rev.reset();
        q.pinned = false;
        q.listing.reset();
        if (q.page) q.page->begin_anew();
    }
    if (q.rev) q.rev = std::max({*q.rev, q.searched_to.next(), Revision(1)});
    if (q.rev && *q.rev < store_.first_revision()) {
        reply_error(q, {Errc::too_late}, effects);
        return std::nullopt;
    }
    if (q.verb == Verb::wait) return answer_wait(q, *glob, effects);
    if (q.rev && *q.rev > store_.revision()) return Unanswered{Unanswered::Until::revision, *q.rev};
    if (q.min_rev && *q.min_rev > store_.revision()) {
        return Unanswered{Unanswered::Until::revision, *q.min_rev};
    }
    Revision const at = q.rev.value_or(store_.revision());
    switch (q.verb) {
        case Verb::get:
            answer_get(q, at, effects);
            return std::nullopt;
        case Verb::stat:
            answer_stat(q, at, effects);
            return std::nullopt;
        default:
            break;
    }
    Outcome const outcome = q.verb == Verb::getdir ? answer_getdir(q, at, effects)
                            : q.verb == Verb::list ? answer_list(q, *glob, at, effects)
                                                   : answer_walk(q, *glob, at, effects);
    if (outcome && !q.rev) {
        q.rev = at;
        q.pinned = true;
    }
    return outcome;
}

/// What is wrong with the request whatever there is in the store.
bool Reads::refuse_arguments(Question const& q, Effects& effects) {
    std::optional<Errc> why;
    if (q.verb == Verb::walk && q.offset < 0) why = Errc::range;
    if (q.verb == Verb::list) why = q.page->refusal();
    if (why) reply_error(q, {*why}, effects);
    return why.has_value();
}

void Reads::answer_get(Question const& q, Revision at, Effects& effects) {
    auto const path = Path::parse(q.path);
    Found found = path.ok() ? store_.find(path.value(), at) : Found{};
    if (found.kind == Found::Kind::directory) return reply_error(q, {Errc::isdir}, effects);
    Reply& reply = reply_to(q, effects);
    reply.rev = found.rev;
    reply.value = std::move(found.value);
}

void Reads::answer_stat(Question const& q, Revision at, Effects& effects) {
    auto const path = Path::parse(q.path);
    Found const found = path.ok() ? store_.find(path.value(), at) : Found{};
    bool const is_directory = found.kind == Found::Kind::directory;
    Reply& reply = reply_to(q, effects);
    reply.rev = found.rev;
    reply.len = static_cast<std::int32_t>(is_directory ? found.entries : found.value.size());
}

Reads::Outcome Reads::answer_getdir(Question& q, Revision at, Effects& effects) {
    auto const path = Path::parse(q.path);
    Found const found = path.ok() ? store_.find(path.value(), at) : Found{};
    if (found.kind != Found::Kind::directory) {
        bool const is_file = found.kind == Found::Kind::file;
        reply_error(q, {is_file ? Errc::notdir : Errc::noent}, effects);
        return std::nullopt;
    }
    if (q.offset < 0 || static_cast<std::uint32_t>(q.offset) >= found.entries) {
        reply_error(q, {Errc::range}, effects);
        return std::nullopt;
    }
    if (!q.listing) q.listing = store_.getdir(path.value(), at);
    auto const seen = store_.seek(*q.listing, static_cast<std::size_t>(q.offset), budget_);
    if (seen.state == Listing::State::unfinished) {
        return Unanswered{Unanswered::Until::next_turn};
    }
    DOOZER_ASSERT(seen.state == Listing::State::found);
    Reply& reply = reply_to(q, effects);
    reply.path = Bytes(seen.entry->key());
    return std::nullopt;
}

Reads::Outcome Reads::answer_walk(Question& q, Glob const& glob, Revision at, Effects& effects) {
    if (!q.listing) q.listing = store_.walk(glob, at);
    auto const seen = store_.seek(*q.listing, static_cast<std::size_t>(q.offset), budget_);
    if (seen.state == Listing::State::unfinished) {
        return Unanswered{Unanswered::Until::next_turn};
    }
    if (seen.state == Listing::State::end) {
        reply_error(q, {Errc::range}, effects);
        return std::nullopt;
    }
    store::Version version = store_.version(*seen.entry, at);
    std::string path;
    append_path(path, *seen.entry);
    Reply& reply = reply_to(q, effects);
    reply.flags = flag_set;
    reply.rev = version.rev;
    reply.path = Bytes(path);
    reply.value = std::move(version.value);
    return std::nullopt;
}

Reads::Outcome Reads::answer_list(Question& q, Glob const& glob, Revision at, Effects& effects) {
    if (!q.page->complete(store_, glob, at, budget_))
        return Unanswered{Unanswered::Until::next_turn};
    Reply& reply = reply_to(q, effects);
    reply.rev = at;
    reply.events = q.page->take();
    return std::nullopt;
}

Reads::Outcome Reads::answer_wait(Question& q, Glob const& glob, Effects& effects) {
    if (*q.rev > store_.revision().next()) {
        return Unanswered{Unanswered::Until::revision, q.rev->plus(-1)};
    }
    std::string path;
    for (Revision next = *q.rev; next <= store_.revision(); ++next) {
        if (budget_.spent()) return Unanswered{Unanswered::Until::next_turn};
        store::Event const event = store_.event(next, path);
        budget_.use(glob.cost(event.path));
        q.searched_to = next;
        if (!glob.matches(event.path)) continue;
        reply_event(q, event, Bytes(event.path), effects);
        return std::nullopt;
    }
    return Unanswered{Unanswered::Until::event};
}

void Reads::applied(store::Event const& event, Effects& effects) {
    woken_.clear();
    watches_.take(event.path, woken_);
    Bytes const path(woken_.empty() ? std::string_view() : event.path);
    for (QuestionId const id : woken_) {
        Kept& kept = kept_.at(id);
        kept.watch.reset();
        reply_event(kept.question, event, path, effects);
        drop(id);
    }
    // Most often this reaches all of them; the turn's end does the rest. So even a history of a
    // single revision is long enough, unless clients wait with many costly globs.
    scan(budget_, effects);
    while (!until_revision_.empty() && until_revision_.begin()->first <= event.rev) {
        QuestionId const id = until_revision_.begin()->second;
        until_revision_.erase(until_revision_.begin());
        kept_.at(id).until_revision.reset();
        ask_again(id, effects);
    }
}

/// Answers the waiters whose globs are tried after the event, as far as the budget goes.
void Reads::scan(store::SearchBudget& budget, Effects& effects) {
    if (!watches_.is_behind(store_.revision())) return;
    due_.clear();
    watches_.scan(store_, budget, due_);
    std::string path;
    for (store::GlobScan::Due const& due : due_) {
        Kept& kept = kept_.at(due.who);
        kept.watch.reset();
        if (due.at == missing) {
            reply_error(kept.question, {Errc::too_late}, effects);
        } else {
            store::Event const event = store_.event(due.at, path);
            reply_event(kept.question, event, Bytes(event.path), effects);
        }
        drop(due.who);
    }
}

void Reads::store_replaced() {
    for (auto& [id, kept] : kept_) {
        kept.question.listing.reset();  // it points into what is gone
        if (kept.question.page) kept.question.page->begin_anew();
        bool const searches = !kept.watch && !kept.until_revision;
        if (kept.watch) watches_.remove(*kept.watch);
        if (kept.until_revision) until_revision_.erase(*kept.until_revision);
        kept.watch.reset();
        kept.until_revision.reset();
        if (!searches) wait_on(id, kept, {Unanswered::Until::next_turn});
    }
}

void Reads::turn_ended(Effects& effects) {
    budget_ = {};
    // Each of the two gets half of the turn, and what the other leaves of its half.
    store::SearchBudget half{budget_.steps / 2};
    budget_.use(half.steps);
    scan(half, effects);
    budget_.steps += half.steps;
    for (std::size_t n = searching_.size(); n > 0 && !budget_.spent(); --n) {
        SessionId const session = searching_.front();
        searching_.pop_front();
        search_on(session, effects);
    }
    scan(budget_, effects);
    effects.more_to_do = !searching_.empty() || watches_.is_behind(store_.revision());
}

/// Continues one search of the session. Its next search has its turn after those of other sessions.
void Reads::search_on(SessionId session, Effects& effects) {
    auto const of_session = by_session_.find(session);
    if (of_session == by_session_.end()) return;
    auto& searching = of_session->second.searching;
    QuestionId const id = searching.front();
    searching.pop_front();
    // Before the question is asked, which may end what is known of the session.
    if (!searching.empty()) searching_.push_back(session);
    ask_again(id, effects);
}

bool Reads::is_searching(SessionId session) const {
    auto const found = by_session_.find(session);
    return found != by_session_.end() && !found->second.searching.empty();
}

void Reads::keep(Question const& q, Unanswered why) {
    QuestionId const id = next_id_++;
    auto& of_session = by_session_[q.session];
    Kept& kept = kept_[id];
    kept.question = q;
    kept.path = q.path;
    kept.question.path = kept.path;
    kept.place_in_session = of_session.ids.size();
    of_session.ids.push_back(id);
    charge(kept);
    wait_on(id, kept, why);
}

/// Counts the memory of a question anew: a page grows from turn to turn.
void Reads::charge(Kept& kept) {
    std::size_t const before = kept.bytes;
    kept.bytes = cost_of(kept.path);
    if (kept.question.page) kept.bytes += kept.question.page->memory();
    std::size_t& of_session = by_session_.at(kept.question.session).bytes;
    of_session += kept.bytes - before;
    kept_bytes_ += kept.bytes - before;
}

void Reads::wait_on(QuestionId id, Kept& kept, Unanswered why) {
    switch (why.until) {
        case Unanswered::Until::revision:
            kept.until_revision = until_revision_.emplace(why.rev, id);
            break;
        case Unanswered::Until::event:
            kept.watch = watches_.add(Glob::parse(kept.path).value(), id,
                                      kept.question.session.value(), store_.revision());
            break;
        case Unanswered::Until::next_turn: {
            auto& searching = by_session_.at(kept.question.session).searching;
            if (searching.empty()) searching_.push_back(kept.question.session);
            searching.push_back(id);
            break;
        }
    }
}

void Reads::ask_again(QuestionId id, Effects& effects) {
    Kept& kept = kept_.at(id);
    if (Outcome const why = answer(kept.question, effects)) {
        charge(kept);
        wait_on(id, kept, *why);
    } else {
        drop(id);
    }
}

void Reads::drop(QuestionId id) {
    Kept const& kept = kept_.at(id);
    if (kept.watch) watches_.remove(*kept.watch);
    if (kept.until_revision) until_revision_.erase(*kept.until_revision);
    auto const of_session = by_session_.find(kept.question.session);
    if (of_session != by_session_.end()) {
        std::vector<QuestionId>& ids = of_session->second.ids;
        of_session->second.bytes -= kept.bytes;
        kept_.at(ids.back()).place_in_session = kept.place_in_session;
        ids[kept.place_in_session] = ids.back();
        ids.pop_back();
        if (ids.empty()) by_session_.erase(of_session);
    }
    kept_bytes_ -= kept.bytes;
    kept_.erase(id);
}

void Reads::closed(SessionId session) {
    auto const of_session = by_session_.find(session);
    if (of_session == by_session_.end()) return;
    std::vector<QuestionId> const ids = std::move(of_session->second.ids);
    by_session_.erase(of_session);
    for (QuestionId const id : ids) drop(id);
}

std::size_t Reads::kept_bytes(SessionId session) const {
    auto const found = by_session_.find(session);
    return found == by_session_.end() ? 0 : found->second.bytes;
}

Reply& Reads::reply_to(Question const& q, Effects& effects) const {
    Reply& reply = effects.replies.emplace_back();
    reply.session = q.session;
    reply.tag = q.tag;
    reply.verb = q.verb;
    reply.asked = q.asked;
    if (q.min_rev) reply.applied = store_.revision();
    return reply;
}

void Reads::reply_event(Question const& q, store::Event const& event, Bytes path,
                        Effects& effects) {
    Reply& reply = reply_to(q, effects);
    reply.flags = flags_of(event.kind);
    reply.rev = event.rev;
    reply.path = std::move(path);
    reply.value = event.value;
}

void Reads::reply_error(Question const& q, Error error, Effects& effects) {
    Reply& reply = reply_to(q, effects);
    reply.error = std::move(error);
}

}  // namespace doozer::replica
