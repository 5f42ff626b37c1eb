#include "replica/state.h"

#include <gtest/gtest.h>

#include <string>

namespace doozer::replica {
namespace {

using store::Mutation;
using store::Path;

MemberIds ids(std::initializer_list<char const*> names) {
    MemberIds all;
    for (char const* name : names) all.emplace_back(name);
    return all;
}

/// All pieces of a copy.
std::vector<std::string> copy_of(State& state) {
    std::vector<std::string> pieces;
    std::uint64_t const number = state.begin_snapshot();
    for (bool last = false; !last;) {
        consensus::SnapshotPiece const piece = state.next_piece(number);
        pieces.emplace_back(piece.bytes.view());
        last = piece.last;
    }
    state.end_snapshot(number);
    return pieces;
}

bool install(State& state, std::vector<std::string> const& pieces) {
    state.begin_install();
    for (std::string const& piece : pieces) {
        if (!state.install_piece(piece)) return false;
    }
    return state.finish_install();
}

class StateTest : public testing::Test {
  protected:
    explicit StateTest(RulesTable const& known = {}) : state(store::StoreLimits{}, known) {
        state.found(MemberId("A"));
        set("/ctl/node/A/addr", "a:1");
        is_of("A", "1.1.0");
        set("/ctl/cal/0", "A");
        (void)state.take_new_voters();
    }
    std::optional<Error> set(std::string const& path, std::string const& value) {
        return state.apply({{}, Mutation::set(Path::trusted(path), value, clobber)})->refused;
    }
    void registered(std::string const& id) {
        set("/ctl/node/" + id + "/addr", id + ":1");
        is_of(id, "1.1.0");
    }
    /// As a voter proposes it for a process that has asked for it over its link.
    void takes(std::string const& id, std::string const& slot) {
        std::string const addr = "/ctl/node/" + id + "/addr";
        state.apply({Guard{Path::trusted(addr), state.revision_of(addr)},
                     Mutation::set(Path::trusted(slot), id, state.revision_of(slot))});
    }
    void is_of(std::string const& id, std::string const& version) {
        set("/ctl/node/" + id + "/version", version);
    }

