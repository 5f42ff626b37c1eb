// What a process writes to the tree without being asked, as one process sees it: the core hears
// what the test says, and the state holds what the test wrote.
#include "replica/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "consensus/small_application.h"

namespace doozer::replica {
namespace {

using consensus::Core;
using store::Mutation;
using store::Path;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class Deaf : public consensus::SmallApplication {
  public:
    consensus::Applied apply(consensus::Batch const& /*batch*/) override { return {}; }
    consensus::Applied force(MemberId /*survivor*/) override { return {}; }
    [[nodiscard]] Bytes snapshot() const override { return {}; }
    bool install(Bytes const& /*snapshot*/) override { return true; }
};

Identity identity(std::string const& id) {
    return {id, "local", id + ":1", "host", "1.1.0"};
}

consensus::Tuning tuning() {
    consensus::Tuning t;
    t.kick_after = seconds(60);
    return t;
}

/// Process `me` of a cluster of voters A, B, ... with a slot each.
class MembershipTest : public testing::Test {
  protected:
    explicit MembershipTest(std::string const& voters = "ABC", char who = 'A',
                            Phase begins = Voting{})
        : me(who), start{{1, 2}, consensus::Epoch(1), {}, {}} {
        state.found(MemberId("A"));
        for (std::size_t i = 0; i < voters.size(); ++i) {
            std::string const id(1, voters[i]);
            start.voters.emplace_back(id);
            registered(id);
            takes(id, "/ctl/cal/" + std::to_string(i));
        }
        (void)state.take_new_voters();
        start.owners = start.voters;
        if (who != 'A') registered(std::string(1, who));
        core.emplace(MemberId(std::string(1, who)), start, tuning());
        membership.emplace(identity(std::string(1, who)), std::vector<std::string>{}, begins,
                           Membership::Timing{seconds(3600), seconds(60)});
    }

    void set(std::string const& path, std::string const& value) {
        state.apply({{}, Mutation::set(Path::trusted(path), value, clobber)});
    }
    /// As a voter proposes it for a process that has asked for it.
    void takes(std::string const& id, std::string const& slot) {
        std::string const addr = node_path(id, "addr");
        state.apply({Guard{Path::trusted(addr), state.revision_of(addr)},
                     Mutation::set(Path::trusted(slot), id, clobber)});
    }
    /// As a process of this id registers itself when it votes.
    void registered(std::string const& id) {
        set(node_path(id, "addr"), id + ":1");
        set(node_path(id, "hostname"), "host");
        set(node_path(id, "version"), "1.1.0");
        set(node_path(id, "writable"), "true");
        set(node_path(id, "applied"), "1");
        set(ns_path("local", id), id + ":1");
    }
    void step(consensus::Input const& input) { (void)core->step(now, input, app); }
    void link(char peer) {
        step(consensus::LinkUp{id(peer)});
        step(consensus::Receive{id(peer), consensus::Hello{vector(), start.lineage}});
    }
    void unlink(char peer) { step(consensus::LinkDown{id(peer)}); }
    /// The peer is heard, and says which voters it has not heard of for the kick time.
    void hear(char peer, std::initializer_list<std::size_t> silent = {}) {
        consensus::Ping ping{vector(), now, {}, 0, 0};
        for (std::size_t const v : silent) ping.silent.insert(v);
        step(consensus::Receive{id(peer), ping});
    }
    void pass(Duration time) {
        for (Instant const until = now + time; now < until;) {
            now = std::min(until, now + milliseconds(200));
            step(consensus::Tick{});  // so that it does not take the time for one in a pause
        }
    }

