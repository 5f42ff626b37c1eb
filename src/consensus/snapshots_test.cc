// A copy of everything, given and taken piece by piece.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Gives its state away in three pieces, and counts what the core has begun and not ended.
class ThreePieces : public Application {
  public:
    Applied apply(Batch const& batch) override {
        text += std::string(batch.payload().view()) + ";";
        return {};
    }
    Applied force(MemberId /*survivor*/) override { return {}; }
    std::uint64_t begin_snapshot() override {
        given[++last] = 0;
        return last;
    }
    SnapshotPiece next_piece(std::uint64_t snapshot) override {
        std::size_t const piece = given.at(snapshot)++;
        return {Bytes(piece < 2 ? std::to_string(piece) : text), piece == 2};
    }
    void end_snapshot(std::uint64_t snapshot) override { given.erase(snapshot); }
    void begin_install() override { incoming.clear(); }
    bool install_piece(Bytes const& piece) override {
        incoming.emplace_back(piece.view());
        return true;
    }
    bool finish_install() override { return incoming.size() == 3; }
    void abandon_install() override { incoming.clear(); }

    std::map<std::uint64_t, std::size_t> given;  // pieces given of each that was begun
    std::vector<std::string> incoming;
    std::string text;
    std::uint64_t last = 0;
};

MemberId id(char c) {
    return MemberId(std::string(1, c));
}

/// The core of member "a", one of three, whose peers are played by the test.
class SnapshotsTest : public ::testing::Test {
  protected:
    SnapshotsTest() {
        for (char const c : {'b', 'c'}) greet(c, start.epoch);
    }
    static Tuning tuning() {
        Tuning t;
        t.park_ahead = 0;
        t.choose_owners = false;
        t.log_bytes = 1000;
        return t;
    }
    void step(Input const& input) {
        out = core.step(now, input, app);
        if (auto const bad = invariants.check(core)) violations.push_back(*bad);
    }
    void receive(char from, Message const& m) { step(Receive{id(from), m}); }
    void greet(char peer, Epoch epoch) {
        step(LinkUp{id(peer)});
        receive(peer, Hello{vector_at(epoch, 0), start.lineage});
    }
    Vector vector_at(Epoch epoch, std::uint64_t delivered) const {
        return {epoch, Slot(delivered), Slot(delivered), false, Frontier(start.owners.size())};
    }
    /// A piece of the copy that `number` names, of a later epoch than this member's.
    Snapshot piece(std::uint64_t number, std::uint64_t n, bool last = false) const {
        Configuration later = start;
        later.epoch = Epoch(2);
        Snapshot s{vector_at(Epoch(2), 5),  later, Slot(5), {}, {}, 6, 6, number, n, last,
                   Bytes(std::to_string(n))};
        for (MemberId const v : later.voters) s.applied_oseq[v] = Oseq(2);
        return s;
    }
    std::vector<std::string> sent() const {
        std::vector<std::string> names;
        for (Send const& s : out.sends) names.emplace_back(name_of(s.message));
        return names;
    }
    /// A follower that asks for everything: gets the first piece.
    std::uint64_t begin_giving(char to) {
        step(LinkUp{id(to)});
        receive(to, Hello{{}, {}});
        receive(to, Fetch{{}, Slot(0)});
        EXPECT_THAT(sent(), ElementsAre("SNAPSHOT"));
        return std::get<Snapshot>(out.sends.at(0).message).number;
    }
    void TearDown() override { EXPECT_THAT(violations, IsEmpty()); }

