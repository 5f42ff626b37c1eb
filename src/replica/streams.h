// The WATCHes of all sessions: who is told next, within a budget and as far as each connection has
// room, and which answers wait so that they overtake no event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/client_message.h"
#include "replica/effects.h"
#include "replica/stream.h"
#include "store/store.h"
#include "store/watch_table.h"

namespace doozer::replica {

class Streams {
  public:
    explicit Streams(store::Store& store) : store_(store) {}

    /// Begins a stream, or refuses it. `lineage` is that of this store, in 16 bytes.
    /// REQUIRES: the session may read; the request has a tag and a path.
    void watch(Instant now, SessionId session, Request const& request, std::string const& lineage,
               Effects& effects);
    /// Ends the stream with this tag. False: the session has none.
    bool cancel(SessionId session, Tag tag, Effects& effects);

    /// To be called after each change, with its event.
    void applied(store::Event const& event);
    /// The whole store is another one.
    void store_replaced();
    /// So much of what was sent to the session is still with this process.
    void output_left(SessionId session, std::size_t bytes);
    void closed(SessionId session);
    /// The next turn begins: what a turn may take is there again.
    void turn_ended() { budget_ = {stream_steps_per_turn}; }

    /// Ends a step: tells what is to be told, and holds back those replies from the `first` on that
    /// would overtake events of the same session.
    void settle(std::size_t first, Effects& effects);

    [[nodiscard]] bool empty() const { return sessions_.empty(); }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t size(SessionId session) const;
    /// The memory of the session's replies that are held back.
    [[nodiscard]] std::size_t held_bytes(SessionId session) const;
    /// The memory of all streams and of all replies that are held back.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t bytes(SessionId session) const;

  private:
    using StreamId = std::uint64_t;
    /// A reply that goes out when all streams were told everything up to `rev`.
    struct Held {
        Revision rev;
        Reply reply;
    };
    struct OfSession {
        std::map<StreamId, Stream> streams;
        // Those that may have to be told something. Streams whose globs are tried on every event
        // stay in it; all others wait in the watch table when they were told all.
        std::set<StreamId> behind;
        StreamId last_told = 0;
        std::deque<Held> held;
        std::size_t held_bytes = 0;
        std::size_t bytes = 0;
        std::size_t output = 0;  // what waits on the connection, at most
        bool is_due = false;     // in due_
    };
    using Sessions = std::unordered_map<SessionId, OfSession>;

    void make_due(SessionId session, OfSession& of);
    void hold_back(Reply reply, Effects& effects);
    void tell(SessionId session, OfSession& of, Effects& effects);
    bool tell_one(SessionId session, OfSession& of, StreamId id, Effects& effects);
    void end_late(SessionId session, OfSession& of, Effects& effects);
    void erase(OfSession& of, StreamId id);
    void forget(SessionId session);
    [[nodiscard]] Revision told_to_all(OfSession const& of) const;
    static Reply& reply_to(SessionId session, std::optional<Tag> tag, Effects& effects);

    store::Store& store_;
    store::WatchTable watches_;
    store::SearchBudget budget_{stream_steps_per_turn};
    Sessions sessions_;
    std::unordered_map<StreamId, SessionId> session_of_;
    std::deque<SessionId> due_;
    std::set<SessionId> blocked_;  // behind, and without room
    std::set<SessionId> tried_;    // with streams whose globs are tried on every event
    Revision settled_ = missing;   // the newest when the last step ended
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
    StreamId next_id_ = 1;
    std::vector<std::uint64_t> woken_;  // used again with every event
};

}  // namespace doozer::replica