    /// What the process proposes now, or asks a voter to propose.
    std::vector<Change> look() {
        Proposals proposals;
        std::optional<consensus::Ask> ask;
        pass(milliseconds(100));
        membership->look(now, *core, state, {proposals, ask});
        std::vector<Change> changes;
        auto const read = [&](std::string_view text) {
            while (!text.empty()) changes.push_back(take_change(text).value());
        };
        while (!proposals.empty()) {
            std::string const& batch = batches.emplace_back(proposals.take().changes);
            if (!switch_in(batch)) read(batch);
        }
        if (ask) read(batches.emplace_back(ask->payload.view()));
        return changes;
    }
    static std::vector<std::string> paths(std::vector<Change> const& changes) {
        std::vector<std::string> paths;
        for (Change const& c : changes) paths.emplace_back(c.mutation.path.text());
        return paths;
    }
    /// After the phase is settled and the first pulse is out.
    void settle() { (void)look(); }

    static MemberId id(char c) { return MemberId(std::string(1, c)); }
    consensus::Vector vector() const {
        return {consensus::Epoch(1), consensus::Slot(0), consensus::Slot(0), false,
                consensus::Frontier(start.owners.size())};
    }

    char me;
    consensus::Configuration start;
    Instant now{1'000'000'000'000};
    Deaf app;
    State state{store::StoreLimits{}};
    std::optional<Core> core;
    std::optional<Membership> membership;
    std::deque<std::string> batches;  // whose texts the changes refer to
};

class Kick : public MembershipTest {
  protected:
    /// C has been silent for the kick time; A knows, and B says so.
    void miss_c() {
        for (char const peer : {'B', 'C'}) link(peer);
        settle();
        pass(seconds(61));
        hear('B', {2});
        ASSERT_TRUE(core->majority_misses(id('C'), now));
    }
};

TEST_F(Kick, AVoterThatAMajorityMissesLosesItsSlot) {
    miss_c();
    std::vector<Change> const changes = look();
    ASSERT_THAT(paths(changes), ElementsAre("/ctl/cal/2"));
    EXPECT_EQ(changes[0].mutation.value, "");
    EXPECT_EQ(changes[0].mutation.condition, state.revision_of("/ctl/cal/2"));
}

// The order to remove C is held up on its way, C comes back and writes its pulse, and then the
// order arrives: it must do nothing.
TEST_F(Kick, TheOrderCountsOnlyWhileThePulseOfTheVictimIsStill) {
    miss_c();
    std::vector<Change> const changes = look();
    ASSERT_EQ(changes.size(), 1U);
    ASSERT_TRUE(changes[0].guard);
    EXPECT_EQ(changes[0].guard->path.text(), "/ctl/node/C/applied");
    set("/ctl/node/C/applied", "2");
    EXPECT_FALSE(state.apply(changes[0]));
    EXPECT_EQ(state.value("/ctl/cal/2")->view(), "C");
}

// B said that it misses C, and then B's own link broke. Without C the cluster would be A and B, and
// B may be dead: nobody could ever write again.
TEST_F(Kick, NoVoterIsRemovedIfTheOthersMayBeNoMajority) {
    miss_c();
    unlink('B');
    ASSERT_TRUE(core->majority_misses(id('C'), now)) << "B's word is young enough";
    EXPECT_THAT(look(), IsEmpty());
}

TEST_F(Kick, AVoterThatMissesAnotherAloneRemovesNobody) {
    for (char const peer : {'B', 'C'}) link(peer);
    settle();
    pass(seconds(61));
    hear('B');
    EXPECT_THAT(look(), IsEmpty());
}

TEST_F(Kick, OnlyTheFirstVoterThatIsHeardProposes) {
    core.emplace(MemberId("B"), start, tuning());
    membership.emplace(identity("B"), std::vector<std::string>{}, Voting{},
                       Membership::Timing{seconds(3600), seconds(60)});
    for (char const peer : {'A', 'C'}) link(peer);
    settle();
    pass(seconds(61));
    hear('A', {2});
    ASSERT_TRUE(core->majority_misses(id('C'), now));
    EXPECT_THAT(look(), IsEmpty()) << "A does it";
    pass(seconds(61));
    hear('C', {0});
    EXPECT_THAT(paths(look()), ElementsAre("/ctl/cal/0")) << "A is the one that is missed";
}

TEST_F(Kick, NoSecondVoterIsRemovedAtTheSameTime) {
    miss_c();
    ASSERT_EQ(look().size(), 1U);
    EXPECT_THAT(look(), IsEmpty()) << "the first order is on its way";
}

class Cleaning : public MembershipTest {
  protected:
    Cleaning() {
        registered("F");
        for (char const peer : {'B', 'C'}) link(peer);
        settle();
    }
    void live() {
        for (char const peer : {'B', 'C'}) hear(peer);
    }
};

// A follower is no voter, so nobody removes it; but its files would stay after its end.
TEST_F(Cleaning, TheFilesOfAFollowerGoAfterTheKickTime) {
    live();
    EXPECT_THAT(look(), IsEmpty()) << "it may have no link just now";
    pass(seconds(59));
    live();
    EXPECT_THAT(look(), IsEmpty());
    pass(seconds(1));
    live();
    EXPECT_THAT(paths(look()), Contains("/ctl/node/F/addr"));
}

TEST_F(Cleaning, AFollowerThatIsReachedKeepsItsFiles) {
    step(consensus::LinkUp{id('F')});
    step(consensus::Receive{id('F'), consensus::Hello{{}, {}}});
    ASSERT_TRUE(core->reaches(id('F')));
    for (int i = 0; i < 3; ++i) {
        live();
        EXPECT_THAT(look(), IsEmpty());
        pass(seconds(61));
    }
}

TEST_F(Cleaning, AFollowerThatIsReachedInBetweenHasAllTheTimeAgain) {
    live();
    (void)look();
    pass(seconds(59));
    step(consensus::LinkUp{id('F')});
    step(consensus::Receive{id('F'), consensus::Hello{{}, {}}});
    live();
    (void)look();
    unlink('F');
    live();
    (void)look();
    pass(seconds(2));
    live();
    EXPECT_THAT(look(), IsEmpty());
}

TEST_F(Cleaning, TheFilesOfARemovedVoterGoAtOnce) {
    set("/ctl/cal/2", "");
    (void)state.take_new_voters();
    ASSERT_TRUE(state.was_removed(id('C')));
    start.voters.pop_back();
    start.owners = start.voters;
    core.emplace(MemberId("A"), start, tuning());
    link('B');
    (void)look();
    live();
    auto const changes = look();
    EXPECT_THAT(paths(changes), Contains("/ctl/node/C/addr"));
    for (Change const& c : changes) EXPECT_TRUE(c.guard) << c.mutation.path.text();
}

class Proposing : public MembershipTest {
  protected:
    Proposing() { registered("F"); }
    bool may(std::string const& path, std::string const& value, bool guarded = true) {
        std::string changes;
        std::optional<Guard> guard;
        if (guarded) guard = Guard{Path::trusted("/ctl/node/F/addr"), Revision(7)};
        append_change(changes, {guard, Mutation::set(Path::trusted(path), value, clobber)});
        return membership->may_propose(id('F'), changes, *core, state);
    }
};

// A follower may be an old program, or one that an attacker runs: a voter proposes only what
// joining needs.
TEST_F(Proposing, ForAFollowerOnlyGuardedChangesOfTheClustersOwnFiles) {
    EXPECT_TRUE(may("/ctl/node/F/hostname", "host"));
    EXPECT_FALSE(may("/app/config", "x"));
    EXPECT_FALSE(may("/ctl/node/F/hostname", "host", false)) << "it has no guard";
    EXPECT_FALSE(membership->may_propose(id('F'), "", *core, state));
    EXPECT_FALSE(membership->may_propose(id('F'), "garbage", *core, state));
}

// A vote is given to a process that is linked and wants it. The link proves that for F alone.
TEST_F(Proposing, AFollowerAsksForItselfAlone) {
    registered("G");
    set("/ctl/cal/3", "");
    EXPECT_FALSE(may("/ctl/cal/3", "G"));
    EXPECT_FALSE(may("/ctl/cal/3", ""));
    EXPECT_FALSE(may("/ctl/node/G/addr", "elsewhere"));
    EXPECT_FALSE(may("/ctl/ns/local/F", "F:1"));
    EXPECT_FALSE(may("/ctl/name", "x"));
}

// The follower does not hear C and wants its slot; this voter does.
TEST_F(Proposing, TheSlotOfAVoterThatIsHeardIsNotGivenAway) {
    link('C');
    EXPECT_FALSE(may("/ctl/cal/2", "F"));
    unlink('C');
    EXPECT_TRUE(may("/ctl/cal/2", "F")) << "its process may have been replaced";
    EXPECT_FALSE(may("/ctl/cal/0", "F")) << "the slot of this voter itself";
    set("/ctl/cal/3", "");
    EXPECT_TRUE(may("/ctl/cal/3", "F")) << "a free one";
}

class Joining : public MembershipTest {
  protected:
    Joining() : MembershipTest("ABC", 'F', Attaching{}) { set("/ctl/cal/3", ""); }
    std::vector<std::string> wanted() { return paths(look()); }
};

// A follower that becomes a voter without links to the others makes the majority larger and the
// cluster no stronger: with A and B alone, one more failure would stop it.
TEST_F(Joining, WithoutLinksToAMajorityNoSlotIsTaken) {
    link('A');
    for (int i = 0; i < 20; ++i) {
        pass(seconds(1));
        hear('A');
        EXPECT_THAT(wanted(), Not(Contains("/ctl/cal/3")));
    }
}

TEST_F(Joining, WithLinksToAllASlotIsTakenAfterAWhile) {
    for (char const peer : {'A', 'B', 'C'}) link(peer);
    EXPECT_THAT(wanted(), IsEmpty()) << "it has just begun to follow";
    pass(seconds(1));
    auto const changes = look();
    ASSERT_THAT(paths(changes), ElementsAre("/ctl/cal/3"));
    EXPECT_EQ(changes[0].mutation.value, "F");
    EXPECT_EQ(changes[0].mutation.condition, state.revision_of("/ctl/cal/3"));
    ASSERT_TRUE(changes[0].guard);
    EXPECT_EQ(changes[0].guard->path.text(), "/ctl/node/F/addr");
}

// An operator gave the free slot to G, and later one to F.
TEST_F(Joining, ASlotThatIsGivenToAnotherIsLeftToItForAWhile) {
    registered("G");
    set("/ctl/cal/3", "G");
    for (char const peer : {'A', 'B', 'C'}) link(peer);
    (void)look();
    pass(seconds(1));
    EXPECT_THAT(wanted(), IsEmpty());
    set("/ctl/cal/9", "F");
    set("/ctl/cal/4", "");
    pass(seconds(1));
    EXPECT_THAT(wanted(), ElementsAre("/ctl/cal/9")) << "rather than one that is free";
}

TEST_F(Joining, ASlotThatNamesNoRegisteredProcessIsFree) {
    for (char const* nonsense : {"rubbish", "not/an id at all, but longer", "G"}) {
        set("/ctl/cal/3", nonsense);
        for (char const peer : {'A', 'B', 'C'}) link(peer);
        (void)look();
        pass(seconds(1));
        EXPECT_THAT(wanted(), ElementsAre("/ctl/cal/3")) << nonsense;
        pass(seconds(1));
    }
}

// It must be known by its address before it votes, or nobody could link to the new voter.
TEST_F(Joining, ItRegistersBeforeItAsksForASlot) {
    state.apply({{}, Mutation::del(Path::trusted("/ctl/node/F/addr"), clobber)});
    for (char const peer : {'A', 'B', 'C'}) link(peer);
    pass(seconds(1));
    (void)look();
    pass(seconds(1));
    EXPECT_THAT(wanted(), ElementsAre("/ctl/node/F/addr"));
}

class Strays : public MembershipTest {
  protected:
    Strays() {
        for (char const peer : {'B', 'C'}) link(peer);
        settle();
    }
    std::vector<std::string> emptied() {
        for (char const peer : {'B', 'C'}) hear(peer);
        std::vector<std::string> slots;
        for (Change const& c : look()) {
            if (!c.mutation.path.text().starts_with("/ctl/cal/")) continue;
            EXPECT_TRUE(c.guard && c.mutation.value.empty()) << c.mutation.path.text();
            slots.emplace_back(c.mutation.path.text());
        }
        return slots;
    }
};

TEST_F(Strays, ASlotThatNamesNoVoterIsEmptiedAfterSomeSeconds) {
    registered("X");
    set("/ctl/cal/5", "X");
    set("/ctl/cal/6", std::string(5000, 'x'));
    EXPECT_THAT(emptied(), IsEmpty());
    pass(seconds(4));
    EXPECT_THAT(emptied(), IsEmpty()) << "X may be about to take it";
    set("/ctl/cal/6", "rubbish");
    pass(seconds(4));
    EXPECT_THAT(emptied(), ElementsAre("/ctl/cal/5"));
    pass(seconds(8));
    EXPECT_THAT(emptied(), ElementsAre("/ctl/cal/5", "/ctl/cal/6")) << "again, and what came later";
}

// B empties a slot while X takes it at last: the order that comes second must do nothing.
TEST_F(Strays, ASlotThatWasTakenMeanwhileIsNotEmptied) {
    registered("X");
    set("/ctl/cal/5", "X");
    (void)emptied();
    pass(seconds(9));
    for (char const peer : {'B', 'C'}) hear(peer);
    for (Change const& change : look()) {
        if (change.mutation.path.text() != "/ctl/cal/5") continue;
        takes("X", "/ctl/cal/5");
        EXPECT_FALSE(state.apply(change));
    }
    EXPECT_EQ(state.value("/ctl/cal/5")->view(), "X");
}

class Stopping : public MembershipTest {};

TEST_F(Stopping, AVoterThatIsStoppedGivesUpItsAddressAndThenItsSlot) {
    for (char const peer : {'B', 'C'}) link(peer);
    settle();
    pass(seconds(2));
    membership->retire(now);
    pass(milliseconds(300));
    for (char const peer : {'B', 'C'}) hear(peer);
    EXPECT_THAT(paths(look()), ElementsAre("/ctl/ns/local/A", "/ctl/cal/0"));
}

// B and C must be a majority of themselves. Those that were heard only before the order to stop may
// have been stopped at the same time.
TEST_F(Stopping, ItStaysUntilTheOthersWereHeardAfterTheOrder) {
    for (char const peer : {'B', 'C'}) link(peer);
    settle();
    pass(seconds(2));
    for (char const peer : {'B', 'C'}) hear(peer);
    membership->retire(now);
    EXPECT_THAT(look(), IsEmpty());
    hear('B');
    EXPECT_THAT(look(), IsEmpty()) << "B alone is no majority of B and C";
    EXPECT_TRUE(membership->hopes_to_leave(now, *core));
    hear('C');
    EXPECT_THAT(look(), Not(IsEmpty()));
}

class Removal : public MembershipTest {
  protected:
    /// The core has entered an epoch in which only B and C vote.
    void remove_a() {
        set("/ctl/cal/0", "");
        (void)state.take_new_voters();
        start.epoch = consensus::Epoch(2);
        start.voters = start.owners = {id('B'), id('C')};
        core.emplace(MemberId("A"), start, tuning());
    }
    bool leaves() const { return std::holds_alternative<Leaving>(membership->phase()); }
};

// A removed id never votes again, so a process that kept it would follow without end.
TEST_F(Removal, AVoterThatIsRemovedBeginsAgainUnderANewId) {
    settle();
    ASSERT_FALSE(leaves());
    remove_a();
    (void)look();
    EXPECT_TRUE(leaves());
    membership->renamed(now, "NEW");
    EXPECT_EQ(membership->identity().id, "NEW");
    EXPECT_TRUE(std::holds_alternative<Following>(membership->phase()));
}

TEST_F(Removal, SoDoesAProcessThatWasMadeAVoterAndRemovedWhileItWasAway) {
    membership.emplace(identity("A"), std::vector<std::string>{}, Attaching{},
                       Membership::Timing{seconds(3600), seconds(60)});
    remove_a();
    (void)look();
    EXPECT_TRUE(leaves());
}

// Of two voters one leaves. The batch that removes it is delivered here first: if this process
// ended now, the other would wait without end for a vote that only this one can give.
TEST_F(Removal, AVoterThatLeavesWaitsUntilTheOthersHaveEnteredTheNextEpoch) {
    settle();
    membership->retire(now);
    remove_a();
    (void)look();
    EXPECT_TRUE(membership->hands_over(now, *core));
    consensus::Vector const entered{consensus::Epoch(2), {}, {}, false, consensus::Frontier(2)};
    for (char const peer : {'B', 'C'}) {
        step(consensus::LinkUp{id(peer)});
        step(consensus::Receive{id(peer), consensus::Hello{entered, start.lineage}});
    }
    EXPECT_FALSE(membership->hands_over(now, *core));
}

class LastSlot : public MembershipTest {
  protected:
    LastSlot() : MembershipTest("A") {}
};

// A client deletes all slots. The voters stay as they are, but no process could ever join again.
TEST_F(LastSlot, AVoterThatNoSlotNamesTakesASlotAgain) {
    settle();
    state.apply({{}, Mutation::del(Path::trusted("/ctl/cal/0"), clobber)});
    (void)state.take_new_voters();
    pass(seconds(3600));
    EXPECT_THAT(paths(look()), Contains("/ctl/cal/0"));
}

TEST_F(LastSlot, ASlotThatAnOperatorGaveToAnotherIsLeftToItForAWhile) {
    settle();
    registered("F");
    set("/ctl/cal/0", "F");
    pass(seconds(3600));
    EXPECT_THAT(paths(look()), Not(Contains("/ctl/cal/0"))) << "F may be about to take it";
    pass(seconds(3600));
    EXPECT_THAT(paths(look()), Contains("/ctl/cal/0")) << "F did not: it is emptied";
    set("/ctl/cal/0", "");
    pass(seconds(3600));
    auto const changes = look();
    ASSERT_THAT(paths(changes), Contains("/ctl/cal/0"));
    for (Change const& c : changes) {
        bool const takes_it = c.mutation.value == "A";
        EXPECT_TRUE(takes_it || c.mutation.path.text() != "/ctl/cal/0");
    }
}

// Writers can register as many processes as they like; looking at them must cost little each time.
TEST_F(LastSlot, ManyRegisteredProcessesAreCleanedAwayInPages) {
    settle();
    for (int i = 0; i < 600; ++i) set("/ctl/node/N" + std::to_string(i) + "/addr", "x");
    std::set<std::string> gone;
    for (int i = 0; i < 8; ++i) {
        auto const deleted = paths(look());
        EXPECT_LE(deleted.size(), 256U + 2);
        gone.insert(deleted.begin(), deleted.end());
        pass(seconds(3600));
    }
    EXPECT_TRUE(gone.contains("/ctl/node/N0/addr"));
    EXPECT_TRUE(gone.contains("/ctl/node/N599/addr"));
}

TEST_F(LastSlot, FilesThatOthersOverwroteAreWrittenAgain) {
    settle();
    set("/ctl/node/A/addr", "elsewhere");
    pass(seconds(3600));
    EXPECT_THAT(paths(look()), Contains("/ctl/node/A/addr"));
}

}  // namespace
}  // namespace doozer::replica
