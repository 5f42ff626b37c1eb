// All requests that read: GET, STAT, GETDIR, WALK, LIST, and WAIT, which reads events. A request
// that cannot be answered at once is kept here until its revision exists, its event comes, or its
// long search has had enough turns.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/client_message.h"
#include "replica/effects.h"
#include "replica/list_page.h"
#include "store/store.h"
#include "store/watch_table.h"

namespace doozer::replica {

class Reads {
  public:
    explicit Reads(store::Store& store) : store_(store) {}

    /// Answers, or keeps the question. REQUIRES: the session may read; the verb is one of those
    /// named above; the arguments it needs are there.
    void ask(Instant now, SessionId session, Request const& request, Effects& effects);

    /// Answers the requests that the newest change concerns. To be called after each change.
    void applied(store::Event const& event, Effects& effects);

    /// The whole store was replaced: looks all kept requests up anew.
    void store_replaced();

    /// Continues searches, as far as the budget of one turn goes.
    void turn_ended(Effects& effects);

    /// Forgets what the session asked.
    void closed(SessionId session);

    /// The memory of the kept requests: of one session, and of all.
    [[nodiscard]] std::size_t kept_bytes(SessionId session) const;
    [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }
    /// How many are kept.
    [[nodiscard]] std::size_t size() const { return kept_.size(); }

    [[nodiscard]] bool is_searching(SessionId session) const;

  private:
    using QuestionId = std::uint64_t;

    struct Question {
        SessionId session;
        std::optional<Tag> tag;
        Verb verb;
        std::string_view path;
        std::int32_t offset = 0;
        std::optional<Revision> rev;
        std::optional<Revision> min_rev = {};  ///< no state before it is looked at
        Revision searched_to = missing;        ///< WAIT: no event up to here matches
        bool pinned = false;  ///< rev was not asked for, but chosen when a search began
        std::shared_ptr<store::Listing> listing = {};  ///< WALK, GETDIR: how far the search came
        std::shared_ptr<ListPage> page = {};           ///< LIST: how far it is made
        Instant asked = never;
    };
    /// A question that is kept, with the text it points to.
    struct Kept {
        Question question;
        std::string path;
        std::size_t bytes = 0;  ///< of memory, as kept_bytes() counts it
        std::optional<store::WatchTable::Handle> watch;
        std::optional<std::multimap<Revision, QuestionId>::iterator> until_revision;
        std::size_t place_in_session = 0;  ///< in by_session_
    };
    struct OfSession {
        std::vector<QuestionId> ids;
        std::size_t bytes = 0;
        std::deque<QuestionId> searching;  // in turns; some may be over
    };
    /// Why a request has no answer yet.
    struct Unanswered {
        enum class Until { revision, event, next_turn } until;
        Revision rev = missing;
    };
    using Outcome = std::optional<Unanswered>;

    Outcome answer(Question& q, Effects& effects);
    void answer_get(Question const& q, Revision at, Effects& effects);
    void answer_stat(Question const& q, Revision at, Effects& effects);
    Outcome answer_getdir(Question& q, Revision at, Effects& effects);
    Outcome answer_walk(Question& q, store::Glob const& glob, Revision at, Effects& effects);
    Outcome answer_list(Question& q, store::Glob const& glob, Revision at, Effects& effects);
    Outcome answer_wait(Question& q, store::Glob const& glob, Effects& effects);

    bool refuse_arguments(Question const& q, Effects& effects);
    void charge(Kept& kept);
    void keep(Question const& q, Unanswered why);
    void wait_on(QuestionId id, Kept& kept, Unanswered why);
    void search_on(SessionId session, Effects& effects);
    void scan(store::SearchBudget& budget, Effects& effects);
    void ask_again(QuestionId id, Effects& effects);
    void drop(QuestionId id);
    Reply& reply_to(Question const& q, Effects& effects) const;
    void reply_event(Question const& q, store::Event const& event, Bytes path, Effects& effects);
    void reply_error(Question const& q, Error error, Effects& effects);

    store::Store& store_;
    store::WatchTable watches_;
    store::SearchBudget budget_;
    std::unordered_map<QuestionId, Kept> kept_;
    std::unordered_map<SessionId, OfSession> by_session_;
    std::size_t kept_bytes_ = 0;
    std::multimap<Revision, QuestionId> until_revision_;
    std::deque<SessionId> searching_;  // in turns, so that nobody's searches delay another's
    QuestionId next_id_ = 1;
    std::vector<std::uint64_t> woken_;  // used again with every event
    std::vector<store::GlobScan::Due> due_;
};

}  // namespace doozer::replica