    Configuration start{Lineage{7, 7}, Epoch(1), {id('a'), id('b'), id('c')}, {id('b'), id('c')}};
    Instant now{1'000'000'000};
    ThreePieces app;
    CoreInvariants invariants;
    std::vector<std::string> violations;
    Core core{id('a'), start, tuning()};
    Output out;
};

// b and c answer the same question. If a piece of c's copy were taken for one of b's, the state
// would be half of one and half of the other.
TEST_F(SnapshotsTest, PiecesOfTwoGiversAreNotMixed) {
    receive('b', piece(1, 0));
    ASSERT_THAT(app.incoming, ElementsAre("0"));
    receive('c', piece(1, 1));
    EXPECT_THAT(out.ignored, ElementsAre(Ignored::gap));
    receive('c', piece(2, 0));
    EXPECT_THAT(out.ignored, ElementsAre(Ignored::gap)) << "or two givers undo each other's work";
    receive('b', piece(1, 1));
    receive('b', piece(1, 2, true));
    EXPECT_EQ(core.epoch(), Epoch(2));
    EXPECT_THAT(app.incoming, ElementsAre("0", "1", "2"));
}

TEST_F(SnapshotsTest, APieceIsTakenOnlyInItsTurn) {
    receive('b', piece(1, 0));
    receive('b', piece(1, 2, true));
    EXPECT_EQ(core.epoch(), Epoch(1)) << "the one between was not there yet";
    EXPECT_THAT(app.incoming, ElementsAre("0"));
    receive('b', piece(1, 9));
    EXPECT_THAT(out.ignored, ElementsAre(Ignored::gap)) << "nobody asked for it";
}

// The last piece is small, goes by the first connection, and overtakes the one before, which is
// bulk. The giver gives neither of them again: without the early one the taker never votes.
TEST_F(SnapshotsTest, APieceThatOvertakesAnotherIsKeptForItsTurn) {
    receive('b', piece(1, 0));
    receive('b', piece(1, 2, true));
    EXPECT_THAT(out.ignored, IsEmpty());
    receive('b', piece(1, 1));
    EXPECT_THAT(app.incoming, ElementsAre("0", "1", "2"));
    EXPECT_EQ(core.epoch(), Epoch(2));
}

TEST_F(SnapshotsTest, APieceThatComesTwiceIsTakenOnce) {
    receive('b', piece(1, 0));
    receive('b', piece(1, 1));
    receive('b', piece(1, 1));
    EXPECT_THAT(out.ignored, ElementsAre(Ignored::gap));
    EXPECT_THAT(app.incoming, ElementsAre("0", "1"));
}

// The transport dropped a piece: its giver has gone on and cannot give it again.
TEST_F(SnapshotsTest, ACopyWhosePieceNeverComesIsBegunAnew) {
    receive('b', piece(1, 0));
    bool anew = false;
    for (int i = 0; i < 100 && !anew; ++i) {
        now = now + tuning().piece_patience;
        receive('b', Pong{vector_at(Epoch(2), 5), now});
        step(Tick{});
        for (Send const& s : out.sends) {
            auto const* fetch = std::get_if<Fetch>(&s.message);
            anew = anew || (fetch != nullptr && s.to == id('b') && fetch->snapshot == 0);
        }
    }
    EXPECT_TRUE(anew);
    receive('b', piece(2, 0));
    receive('b', piece(2, 1));
    receive('b', piece(2, 2, true));
    EXPECT_EQ(core.epoch(), Epoch(2));
}

// The question for a piece may be sent twice, by a member that lost its patience.
TEST_F(SnapshotsTest, APieceIsGivenOnceHoweverOftenItIsAskedFor) {
    std::uint64_t const number = begin_giving('f');
    receive('f', Fetch{{}, Slot(0), number, 1});
    ASSERT_THAT(sent(), ElementsAre("SNAPSHOT"));
    receive('f', Fetch{{}, Slot(0), number, 1});
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_THAT(out.ignored, ElementsAre(Ignored::nothing_new));
    EXPECT_EQ(app.given.at(number), 2U);
}

// As long as a copy is being given, the store keeps what it could forget.
TEST_F(SnapshotsTest, ACopyWhoseTakerDoesNotAskIsGivenUp) {
    (void)begin_giving('f');
    ASSERT_EQ(app.given.size(), 1U);
    now = now + tuning().piece_patience;
    step(Tick{});
    EXPECT_THAT(app.given, IsEmpty());
}

// The log is trimmed at the end of every turn. Without the pin a busy cluster drops what follows
// the copy before its taker asks for it, and the taker needs another copy, and so on.
TEST_F(SnapshotsTest, TheLogIsKeptFromWhereACopyEnds) {
    Bench b("ab", "", tuning());
    b.submit('a', "x");
    b.settle();
    b.follow('f', tuning());
    b.hold('f', 'a');
    b.link('a', 'f');
    b.settle();
    b.deliver('f', 'a');  // its HELLO, and what it asks for
    b.deliver('f', 'a');
    b.settle();
    ASSERT_EQ(b.lines('f').size(), 1U);
    Slot const copied = b.core('f').delivered();
    for (int i = 0; i < 20; ++i) {
        b.submit('a', std::string(100, 'x'));
        b.deliver('a', 'b');
        b.deliver('b', 'a');
    }
    ASSERT_GT(b.core('a').delivered(), copied.plus(20));
    b.receive('f', 'a', Fetch{b.core('f').vector(), copied});
    std::vector<std::string> names;
    for (Send const& s : b.members.at('a').last.sends) names.emplace_back(name_of(s.message));
    EXPECT_THAT(names, ElementsAre("DECIDED"));
}

// A promise says how far this voter's lanes went when it closed. A lane that moves afterwards makes
// it say of items that it never had that they are skips.
TEST_F(SnapshotsTest, ACopyMovesNoLaneOfAClosedVoter) {
    receive('c', Prepare{vector_at(Epoch(1), 0), ballot_of(1, 2)});
    ASSERT_FALSE(core.open());
    Snapshot s = piece(1, 0);
    s.configuration = start;
    s.vector = vector_at(Epoch(1), 5);
    for (std::uint64_t n = 0; n < 3; ++n) {
        s.piece = n;
        s.last = n == 2;
        receive('b', s);
    }
    ASSERT_EQ(core.delivered(), Slot(5));
    EXPECT_EQ(core.lane(0).upto(), Slot(0));
    EXPECT_EQ(core.lane(1).upto(), Slot(0));
}

// Whether its batch was applied is in the log that nobody has any more: its client must not be told
// that it was, nor that it was not.
TEST_F(SnapshotsTest, TheOutcomeOfABatchThatACopyCountsIsUnknown) {
    step(Submit{Bytes("x")});
    ASSERT_EQ(out.submitted, Oseq(1));
    step(Submit{Bytes("y")});
    step(Submit{Bytes("z")});
    for (std::uint64_t n = 0; n < 3; ++n) receive('b', piece(1, n, n == 2));
    ASSERT_EQ(core.epoch(), Epoch(2));
    EXPECT_EQ(out.outcome_unknown, Oseq(2)) << "the copy counts two batches of this member";
    EXPECT_EQ(core.unsettled(), 1U) << "the third is proposed again";
}

TEST_F(SnapshotsTest, ACopyThatCountsNoBatchOfItsTakerLosesNothing) {
    Snapshot s = piece(1, 0);
    s.applied_oseq[id('a')] = Oseq(0);
    step(Submit{Bytes("x")});
    for (std::uint64_t n = 0; n < 3; ++n) {
        s.piece = n;
        s.last = n == 2;
        receive('b', s);
    }
    EXPECT_EQ(out.outcome_unknown, std::nullopt);
    EXPECT_EQ(core.unsettled(), 1U);
}

}  // namespace
}  // namespace doozer::consensus