    State state;
};

TEST_F(StateTest, ASlotCountsIfItHoldsARegisteredProcess) {
    takes("B", "/ctl/cal/1");
    EXPECT_FALSE(state.take_new_voters()) << "nobody knows B";
    registered("B");
    EXPECT_FALSE(state.take_new_voters()) << "that was in another batch";
    takes("B", "/ctl/cal/1");
    EXPECT_EQ(state.take_new_voters(), ids({"A", "B"}));
    for (char const* nonsense : {"", "no/id", "far too long to be an id", "A"}) {
        set("/ctl/cal/2", nonsense);
        EXPECT_FALSE(state.take_new_voters()) << nonsense;
    }
}

// Three writes of a client once ended the quorum of any cluster.
TEST_F(StateTest, AnIdThatAClientWritesIntoASlotGetsNoVote) {
    for (char const* id : {"X", "Y", "Z"}) {
        registered(id);
        set(std::string("/ctl/cal/") + id, id);
        EXPECT_FALSE(state.take_new_voters()) << id;
    }
    EXPECT_EQ(state.voters(), ids({"A"}));
    // Once it is written there, the process itself may take it.
    takes("Y", "/ctl/cal/Y");
    EXPECT_EQ(state.take_new_voters(), ids({"A", "Y"}));
    set("/ctl/cal/new", "Y");
    set("/ctl/cal/Y", "");
    EXPECT_FALSE(state.take_new_voters()) << "who votes may be moved by anybody";
    EXPECT_EQ(state.voters(), ids({"A", "Y"}));
}

TEST_F(StateTest, AnOperatorGivesASlotInOneWriteIfAMemberVouches) {
    registered("B");
    Change const given{{}, Mutation::set(Path::trusted("/ctl/cal/0"), "B", clobber), true};
    state.apply(given);
    EXPECT_EQ(state.take_new_voters(), ids({"B"})) << "in the place of A, without a moment between";
}

TEST_F(StateTest, AGuardedChangeThatDoesNotHappenGivesNoVote) {
    registered("B");
    set("/ctl/cal/1", "B");
    state.apply({Guard{Path::trusted("/ctl/node/B/addr"), Revision(1)},
                 Mutation::set(Path::trusted("/ctl/cal/1"), "B", clobber)});
    EXPECT_FALSE(state.take_new_voters()) << "its guard";
    set("/ctl/cal/dir/file", "");
    state.apply({Guard{Path::trusted("/ctl/node/B/addr"), state.revision_of("/ctl/node/B/addr")},
                 Mutation::set(Path::trusted("/ctl/cal/dir"), "B", clobber)});
    EXPECT_FALSE(state.take_new_voters()) << "the path is a directory";
}

TEST_F(StateTest, TheCalendarTakesABoundedNumberOfEntries) {
    for (std::size_t i = 1; i < calendar_entries_max; ++i) {
        EXPECT_FALSE(set("/ctl/cal/x" + std::to_string(i), "")) << i;
    }
    EXPECT_EQ(set("/ctl/cal/more", "").value().detail, "/ctl/cal takes no more entries");
    EXPECT_EQ(set("/ctl/cal/more/below", "").value().detail, "/ctl/cal takes no more entries");
    EXPECT_EQ(state.value("/ctl/err")->view(), "/ctl/cal takes no more entries");
    EXPECT_FALSE(set("/ctl/cal/x1", "goes on")) << "what is there can be written";
    EXPECT_FALSE(set("/ctl/calendar", "")) << "it is not below";
    EXPECT_EQ(state.slots().size(), calendar_entries_max);
    state.apply({{}, Mutation::del(Path::trusted("/ctl/cal/x1"), clobber)});
    EXPECT_FALSE(set("/ctl/cal/more", ""));
    auto const refused =
        state.apply({{}, Mutation::set(Path::trusted("/ctl/cal/again"), "", directory)});
    EXPECT_EQ(refused->refused->code, Errc::rev_mismatch) << "judged first";
}

TEST_F(StateTest, OnlyTheBeginningOfALongContentOfASlotIsRead) {
    set("/ctl/cal/1", std::string(100'000, 'x'));
    EXPECT_EQ(state.slots().at(1).content.size(), process_id_chars + 1);
}

TEST_F(StateTest, ARemovedIdNeverVotesAgain) {
    registered("B");
    takes("B", "/ctl/cal/1");
    ASSERT_EQ(state.take_new_voters(), ids({"A", "B"}));
    set("/ctl/cal/1", "");
    EXPECT_EQ(state.take_new_voters(), ids({"A"}));
    EXPECT_TRUE(state.was_removed(MemberId("B")));
    takes("B", "/ctl/cal/1");
    EXPECT_FALSE(state.take_new_voters());
}

TEST_F(StateTest, AChangeThatWouldLeaveNoVoterLeavesTheVotersAsTheyAre) {
    state.apply({{}, Mutation::del(Path::trusted("/ctl/cal/0"), clobber)});
    EXPECT_FALSE(state.take_new_voters());
    EXPECT_EQ(state.voters(), ids({"A"}));
}

TEST_F(StateTest, AVoterWhoseAddressIsDeletedStillVotes) {
    state.apply({{}, Mutation::del(Path::trusted("/ctl/node/A/addr"), clobber)});
    EXPECT_FALSE(state.take_new_voters());
}

TEST_F(StateTest, AnEighthVoterIsNotCounted) {
    for (int i = 1; i <= 9; ++i) {
        registered("B" + std::to_string(i));
        takes("B" + std::to_string(i), "/ctl/cal/" + std::to_string(i));
    }
    auto const voters = state.take_new_voters();
    ASSERT_TRUE(voters);
    EXPECT_EQ(voters->size(), consensus::voters_max);
}

TEST_F(StateTest, AGuardedChangeThatComesTooLateLeavesNoTrace) {
    Revision const seen = state.revision_of("/ctl/cal/0");
    Change const kick{
        Guard{Path::trusted("/ctl/node/A/addr"), state.revision_of("/ctl/node/A/addr")},
        Mutation::set(Path::trusted("/ctl/cal/0"), "", seen)};
    registered("A");  // it lives: what is guarded has moved on
    Revision const before = state.store().revision();
    std::uint64_t const chain = state.chain();
    EXPECT_FALSE(state.apply(kick));
    EXPECT_EQ(state.store().revision(), before);
    EXPECT_EQ(state.chain(), chain);
}

// A guarded change whose own condition fails would use a revision and write /ctl/err: a voter that
// repeats what it wants would fill the history with refusals.
TEST_F(StateTest, AGuardedChangeWhoseOwnConditionFailsLeavesNoTrace) {
    Change const late{
        Guard{Path::trusted("/ctl/node/A/addr"), state.revision_of("/ctl/node/A/addr")},
        Mutation::set(Path::trusted("/ctl/cal/0"), "", Revision(1))};
    ASSERT_NE(state.revision_of("/ctl/cal/0"), Revision(1));
    Revision const before = state.store().revision();
    EXPECT_FALSE(state.apply(late));
    EXPECT_EQ(state.store().revision(), before);
}

// Members compare their chains to find out that they hold different trees.
TEST_F(StateTest, TheChainTellsAllDifferentStatesApart) {
    auto const chain_after = [](Mutation const& mutation) {
        State other{store::StoreLimits{}};
        other.found(MemberId("A"));
        other.apply({{}, Mutation::set(Path::trusted("/x"), "v", clobber)});
        other.apply({{}, mutation});
        return other.chain();
    };
    std::vector<std::uint64_t> const chains{
        chain_after(Mutation::nop()),
        chain_after(Mutation::set(Path::trusted("/x"), "v", clobber)),
        chain_after(Mutation::set(Path::trusted("/x"), "w", clobber)),
        chain_after(Mutation::set(Path::trusted("/y"), "v", clobber)),
        chain_after(Mutation::set(Path::trusted("/x"), "v", missing)),  // refused
        chain_after(Mutation::set(Path::trusted("/ctl/err"), "rev mismatch", clobber)),
        chain_after(Mutation::del(Path::trusted("/x"), clobber)),
    };
    for (std::size_t i = 0; i < chains.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(chains[i], chains[j]) << i << " and " << j;
    }
}

TEST_F(StateTest, ACopyIsEqualAndStaysEqual) {
    registered("B");
    takes("B", "/ctl/cal/1");
    (void)state.take_new_voters();
    set("/ctl/cal/1", "");
    (void)state.take_new_voters();
    State copy{store::StoreLimits{}};
    ASSERT_TRUE(install(copy, copy_of(state)));
    EXPECT_EQ(copy_of(copy), copy_of(state));
    EXPECT_EQ(copy.chain(), state.chain());
    EXPECT_TRUE(copy.was_removed(MemberId("B")));
    std::string const bytes = copy_of(state).front();
    EXPECT_FALSE(install(copy, {bytes + "x"})) << "nothing follows the end";
    for (std::size_t size = 0; size < bytes.size(); size += 7) {
        State other{store::StoreLimits{}};
        EXPECT_FALSE(install(other, {bytes.substr(0, size)})) << size;
        EXPECT_EQ(other.store().revision(), missing);
    }
}

TEST_F(StateTest, ACopyInPiecesIsOfTheMomentOfItsLastPiece) {
    State small{store::StoreLimits{.snapshot_piece_bytes = 20}};
    ASSERT_TRUE(install(small, copy_of(state)));
    std::uint64_t const number = small.begin_snapshot();
    std::uint64_t const other = small.begin_snapshot();
    std::vector<std::string> pieces;
    for (bool last = false; !last;) {
        if (pieces.size() < 5) {
            small.apply({{}, Mutation::set(Path::trusted("/later"), "x", clobber)});
        }
        consensus::SnapshotPiece const piece = small.next_piece(number);
        pieces.emplace_back(piece.bytes.view());
        last = piece.last;
    }
    ASSERT_GT(pieces.size(), 5U);
    State copy{store::StoreLimits{}};
    ASSERT_TRUE(install(copy, pieces));
    EXPECT_EQ(copy.chain(), small.chain());
    EXPECT_EQ(copy.store().revision(), small.store().revision());
    small.end_snapshot(number);
    small.end_snapshot(other);
}

TEST_F(StateTest, PiecesInAnotherOrderAreNoCopy) {
    State small{store::StoreLimits{.snapshot_piece_bytes = 20}};
    ASSERT_TRUE(install(small, copy_of(state)));
    std::vector<std::string> pieces = copy_of(small);
    std::swap(pieces[1], pieces.back());
    EXPECT_FALSE(install(small, pieces));
    pieces.erase(pieces.begin());
    EXPECT_FALSE(install(small, pieces));
    EXPECT_EQ(small.chain(), state.chain()) << "nothing was changed";
}

TEST_F(StateTest, AForcedStateNeverGivesARevisionTwice) {
    registered("B");
    takes("B", "/ctl/cal/1");
    (void)state.take_new_voters();
    std::vector<Revision> made;
    state.force(MemberId("A"), {}, [&](store::Event const& event) { made.push_back(event.rev); });
    constexpr std::int64_t next = std::int64_t{1} << 40;
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made.front(), Revision(next));
    EXPECT_EQ(state.voters(), ids({"A"}));
    EXPECT_EQ(state.value("/ctl/cal/1")->view(), "");
    EXPECT_TRUE(state.was_removed(MemberId("B")));
    EXPECT_EQ(state.revision_of("/ctl/cal/0"), Revision(3)) << "files keep their revisions";
}

TEST(ChangeCodec, ReadsOnlyWhatItWrites) {
    Change const guarded{Guard{Path::trusted("/a/b"), Revision(7)},
                         Mutation::set(Path::trusted("/c"), "v", Revision(3))};
    Change const plain{{}, Mutation::nop()};
    std::string batch;
    append_change(batch, guarded);
    append_change(batch, plain);
    std::string_view rest = batch;
    EXPECT_EQ(take_change(rest).value(), guarded);
    EXPECT_EQ(take_change(rest).value(), plain);
    EXPECT_TRUE(rest.empty());
    Change const vouched{{}, Mutation::set(Path::trusted("/ctl/cal/1"), "B", clobber), true};
    std::string given;
    append_change(given, vouched);
    rest = given;
    EXPECT_EQ(take_change(rest).value(), vouched);
    EXPECT_TRUE(rest.empty());
    std::string alone;
    append_change(alone, guarded);
    for (std::size_t size = 0; size < alone.size(); ++size) {
        std::string_view cut = std::string_view(alone).substr(0, size);
        EXPECT_FALSE(take_change(cut).ok()) << size;
    }
}

/// Two sets of rules, of which release 1.1 has brought the second.
class RulesSwitchTest : public StateTest {
  protected:
    RulesSwitchTest() : StateTest(both) {
        EXPECT_EQ(state.rules(), 2) << "a founder begins with the newest";
        EXPECT_EQ(RulesTable{}.since, both.since) << "these are the rules of this release";
        EXPECT_TRUE(install(state, old_copy()));
        EXPECT_EQ(state.rules(), 1);
    }
    /// Of a cluster that 1.0 has founded.
    static std::vector<std::string> old_copy() {
        State old{store::StoreLimits{}, first};
        old.found(MemberId("A"));
        for (auto const& [path, value] : {std::pair{"/ctl/node/A/addr", "a:1"},
                                          {"/ctl/node/A/version", "1.0.0"},
                                          {"/ctl/cal/0", "A"}}) {
            old.apply({{}, Mutation::set(Path::trusted(path), value, clobber)});
        }
        (void)old.take_new_voters();
        return copy_of(old);
    }

    static inline RulesTable const first{{{1, 0}}, "1.0.0"};
    static inline RulesTable const both{{{1, 0}, {1, 1}}, "1.1.0"};
};

TEST_F(RulesSwitchTest, NewRulesBeginWhenAllRegisteredProcessesKnowThem) {
    state.switch_rules(2);
    EXPECT_EQ(state.rules(), 1) << "A does not know them";
    is_of("A", "1.1.0");
    EXPECT_EQ(state.next_rules(), Rules{2});
    set("/ctl/node/F/version", "1.0.3");  // a follower
    state.switch_rules(2);
    EXPECT_EQ(state.rules(), 1);
    EXPECT_EQ(state.next_rules(), std::nullopt);
    is_of("F", "2.0.0");
    std::uint64_t const before = state.chain();
    state.switch_rules(2);
    EXPECT_EQ(state.rules(), 2);
    EXPECT_NE(state.chain(), before) << "members that switch at different places must notice";
    EXPECT_EQ(state.next_rules(), std::nullopt);
    state.switch_rules(1);
    EXPECT_EQ(state.rules(), 2) << "there is no way back";
}

TEST_F(RulesSwitchTest, AProcessThatDoesNotKnowTheRulesGetsNoVote) {
    is_of("A", "1.1.0");
    state.switch_rules(2);
    registered("B");
    is_of("B", "1.0.0");
    takes("B", "/ctl/cal/1");
    EXPECT_FALSE(state.take_new_voters());
    is_of("B", "1.1.0");
    takes("B", "/ctl/cal/1");
    EXPECT_EQ(state.take_new_voters(), ids({"A", "B"}));
}

// The first piece says by which rules the copy is read. A taker that went on after a switch would
// apply the next change by the old rules, and hold another tree than everybody else.
TEST_F(RulesSwitchTest, ACopyThatASwitchInterruptsIsLost) {
    State small{store::StoreLimits{.snapshot_piece_bytes = 20}, both};
    ASSERT_TRUE(install(small, old_copy()));
    std::uint64_t const number = small.begin_snapshot();
    ASSERT_FALSE(small.next_piece(number).last);
    small.apply({{}, Mutation::set(Path::trusted("/ctl/node/A/version"), "1.1.0", clobber)});
    ASSERT_FALSE(small.next_piece(number).lost);
    small.switch_rules(2);
    ASSERT_EQ(small.rules(), 2);
    EXPECT_TRUE(small.next_piece(number).lost);
    small.end_snapshot(number);
}

TEST_F(RulesSwitchTest, ASnapshotSaysWhichRulesItIsOf) {
    is_of("A", "1.1.0");
    state.switch_rules(2);
    State same{store::StoreLimits{}, both};
    ASSERT_TRUE(install(same, copy_of(state)));
    EXPECT_EQ(same.rules(), 2);
    State older{store::StoreLimits{}, first};
    EXPECT_FALSE(install(older, copy_of(state)));
    EXPECT_TRUE(older.is_outdated());
    EXPECT_EQ(older.rules(), 2);
}

TEST_F(RulesSwitchTest, AFollowerThatDoesNotKnowTheNewRulesSaysSo) {
    is_of("A", "1.1.0");
    State older{store::StoreLimits{}, first};
    ASSERT_TRUE(install(older, copy_of(state)));
    older.switch_rules(2);
    EXPECT_TRUE(older.is_outdated());
}

// The order is proposed while all who are registered are new; an old process is registered before
// it gets its place. It counts for nobody, and the old process must not end because of it.
TEST_F(RulesSwitchTest, AnOldProcessThatIsRegisteredMeanwhileGoesOn) {
    is_of("A", "1.1.0");
    State older{store::StoreLimits{}, first};
    ASSERT_TRUE(install(older, copy_of(state)));
    for (State* const each : {&state, &older}) {
        each->apply({{}, Mutation::set(Path::trusted("/ctl/node/F/version"), "1.0.0", clobber)});
        each->switch_rules(2);
        EXPECT_EQ(each->rules(), 1);
        EXPECT_FALSE(each->is_outdated());
        each->apply({{}, Mutation::del(Path::trusted("/ctl/node/F/version"), clobber)});
    }
    EXPECT_EQ(older.chain(), state.chain());
    state.switch_rules(2);
    older.switch_rules(2);
    EXPECT_EQ(state.rules(), 2);
    EXPECT_TRUE(older.is_outdated());
}

TEST_F(RulesSwitchTest, ByTheFirstRulesAnyWriteGivesAVoteAndAnyNumberOfSlotsCounts) {
    registered("B");
    set("/ctl/cal/1", "B");
    EXPECT_EQ(state.take_new_voters(), ids({"A", "B"}));
    for (std::size_t i = 0; i < 2 * calendar_entries_max; ++i) {
        EXPECT_FALSE(set("/ctl/cal/x" + std::to_string(i), ""));
    }
    EXPECT_EQ(state.slots().size(), 2 * calendar_entries_max + 2);
    state.switch_rules(2);
    EXPECT_EQ(state.rules(), 1) << "A is of an old release";
    is_of("A", "1.1.0");
    state.switch_rules(2);
    EXPECT_EQ(state.slots().size(), calendar_entries_max);
}

TEST(Switch, IsABatchOfItsOwn) {
    EXPECT_EQ(switch_in(encode_switch(7)), Rules{7});
    EXPECT_EQ(switch_in(""), std::nullopt);
    std::string batch;
    append_change(batch, {{}, Mutation::set(Path::trusted("/a"), "", clobber)});
    EXPECT_EQ(switch_in(batch), std::nullopt);
}

}  // namespace
}  // namespace doozer::replica
