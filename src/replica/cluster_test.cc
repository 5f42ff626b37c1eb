// Several processes, whose messages the test delivers: what clients of one are told when the others
// go on without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "replica/replica.h"

namespace doozer::replica {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr SessionId alice{1};
ProcessId const a = "AAAAAAAAAAAAAAAA";
ProcessId const b = "BBBBBBBBBBBBBBBB";
ProcessId const c = "CCCCCCCCCCCCCCCC";

class ClusterTest : public testing::Test {
  protected:
    struct Process {
        explicit Process(Options o) : replica(std::move(o)) {}
        Replica replica;
        Effects effects;
        std::vector<Reply> replies;
    };

    /// `log`: how much each remembers for those that were away.
    void start(ProcessId const& id, std::size_t log, std::int64_t history = 10'000) {
        Options o;
        o.identity = {id, "local", id + ":1", "host", "1.1.0"};
        o.lineage = {1, 2};
        o.pulse = seconds(3600);
        o.tuning.kick_after = seconds(3600);
        o.tuning.log_bytes = log;
        o.store.history_revisions = history;
        if (id != a) o.attach_to = {a + ":1"};
        processes[id] = std::make_unique<Process>(std::move(o));
        step(id, Started{});
        step(id, SessionOpened{alice});
    }
    /// All three vote and are linked.
    void start_three(std::size_t log = 1'000'000) {
        for (ProcessId const& id : {a, b, c}) start(id, log);
        for (char const* slot : {"/ctl/cal/1", "/ctl/cal/2"}) {
            send(a, set(slot, ""));
            turn(a);
        }
        for (auto const& [x, y] : {std::pair(a, b), std::pair(a, c), std::pair(b, c)}) link(x, y);
        for (int i = 0; i < 100 && at(c).core().configuration().voters.size() < 3; ++i) {
            run(milliseconds(100));
        }
        ASSERT_EQ(at(c).core().configuration().voters.size(), 3U);
        run(seconds(1));
        for (auto const& [id, p] : processes) p->replies.clear();
    }

    Replica const& at(ProcessId const& id) const { return processes.at(id)->replica; }
    std::vector<Reply>& replies(ProcessId const& id) { return processes.at(id)->replies; }

    void step(ProcessId const& id, Input const& input) {
        Process& p = *processes.at(id);
        p.replica.step(now, input, p.effects);
        for (consensus::Send& s : std::exchange(p.effects.sends, {})) {
            if (linked.contains({id, s.to.str()}) && !deaf.contains({s.to.str(), id})) {
                wire[{id, s.to.str()}].push_back(std::move(s.message));
            }
        }
        for (Reply& r : std::exchange(p.effects.replies, {})) p.replies.push_back(std::move(r));
    }
    void turn(ProcessId const& id) { step(id, TurnEnded{}); }
    void send(ProcessId const& id, Request const& request) {
        step(id, ClientRequest{alice, request});
    }
    void link(ProcessId const& x, ProcessId const& y) {
        for (auto const& [from, to] : {std::pair(x, y), std::pair(y, x)}) {
            linked.insert({from, to});
            step(from, LinkUp{to});
        }
    }
    void cut(ProcessId const& x, ProcessId const& y) {
        for (auto const& [from, to] : {std::pair(x, y), std::pair(y, x)}) {
            linked.erase({from, to});
            wire.erase({from, to});
            step(from, LinkDown{to});
        }
    }
    /// Delivers until nothing is on its way.
    void settle() {
        while (!wire.empty()) {
            auto const first = wire.begin();
            auto const [from, to] = first->first;
            std::vector<consensus::Message> const messages = std::move(first->second);
            wire.erase(first);
            for (consensus::Message const& m : messages) step(to, PeerMessage{from, m});
            turn(to);
        }
    }
    void run(Duration time) {
        for (Instant const end = now + time; now < end; now = now + milliseconds(10)) {
            for (auto const& [id, p] : processes) {
                if (!paused.contains(id)) turn(id);
            }
            if (paused.empty()) {
                settle();
                continue;
            }
            settle_without_paused();
        }
    }
    void settle_without_paused() {
        std::map<std::pair<ProcessId, ProcessId>, std::vector<consensus::Message>> kept;
        while (!wire.empty()) {
            auto const first = wire.begin();
            auto const [from, to] = first->first;
            std::vector<consensus::Message> messages = std::move(first->second);
            wire.erase(first);
            if (paused.contains(to)) {
                auto& waiting = kept[{from, to}];
                waiting.insert(waiting.end(), messages.begin(), messages.end());
                continue;
            }
            for (consensus::Message const& m : messages) step(to, PeerMessage{from, m});
            turn(to);
        }
        wire = std::move(kept);
    }

