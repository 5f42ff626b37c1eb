// The order to go on alone, FORCE, as one process sees it; and what its status says meanwhile.
// Several processes: tests/scenario, tests/integration/force_test.py.
#include <gtest/gtest.h>

#include <string>

#include "replica/ancestry.h"
#include "replica/replica.h"

namespace doozer::replica {
namespace {

constexpr SessionId alice{1};
char const* const me = "ABCDEFGHIJKLMNOP";
char const* const other = "QRSTUVWXYZ234567";

Options options() {
    Options o;
    o.identity = {me, "local", "127.0.0.1:8046", "host", "1.1"};
    o.pulse = seconds(3600);
    o.lineage = {1, 2};
    o.tuning.kick_after = seconds(60);
    o.rules.since = {
        {1, 0}};  // by which any write gives a vote, even to a process that does not exist
    return o;
}

class Forcing : public testing::Test {
  protected:
    Forcing() {
        step(Started{});
        step(SessionOpened{alice});
    }

    void step(Input const& input) { replica.step(now, input, effects); }
    void pass(Duration time) {
        now = now + time;
        step(TurnEnded{});
    }
    void send(Request request) {
        request.tag = Tag(next_tag++);
        step(ClientRequest{alice, request});
    }
    Reply reply() {
        EXPECT_EQ(effects.replies.size(), 1U);
        Reply r = effects.replies.at(0);
        effects.replies.clear();
        return r;
    }
    void set(char const* path, char const* value) {
        Request r;
        r.verb = Verb::set;
        r.path = path;
        r.value = value;
        r.rev = clobber;
        send(r);
        step(TurnEnded{});
        EXPECT_FALSE(reply().error);
    }
    /// Another process gets a vote, and is never heard: no majority any more.
    void lose_quorum() {
        set("/ctl/node/QRSTUVWXYZ234567/addr", "127.0.0.1:8047");
        set("/ctl/cal/1", other);
        pass(seconds(4));
        ASSERT_TRUE(replica.has_no_quorum(now));
    }
    static Request order(std::optional<std::string_view> name) {
        Request r;
        r.verb = Verb::force;
        r.value = name;
        return r;
    }
    std::string refusal(Request const& request) {
        send(request);
        Reply const r = reply();
        EXPECT_FALSE(effects.wants_lineage);
        return r.error ? r.error->detail : "none";
    }

