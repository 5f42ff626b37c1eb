// What a small cluster in the explorer can do: its states, and what comes of each action.
//
// Members, messages, queues and facts are kept once each and named by a number, and what a member
// does with an input is computed once and remembered; so a state of the cluster is a few numbers,
// and an action mostly a few looks into tables.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sim/explored_member.h"
#include "sim/explorer.h"
#include "sim/interned.h"

namespace doozer::sim {

inline constexpr std::size_t explored_members_max = 4;

struct Action {
    enum class Kind : std::uint8_t { deliver, tick, write, read, crash, reconnect };
    Kind kind = Kind::deliver;
    std::uint8_t a = 0;
    std::uint8_t b = 0;
    bool bulk = false;  // delivered by the connection for bulk
};

struct ClusterState {
    using Id = std::uint32_t;
    static constexpr std::size_t links = explored_members_max * explored_members_max;

    std::array<Id, explored_members_max> members{};
    /// [from * explored_members_max + to] for frames, and the same again for bulk; 0: empty
    std::array<Id, 2 * links> queues{};
    Id facts = 0;
    std::array<std::uint8_t, explored_members_max> written{};   // how many of its writes are out
    std::array<std::uint8_t, explored_members_max> required{};  // what its read must see
    std::uint8_t answered = 0;  // batches applied when a write was answered last
    std::uint8_t read = 0;      // bits: who has asked
    std::uint8_t crashes = 0;
    std::uint8_t reconnects = 0;

    [[nodiscard]] Digest digest() const;
};

class ExploredCluster {
  public:
    using State = ClusterState;
    using Id = ClusterState::Id;

    explicit ExploredCluster(Scope const& scope);
    /// Links stand, everybody has greeted everybody. Returns what is violated so far, or nothing.
    std::string start(State& s);
    /// Returns what is violated, or nothing.
    std::string perform(State& s, Action const& a);
    /// All that can happen; what is on its way first.
    void actions(State const& s, std::vector<Action>& all) const;
    [[nodiscard]] bool out_of_scope(State const& s) const;
    [[nodiscard]] std::string describe(State const& s, Action const& a) const;

    // --- for the question whether the living can finish
    std::string settle(State& s);
    std::string tick(State& s, std::size_t who) { return apply(s, who, Tick{}, key(tick_key, 0)); }
    void crash(State& s, std::size_t who);
    void gossip(State& s, std::size_t who);
    [[nodiscard]] bool finished(State const& s) const;
    [[nodiscard]] bool should_finish(State const& s) const;

    [[nodiscard]] bool living(State const& s, std::size_t i) const {
        return !members_[s.members[i]].dead;
    }
    [[nodiscard]] std::size_t count() const { return names_.size(); }
    [[nodiscard]] std::string name(std::size_t i) const { return names_.substr(i, 1); }
    [[nodiscard]] std::size_t different_members() const { return members_.size(); }

  private:
    static constexpr std::uint64_t message_key = 0;
    static constexpr std::uint64_t tick_key = 1;
    static constexpr std::uint64_t up_key = 2;
    static constexpr std::uint64_t down_key = 3;
    static constexpr std::uint64_t write_key = 4;
    static constexpr std::uint64_t read_key = 5;
    /// Names an input. `from`: the member it is about, below 8; `value`: below 2^26.
    static std::uint64_t key(std::uint64_t kind, std::uint64_t from, std::uint64_t value = 0) {
        return kind << 29U | from << 26U | value;
    }

    /// What comes of one input to one member.
    struct Stepped {
        Id member = 0;
        Id facts = 0;
        std::vector<std::pair<std::uint8_t, Id>> sends;
        bool read_ready = false;
        bool answered = false;   // a write of its own
        bool delivered = false;  // in the epoch in which it still is
        bool idle = false;       // nothing came of it, now or whenever it may come later
        std::string violation;
    };

    [[nodiscard]] std::size_t index(char name) const { return names_.find(name); }
    [[nodiscard]] MemberId id_of(std::size_t i) const { return MemberId(name(i)); }
    static std::size_t link(std::size_t from, std::size_t to, bool bulk = false) {
        return (bulk ? ClusterState::links : 0) + from * explored_members_max + to;
    }
    [[nodiscard]] bool is_bulk(Message const& message) const;
    Command command(std::string const& text);
    [[nodiscard]] Tuning tuning() const;

    Stepped const& step(Id member, Input const& input, std::uint64_t key);
    bool make(ExploredMember& m, Input const& input, Facts& facts, Stepped& s);
    void compare_natural(ExploredMember& m, ExploredMember const& before, Input const& input,
                         Stepped& s);
    void take(ExploredMember& m, Output const& out, Epoch before, Facts& facts, Stepped& s);
    [[nodiscard]] static bool stays_idle(Input const& input, Output const& out);
    std::string apply(State& s, std::size_t who, Input const& input, std::uint64_t key);
    std::string join(Id& facts, Id more);
    [[nodiscard]] std::string check_chosen(State const& s, std::size_t who) const;

    [[nodiscard]] static bool subsumes(Message const& newer, Message const& older);
    Id queue_id(std::vector<Id> queue);
    void push(State& s, std::size_t from, std::size_t to, Id message);
    [[nodiscard]] Id without_idle(State const& s, std::size_t from, std::size_t to, bool bulk);
    Stepped const& receive(Id member, std::size_t from, Id message);
    std::string deliver(State& s, std::size_t from, std::size_t to, bool bulk);
    std::string deliver_burst(State& s, std::size_t from, std::size_t to, bool bulk);
    std::string reconnect(State& s, std::size_t a, std::size_t b);

    Scope scope_;
    NormalForm normal_;
    std::string names_;
    std::array<std::vector<Bytes>, explored_members_max> writes_;
    std::uint64_t commands_ = 0;
    std::array<std::array<bool, explored_members_max>, explored_members_max> may_break_{};
    Interned<ExploredMember> members_;
    Interned<Message> messages_;
    Interned<std::vector<Id>> queues_;
    Interned<Facts> facts_;
    Chunked<Stepped> stepped_;
    FlatMap steps_;    // (member, input) -> stepped_
    FlatMap pushed_;   // (queue, message) -> queue
    FlatMap rests_;    // queue -> queue without its head
    FlatMap cleared_;  // (member, from, queue) -> queue without what is idle there
    FlatMap joined_;   // (facts, facts) -> facts
};

}  // namespace doozer::sim