    static Request set(std::string_view path, std::string_view value) {
        Request r;
        r.verb = Verb::set;
        r.path = path;
        r.value = value;
        r.rev = clobber;
        return r;
    }
    static Request wait(std::string_view glob, Revision from) {
        Request r;
        r.verb = Verb::wait;
        r.path = glob;
        r.rev = from;
        return r;
    }
    static Request get(std::string_view path) {
        Request r;
        r.verb = Verb::get;
        r.path = path;
        return r;
    }
    /// More than a short log remembers.
    void write_much(ProcessId const& id) {
        std::string const value(200, 'x');
        for (int i = 0; i < 30; ++i) {
            send(id, set("/much", value));
            run(milliseconds(20));
        }
        replies(id).clear();
    }

    Instant now{1'000'000'000'000};
    std::map<ProcessId, std::unique_ptr<Process>> processes;
    std::set<std::pair<ProcessId, ProcessId>> linked;
    std::set<std::pair<ProcessId, ProcessId>> deaf;  // the first does not hear the second
    std::set<ProcessId> paused;
    std::map<std::pair<ProcessId, ProcessId>, std::vector<consensus::Message>> wire;
};

// A follower was away for longer than the log reaches, and takes a copy. Its clients' watches were
// not asked about each change, so the events in between are looked for in the history that came.
TEST_F(ClusterTest, AWatchSeesTheEventsThatACopyBrings) {
    start(a, 1000);
    start(b, 1000);
    link(a, b);
    run(seconds(2));
    ASSERT_TRUE(at(b).serving());
    replies(b).clear();
    send(b, wait("/watched", at(b).store().revision().next()));
    cut(a, b);
    send(a, set("/watched", "v"));
    run(milliseconds(20));
    Revision const written = at(a).state().revision_of("/watched");
    write_much(a);
    link(a, b);
    run(seconds(1));
    ASSERT_EQ(at(b).store().revision(), at(a).store().revision());
    ASSERT_EQ(replies(b).size(), 1U);
    EXPECT_EQ(replies(b)[0].rev, written);
    EXPECT_EQ(replies(b)[0].value->view(), "v");
}

// The history that came begins after the event. The client must read anew; to wait on would be to
// lose the event without a word.
TEST_F(ClusterTest, AWatchWhoseEventsACopyDoesNotHaveIsTooLate) {
    start(a, 1000, 10);
    start(b, 1000, 10);
    link(a, b);
    run(seconds(2));
    replies(b).clear();
    send(b, wait("/watched", at(b).store().revision().next()));
    cut(a, b);
    send(a, set("/watched", "v"));
    run(milliseconds(20));
    write_much(a);
    link(a, b);
    run(seconds(1));
    ASSERT_EQ(replies(b).size(), 1U);
    ASSERT_TRUE(replies(b)[0].error);
    EXPECT_EQ(replies(b)[0].error->code, Errc::too_late);
}

// The others have b's write, b has not heard that they do, and the log that says so is gone: b can
// tell its client neither that it was applied nor that it was not.
TEST_F(ClusterTest, AWriteWhoseOutcomeACopyHidesIsNotAnswered) {
    start_three(1000);
    deaf = {{b, a}, {b, c}};
    send(b, set("/x", "v"));
    turn(b);
    settle();
    cut(a, b);
    cut(b, c);
    deaf.clear();
    run(seconds(3));
    write_much(a);
    ASSERT_EQ(at(a).state().value("/x")->view(), "v");
    link(a, b);
    link(b, c);
    run(seconds(1));
    ASSERT_EQ(at(b).store().revision(), at(a).store().revision());
    EXPECT_THAT(replies(b), IsEmpty());
    EXPECT_THAT(processes.at(b)->effects.lost, ElementsAre(alice));
}

// The epoch in which b voted is over, and its batch is in none of the lanes: it never counts.
TEST_F(ClusterTest, AWriteOfAVoterThatIsRemovedIsRefused) {
    start_three();
    send(b, set("/x", "v"));
    turn(b);
    wire.clear();
    cut(a, b);
    cut(b, c);
    ASSERT_EQ(at(b).core().unsettled(), 1U);
    run(seconds(2));
    for (State::Slot const& slot : at(a).state().slots()) {
        if (slot.content == b) send(a, set(slot.path, ""));
    }
    run(seconds(2));
    ASSERT_FALSE(at(a).core().configuration().voter_index(MemberId(b)));
    EXPECT_THAT(replies(b), IsEmpty());
    link(a, b);
    run(milliseconds(100));
    ASSERT_EQ(replies(b).size(), 1U);
    EXPECT_EQ(replies(b)[0].error,
              (Error{Errc::readonly, "removed from the cluster: not applied"}));
    EXPECT_EQ(at(a).state().value("/x"), std::nullopt);
}

// Two members give their batches the same numbers. Each client is told the revision of its own
// write, not of the one that another member's client made.
TEST_F(ClusterTest, EachClientIsToldTheRevisionOfItsOwnWrite) {
    start_three();
    send(a, set("/of/a", "v"));
    send(b, set("/of/b", "v"));
    send(c, set("/of/c", "v"));
    for (ProcessId const& id : {c, b, a}) turn(id);
    run(seconds(1));
    for (auto const& [id, path] :
         {std::pair(a, "/of/a"), std::pair(b, "/of/b"), std::pair(c, "/of/c")}) {
        ASSERT_EQ(replies(id).size(), 1U) << id;
        EXPECT_EQ(replies(id)[0].rev, at(id).state().revision_of(path)) << id;
    }
}

// What a voter without a majority has not proposed it can refuse for certain. What it had proposed
// might be applied after the client was told that it was not.
TEST_F(ClusterTest, WithoutAMajorityAWriteIsRefusedAndNeverApplied) {
    start_three();
    cut(a, b);
    cut(a, c);
    run(seconds(2));
    ASSERT_TRUE(at(a).has_no_quorum(now));
    send(a, set("/x", "v"));
    run(seconds(4));
    ASSERT_EQ(replies(a).size(), 1U);
    EXPECT_EQ(replies(a)[0].error, (Error{Errc::readonly, "no quorum: not applied"}));
    link(a, b);
    link(a, c);
    run(seconds(2));
    EXPECT_EQ(at(a).state().value("/x"), std::nullopt);
    EXPECT_EQ(at(a).store().revision(), at(b).store().revision());
}

// a does not run while b and c write. When it runs again, its client asks before it has read what
// arrived meanwhile: the local copy is old, and a linearizable read must not be answered from it.
TEST_F(ClusterTest, APausedProcessDoesNotAnswerALinearReadFromItsOldCopy) {
    start_three();
    send(a, set("/x", "old"));
    run(seconds(1));
    paused = {a};
    run(milliseconds(200));
    send(b, set("/x", "new"));
    run(seconds(2));
    ASSERT_EQ(at(b).state().value("/x")->view(), "new");
    ASSERT_EQ(at(a).state().value("/x")->view(), "old");
    replies(a).clear();
    Request r = get("/x");
    r.linear = true;
    send(a, r);
    turn(a);
    EXPECT_THAT(replies(a), IsEmpty());
    paused.clear();
    run(seconds(3));
    ASSERT_EQ(replies(a).size(), 1U);
    ASSERT_FALSE(replies(a)[0].error);
    EXPECT_EQ(replies(a)[0].value->view(), "new");
}

// A client saw a revision at a, and goes on at b, which lags.
TEST_F(ClusterTest, AReadWaitsForTheRevisionThatItsClientHasSeenElsewhere) {
    start_three();
    deaf = {{b, a}, {b, c}};
    send(a, set("/x", "v"));
    turn(a);
    run(milliseconds(500));
    Revision const seen = at(a).state().revision_of("/x");
    ASSERT_GT(seen, missing);
    ASSERT_LT(at(b).store().revision(), seen);
    Request r = get("/x");
    r.min_rev = seen;
    send(b, r);
    turn(b);
    EXPECT_THAT(replies(b), IsEmpty());
    deaf.clear();
    run(seconds(2));
    ASSERT_EQ(replies(b).size(), 1U);
    EXPECT_EQ(replies(b)[0].value->view(), "v");
}

}  // namespace
}  // namespace doozer::replica