    Instant now{1};
    Effects effects;
    Replica replica{options()};
    std::int32_t next_tag = 1;
};

TEST_F(Forcing, IsRefusedWhileAMajorityIsHeard) {
    EXPECT_EQ(refusal(order("local")), "not forced: this process hears a majority of the members");
}

TEST_F(Forcing, IsRefusedUnderAnotherNameOrForAnotherProcess) {
    lose_quorum();
    EXPECT_EQ(refusal(order("loca")), "not forced: this cluster has another name");
    EXPECT_EQ(refusal(order("")), "not forced: this cluster has another name");
    Request r = order("local");
    r.path = other;
    EXPECT_EQ(refusal(r), "not forced: another id is meant");
    send(order(std::nullopt));
    EXPECT_EQ(reply().error->code, Errc::missing_arg);
    EXPECT_FALSE(effects.wants_lineage);
}

TEST_F(Forcing, IsRefusedWhileAMemberWasHeardAShortTimeAgoUnlessItIsSaidToBeDead) {
    lose_quorum();
    step(LinkUp{other});
    step(LinkDown{other});
    pass(seconds(10));
    std::string const expected =
        "not forced: member QRSTUVWXYZ234567 was heard 10 s ago and may live on elsewhere; it "
        "counts "
        "as dead after 60 s, or if you say so";
    EXPECT_EQ(refusal(order("local")), expected);
    Request r = order("local");
    r.offset = 2;
    EXPECT_EQ(refusal(r), expected);
    r.offset = 1;
    send(r);
    EXPECT_TRUE(effects.wants_lineage);
    EXPECT_TRUE(effects.replies.empty());
}

TEST_F(Forcing, MakesTheProcessAClusterOfItsOwnAtRevisionsThatNobodyHasSeen) {
    lose_quorum();
    pass(seconds(60));
    send(order("local"));
    EXPECT_TRUE(effects.wants_lineage);
    step(TurnEnded{});  // it waits for the lineage
    EXPECT_TRUE(effects.replies.empty());
    send(order("local"));
    EXPECT_EQ(reply().error->detail, "not forced: that is being done already");
    step(Force{{3, 4}});
    EXPECT_FALSE(effects.wants_lineage);
    for (int i = 0; i < 10 && effects.replies.empty(); ++i) pass(seconds(1));
    Reply const done = reply();
    EXPECT_FALSE(done.error);
    EXPECT_GE(done.rev.value(), Revision(std::int64_t{1} << 40));
    Status const s = replica.status(now);
    EXPECT_EQ(s.lineage, (consensus::Lineage{3, 4}));
    EXPECT_EQ(ancestry_in(replica.state()),
              (Ancestry{{text_of(consensus::Lineage{1, 2})}, missing}));
    EXPECT_TRUE(s.quorum);
    ASSERT_EQ(s.members.size(), 1U);
    EXPECT_EQ(s.members[0].id, me);
    EXPECT_EQ(s.free_slots, std::vector<std::string>{"1"});
    set("/a", "goes on");
}

TEST_F(Forcing, IsNotAnsweredIfItsSessionHasClosed) {
    lose_quorum();
    pass(seconds(60));
    send(order("local"));
    step(SessionClosed{alice});
    step(Force{{3, 4}});
    for (int i = 0; i < 10; ++i) pass(seconds(1));
    EXPECT_TRUE(effects.replies.empty());
    EXPECT_EQ(replica.status(now).lineage, (consensus::Lineage{3, 4}));
}

// A dead member may have applied other changes before this one, so that it has another revision
// for its clients.
TEST_F(Forcing, GivesWhatItTakesOverARevisionOfTheNewLineageAndTellsNobodyOfTheOldOne) {
    constexpr SessionId bob{2};
    Revision const stride{std::int64_t{1} << 40};
    step(SessionOpened{bob});
    set("/kept", "before");
    Revision const kept = replica.state().revision_of("/kept");
    set("/ctl/node/QRSTUVWXYZ234567/addr", "127.0.0.1:8047");
    set("/ctl/cal/1", other);
    step(LinkUp{other});
    step(PeerMessage{other, consensus::Hello{replica.core().vector(), {1, 2}}});
    ASSERT_FALSE(replica.has_no_quorum(now));
    Request r;
    r.verb = Verb::wait;
    r.path = "/taken";
    r.rev = replica.state().store().revision().next();
    r.tag = Tag(100);
    step(ClientRequest{bob, r});
    r = {};
    r.verb = Verb::set;
    r.path = "/taken";
    r.value = "nobody votes for it";
    r.rev = clobber;
    send(r);
    step(TurnEnded{});
    ASSERT_TRUE(effects.replies.empty());
    step(LinkDown{other});
    pass(seconds(60));
    SessionId const operator_session{3};
    step(SessionOpened{operator_session});
    r = order("local");
    r.offset = 1;
    step(ClientRequest{operator_session, r});
    step(Force{{3, 4}});
    for (int i = 0; i < 10; ++i) pass(seconds(1));
    ASSERT_TRUE(replica.state().value("/taken"));
    EXPECT_EQ(replica.state().value("/taken")->view(), "nobody votes for it");
    EXPECT_GT(replica.state().revision_of("/taken"), stride);
    EXPECT_EQ(replica.state().revision_of("/kept"), kept);
    EXPECT_EQ(effects.lost, std::vector<SessionId>{alice});
    ASSERT_EQ(effects.replies.size(), 2U);
    EXPECT_EQ(effects.replies[0].session, operator_session);
    EXPECT_EQ(effects.replies[1].session, bob);
    EXPECT_EQ(effects.replies[1].error->code, Errc::too_late);
}

TEST_F(Forcing, OfAVoterThatWasLeftBehindIsRefusedAndSoAreWritesAndLinearReads) {
    lose_quorum();
    pass(seconds(60));
    step(LinkUp{other});
    consensus::Vector ahead = replica.core().vector();
    ahead.epoch = ahead.epoch.next();
    step(PeerMessage{other, consensus::Hello{ahead, {3, 4}, {1, 2}}});
    EXPECT_EQ(refusal(order("local")),
              "not forced: the cluster was forced on without this process: start it anew");
    EXPECT_FALSE(replica.status(now).quorum);
    Request r;
    r.verb = Verb::nop;
    EXPECT_EQ(refusal(r), "the cluster was forced on without this process: not applied");
    r.verb = Verb::rev;
    r.linear = true;
    EXPECT_EQ(refusal(r), "no quorum: cannot ask for the newest");
}

// Two of three voters were left behind and still hear each other. They are a majority of the old
// cluster, and do not know what the new one has written.
TEST_F(Forcing, AVoterThatWasLeftBehindAnswersNoLinearReadEvenWithAMajority) {
    char const* const survivor = "CCCCCCCCCCCCCCCC";
    Request r;
    r.verb = Verb::set;
    r.rev = clobber;
    for (auto const& [path, value] : {std::pair{"/ctl/node/QRSTUVWXYZ234567/addr", "127.0.0.1:2"},
                                      {"/ctl/node/CCCCCCCCCCCCCCCC/addr", "127.0.0.1:3"},
                                      {"/ctl/cal/1", other},
                                      {"/ctl/cal/2", survivor}}) {
        r.path = path;
        r.value = value;
        send(r);
    }
    step(TurnEnded{});
    effects.replies.clear();
    ASSERT_EQ(replica.core().configuration().voters.size(), 3U);
    consensus::Vector const vector = replica.core().vector();
    for (char const* peer : {other, survivor}) step(LinkUp{peer});
    step(PeerMessage{other, consensus::Hello{vector, {1, 2}}});
    step(TurnEnded{});
    ASSERT_FALSE(replica.has_no_quorum(now));
    consensus::Vector const ahead{vector.epoch.next(), {}, {}, false, consensus::Frontier(1)};
    step(PeerMessage{survivor, consensus::Hello{ahead, {3, 4}, {1, 2}}});
    ASSERT_TRUE(replica.left_behind());
    r = {};
    r.verb = Verb::rev;
    r.linear = true;
    EXPECT_EQ(refusal(r), "no quorum: cannot ask for the newest");
}

TEST_F(Forcing, OfAProcessThatLostItsVoteMeanwhileIsRefused) {
    lose_quorum();
    pass(seconds(60));
    send(order("local"));
    effects.wants_lineage = false;  // the shell never gave one
    step(TurnEnded{});
    EXPECT_EQ(reply().error->detail, "not forced: another process goes on with the cluster");
}

TEST_F(Forcing, TheStatusOfAMemberThatIsAlone) {
    Status const s = replica.status(now);
    EXPECT_EQ(s.cluster, "local");
    EXPECT_EQ(s.id, me);
    EXPECT_EQ(s.role, Status::Role::member);
    EXPECT_EQ(s.epoch, 1U);
    EXPECT_TRUE(s.quorum);
    EXPECT_EQ(s.voters, 1U);
    EXPECT_EQ(s.majority, 1U);
    ASSERT_EQ(s.members.size(), 1U);
    MemberStatus const& m = s.members[0];
    EXPECT_EQ(m.slot, "0");
    EXPECT_TRUE(m.self && m.owner && m.up);
    EXPECT_EQ(m.applied, s.revision);
    EXPECT_EQ(m.lag, 0);
    EXPECT_FALSE(m.rtt);
    ASSERT_EQ(s.lanes.size(), 1U);
    EXPECT_EQ(s.lanes[0].owner, me);
    EXPECT_EQ(s.lanes[0].applied, s.lanes[0].chosen);
    EXPECT_EQ(s.lanes[0].pending, 0U);
}

TEST_F(Forcing, TheStatusWithoutAMajorityNamesTheMissingMembers) {
    set("/ctl/node/AAAAAAAAAAAAAAAA/addr", "127.0.0.1:9");
    set("/ctl/cal/7", "");
    lose_quorum();
    Status const s = replica.status(now);
    EXPECT_FALSE(s.quorum);
    EXPECT_EQ(s.voters, 2U);
    EXPECT_EQ(s.majority, 2U);
    ASSERT_EQ(s.members.size(), 2U);
    MemberStatus const& dead = s.members[1];
    EXPECT_EQ(dead.id, other);
    EXPECT_EQ(dead.address, "127.0.0.1:8047");
    EXPECT_EQ(dead.slot, "1");
    EXPECT_FALSE(dead.up || dead.self || dead.applied || dead.lag || dead.rtt);
    EXPECT_EQ(s.free_slots, std::vector<std::string>{"7"});
    ASSERT_EQ(s.followers.size(), 1U);
    EXPECT_EQ(s.followers[0].id, "AAAAAAAAAAAAAAAA");
    EXPECT_FALSE(s.followers[0].applied);
}

TEST_F(Forcing, WhatAMemberTellsWithAPingIsInTheStatus) {
    lose_quorum();
    MemberId const peer(other);
    step(LinkUp{other});
    consensus::Vector const vector = replica.core().vector();
    step(PeerMessage{other, consensus::Hello{vector, {1, 2}}});
    consensus::Ping ping{vector, now, {}, 0, 0};
    ping.figures.revision = Revision(replica.status(now).revision.value() - 3);
    ping.figures.rtts = consensus::PerLane<Duration>(2);
    ping.figures.rtts[0] = microseconds(70);
    step(PeerMessage{other, ping});
    Status s = replica.status(now);
    MemberStatus const& m = s.members.at(1);
    EXPECT_TRUE(m.up);
    EXPECT_EQ(m.applied, ping.figures.revision);
    EXPECT_EQ(m.lag, 3);
    EXPECT_EQ(m.rtts, (std::map<ProcessId, Duration>{{me, microseconds(70)}}));
    EXPECT_TRUE(s.quorum);
}

TEST_F(Forcing, APingOfALiarChangesTheFiguresOnly) {
    lose_quorum();
    step(LinkUp{other});
    consensus::Vector const vector = replica.core().vector();
    step(PeerMessage{other, consensus::Hello{vector, {1, 2}}});
    consensus::Ping ping{vector, now, {}, 0, 0};
    ping.figures.revision = Revision(INT64_MIN);
    ping.figures.rtts = consensus::PerLane<Duration>(7);
    step(PeerMessage{other, ping});
    MemberStatus const m = replica.status(now).members.at(1);
    EXPECT_EQ(m.applied, missing);
    EXPECT_EQ(m.lag, replica.status(now).revision.value());
    EXPECT_TRUE(m.rtts.empty());
}

}  // namespace
}  // namespace doozer::replica
