// The requests of a Client and the connection they go over: what is queued, what is unanswered, and
// what becomes of each when the connection is lost.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "client/call.h"
#include "client/dialer.h"
#include "client/learner.h"
#include "client/store_identity.h"

namespace doozer::client {

/// Names a call for as long as it is outstanding.
struct CallId {
    std::size_t slot = 0;
    std::uint64_t sequence = 0;
};

/// All functions are for the thread that runs `io`, except where it says otherwise.
class Engine {
  public:
    /// `learns`, `begins_anew`: see Options.
    Engine(Context io, Dialer::Target target, Timing const& timing, bool learns, bool begins_anew);

    /// Connects; `started` gets Dialer::dial_once's outcome. From then on an engine that has
    /// started keeps itself connected.
    void start(Clock::time_point deadline, std::function<void(Result<Done>)> started);

    /// Queues a call; all calls of one turn of the loop go out in one send. After shutdown() the
    /// call fails at once with closed.
    CallId submit(Call call);

    /// For a call on its way from another thread: count() it there, and submit_counted() it here,
    /// or uncount() it if it does not get here. Any thread.
    void count(Call const& call);
    void uncount(Call const& call);
    CallId submit_counted(Call call);

    /// The caller does not want the outcome any more: `done` is not called.
    void abandon(CallId id);

    /// Fails every call and closes the connection.
    void shutdown();

    /// Calls that are counted or hold a slot, and the bytes of their paths and values. Any thread.
    [[nodiscard]] std::size_t outstanding() const { return outstanding_; }
    [[nodiscard]] std::size_t outstanding_bytes() const { return outstanding_bytes_; }

    /// The server that this engine talks to, or has last talked to. Any thread.
    [[nodiscard]] std::string address() const;

    /// How many connections there have been. Any thread.
    [[nodiscard]] std::uint64_t connections() const { return connections_; }

    /// The highest revision that was met, on whichever server.
    [[nodiscard]] base::Revision seen() const { return seen_; }

  private:
    // The tag of a request is its slot's index + 1, so no two outstanding ones share one.
    struct Slot {
        enum class State {
            free,
            queued,     // was never sent, or is to be sent again
            sent,       // unanswered on this connection
            abandoned,  // the same, but nobody waits for the answer: it keeps the tag taken
            refused,    // this server cannot do it: it goes to another one, if there is
        };
        State state = State::free;
        bool keeps_tag = false;  // refused, but the server may answer all the same
        std::uint64_t sequence = 0;
        Call call = {};
    };
    using Deadline = std::tuple<Clock::time_point, std::uint64_t, std::size_t>;

    // engine.cc: slots, sending, answers, time
    void flush();
    void flush_soon();
    [[nodiscard]] bool may_send(Call const& call) const;
    [[nodiscard]] bool is_queued(CallId id) const;
    void append_request(std::size_t slot);
    void frame(std::string_view body);
    void answer(std::size_t slot, base::Response const& response);
    void note_seen(Call const& call, base::Response const& response);
    void complete(std::size_t slot, Answer const& answer);
    void release(std::size_t slot);
    void drop(std::size_t slot);
    Call take_call(std::size_t slot);
    void arm_deadlines();
    void expire();
    void arm_heartbeat(Clock::time_point at);
    void heartbeat();

    // engine_connection.cc: one server after the other
    void connected(Reached reached);
    void connection_lost();
    /// What ends with its connection.
    struct Left {
        std::vector<CallId> unknown;  // writes
        std::vector<CallId> refused;
        std::vector<CallId> internal;
    };
    Left leave_connection();
    void tell(Left const& left, char const* why);
    [[nodiscard]] bool comes_too_late(Slot const& s) const;
    Learner::Owner learner_owner();
    void refused(std::size_t slot, Error error);
    void give_up(std::size_t slot);
    void want_other();
    void look_for_other();
    void found_other(Reached reached);
    void move_if_drained();
    void move();
    void stay();

    // engine_store.cc: servers with another store, and servers that are behind
    void judge_store(StoreIdentity store);
    void ask_for_store();
    [[nodiscard]] bool relies_on_store(Call const& call) const;
    [[nodiscard]] std::optional<Error> why_not_here(Call const& call) const;
    [[nodiscard]] Error other_store_error() const;
    void begin_anew();
    void arm_catch_up();
    void look_whether_behind(Answer const& answer);
    [[nodiscard]] bool waits_for_ever(Call const& call) const;
    [[nodiscard]] Error behind_error() const;
    [[nodiscard]] CallId id_of(std::size_t slot) const { return {slot, slots_[slot].sequence}; }

    Context io_;
    Timing timing_;
    Dialer dialer_;
    Learner learner_;
    bool learns_;
    LinkPtr link_;
    net::Address server_;               // link_'s
    Clock::time_point connected_at_{};  // of link_
    bool closed_ = false;
    std::string sending_;

    std::vector<Slot> slots_;
    std::vector<std::size_t> free_;
    std::deque<CallId> queue_;  // in the order of their sequence numbers; some may be over
    std::uint64_t sequence_ = 0;
    std::uint64_t answered_upto_ = 0;  // the youngest write that may have been done
    std::size_t writes_sent_ = 0;      // and unanswered
    base::Revision seen_;
    bool flush_posted_ = false;

    std::set<Deadline> deadlines_;
    asio::steady_timer deadline_timer_;
    asio::steady_timer heartbeat_timer_;
    std::optional<Clock::time_point> heartbeat_asked_;  // set while it is unanswered

    /// From a server that cannot do what is asked to one that perhaps can, without losing a write.
    enum class Moving {
        no,
        learning,  // whether there is another one
        looking,   // for one that answers
        draining,  // there is one: what was written here is to be answered first
    } moving_ = Moving::no;
    std::optional<Reached> found_;
    asio::steady_timer drain_timer_;
    Clock::time_point look_again_{};  // not before
    asio::steady_timer catch_up_timer_;
    base::Revision server_rev_;      // when it was last asked
    base::Revision catching_up_to_;  // what the client had met when it came here
    bool is_behind_ = false;         // has not come up to it in time

    bool begins_anew_;
    StoreIdentity store_;         // that this client uses, if a server has told
    bool is_same_store_ = false;  // the server of this connection has proved that
    bool is_foreign_ = false;     // it has another one
    StoreIdentity foreign_;       // which

    std::atomic<std::uint64_t> connections_{0};
    std::atomic<std::size_t> outstanding_{0};
    std::atomic<std::size_t> outstanding_bytes_{0};
    mutable std::mutex address_mutex_;
    std::string address_;
};

}  // namespace doozer::client
