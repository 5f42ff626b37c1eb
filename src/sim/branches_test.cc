#include "sim/branches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/linearizability.h"

namespace doozer::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int next = 1000;  // where the second branch begins
constexpr int forced_at = 100;

/// A cluster whose survivor keeps revisions up to 5. The old branch goes on to 7 elsewhere.
class Forks : public testing::Test {
  protected:
    Forks() {
        (void)agreement.entered({Lineage{1, 1}, Epoch(1), {MemberId("a")}, {MemberId("a")}});
    }
    void fork(int kept = 5, std::set<std::uint64_t> known = {}) {
        agreement.forced({Revision(kept), Revision(next), Instant(forced_at), std::move(known)});
        (void)agreement.entered({Lineage{2, 2}, Epoch(2), {MemberId("a")}, {MemberId("a")}});
    }
    void take_over(std::set<std::uint64_t> taken, std::set<std::string> deleted) {
        Fork fork = agreement.forks().back();
        fork.taken = std::move(taken);
        fork.deleted = std::move(deleted);
        Agreement other;
        for (auto const& [rev, change] : agreement.log()) (void)other.applied(change);
        other.forced(fork);
        agreement = other;
    }
    /// A write that was applied at this revision; answered on this branch.
    Op& set(int start, int end, int rev, std::size_t branch) {
        Op& op = add(OpKind::set, start, end, branch);
        op.value = "v" + std::to_string(op.id);
        op.rev = Revision(rev);
        apply(op.value, rev);
        return op;
    }
    Op& cas(int start, int end, int expected, int rev, std::size_t branch) {
        Op& op = set(start, end, rev, branch);
        op.kind = OpKind::compare_and_set;
        op.expected = Revision(expected);
        return op;
    }
    Op& failed_cas(int start, int end, int expected, std::size_t branch) {
        Op& op = add(OpKind::compare_and_set, start, end, branch);
        op.value = "v" + std::to_string(op.id);
        op.expected = Revision(expected);
        op.succeeded = false;
        return op;
    }
    Op& del(int start, int end, int rev, std::size_t branch) {
        (void)agreement.applied({Revision(rev), store::EventKind::del, "/k", ""});
        return add(OpKind::del, start, end, branch);
    }
    Op& read(int start, int end, std::string const& value, int rev, std::size_t branch) {
        Op& op = add(OpKind::linear_read, start, end, branch);
        op.value = value;
        op.rev = Revision(rev);
        return op;
    }
    void apply(std::string const& value, int rev) {
        (void)agreement.applied({Revision(rev), store::EventKind::set, "/k", value});
    }
    /// A watch that was told of changes at these revisions.
    void watch(int from, std::vector<int> const& told) {
        Watch w{"/k", Revision(from), Revision(from - 1), {}};
        for (int const rev : told) {
            w.told.push_back(agreement.log().at(Revision(rev)));
            w.upto = Revision(rev);
        }
        watches.push_back(std::move(w));
    }
    [[nodiscard]] std::vector<std::string> judged() const {
        std::vector<std::string> wrong = check_forks(ops, watches, agreement);
        auto const add_all = [&](std::vector<std::string> const& more) {
            wrong.insert(wrong.end(), more.begin(), more.end());
        };
        for (History const& h : branches_of(ops, watches, agreement)) {
            add_all(check_history(h.ops, h.watches, h.log));
            add_all(check_linearizability(h.ops).wrong);
        }
        return wrong;
    }

    std::vector<Op> ops;
    std::vector<Watch> watches;
    Agreement agreement;

  private:
    Op& add(OpKind kind, int start, int end, std::size_t branch) {
        ops.reserve(100);
        Op& op = ops.emplace_back();
        op.id = ops.size();
        op.session = ops.size();
        op.kind = kind;
        op.path = "/k";
        op.start = Instant(start);
        op.end = Instant(end);
        op.state = OpState::done;
        op.succeeded = true;
        op.branch = branch;
        return op;
    }
};

TEST_F(Forks, ARunWithoutAForceIsOneHistory) {
    set(1, 2, 5, 0);
    EXPECT_THAT(branches_of(ops, watches, agreement), SizeIs(1));
    EXPECT_THAT(judged(), IsEmpty());
}

TEST_F(Forks, WhatTheSurvivorDidNotKeepIsTrueOnTheOldBranchOnly) {
    set(1, 2, 5, 0);
    set(3, 4, 6, 0);
    read(5, 6, "v2", 6, 0);
    failed_cas(7, 8, 5, 0);
    fork();
    read(101, 102, "v1", 5, 1);
    cas(103, 104, 5, next + 1, 1);
    EXPECT_THAT(judged(), IsEmpty());
}

TEST_F(Forks, AReadOfALostWriteOnTheNewBranchIsFound) {
    set(1, 2, 5, 0);
    set(3, 4, 6, 0);
    fork();
    read(101, 102, "v2", 6, 1);
    EXPECT_THAT(judged(), Contains(HasSubstr("read what was not there")));
}

TEST_F(Forks, AReadThatMissesAWriteThatWasKeptIsFound) {
    set(1, 2, 4, 0);
    set(3, 4, 5, 0);
    fork();
    read(101, 102, "v1", 4, 1);
    EXPECT_THAT(judged(), Contains(HasSubstr("read what was not there")));
}

TEST_F(Forks, ALostWriteThatComesBackIsFound) {
    set(3, 4, 6, 0);
    fork();
    apply("v1", next + 1);
    EXPECT_THAT(judged(), Contains(HasSubstr("refused, but applied")));
}

TEST_F(Forks, AWriteThatTheSurvivorAnswersMayHaveBeenReadOnTheOldBranch) {
    set(1, 101, 5, 1);
    read(3, 4, "v1", 5, 0);
    fork();
    EXPECT_THAT(judged(), IsEmpty());
}

// The survivor takes a deletion over in the step in which it is forced on, and its client hears
// nothing more. A compare-and-set of a file that is not there then succeeds.
TEST_F(Forks, ADeletionThatTheSurvivorTookOverExplainsTheNextWrite) {
    set(1, 2, 4, 0);
    del(3, 4, 6, 0).state = OpState::unknown;
    fork();
    cas(101, 102, 0, next + 1, 1).state = OpState::unknown;
    EXPECT_THAT(judged(), Contains(HasSubstr("a compare-and-set that should fail")));
    take_over({}, {"/k"});
    EXPECT_THAT(judged(), IsEmpty());
}

TEST_F(Forks, AnAnsweredWriteThatTheSurvivorTookOverHasAnotherRevision) {
    set(1, 2, 4, 0);
    set(3, 4, 6, 0);
    fork(5, {2});
    take_over({2}, {});
    apply("v2", next + 1);
    read(101, 102, "v2", next + 1, 1);
    EXPECT_THAT(judged(), IsEmpty());
}

TEST_F(Forks, ADeletionThatWasLostExplainsNothing) {
    set(1, 2, 4, 0);
    del(3, 4, 6, 0);
    read(5, 6, "", 0, 0);
    fork();
    cas(101, 102, 4, next + 1, 1);
    EXPECT_THAT(judged(), IsEmpty());
    cas(103, 104, 0, next + 2, 1);
    EXPECT_THAT(judged(), Contains(HasSubstr("a compare-and-set that should fail")));
}

TEST_F(Forks, AWatchThatHasSeenAllThatIsKeptGoesOn) {
    set(1, 2, 5, 0);
    fork();
    set(101, 102, next + 1, 1);
    watch(5, {5, next + 1});
    watch(6, {next + 1});
    EXPECT_THAT(judged(), IsEmpty());
}

// The survivor applies revision 5 in the step in which it is forced on. A watch that asks it for
// that revision afterwards has to be told that it is too late.
TEST_F(Forks, AWatchThatMissesWhatWasKeptIsFound) {
    set(1, 2, 4, 0);
    set(3, 4, 5, 0);
    fork();
    set(101, 102, next + 1, 1);
    watch(4, {4, next + 1});
    EXPECT_THAT(judged(), ElementsAre(HasSubstr("a watch was not told of a change")));
}

TEST_F(Forks, AWatchThatSawWhatWasLostMustNotGoOn) {
    set(1, 2, 6, 0);
    set(3, 4, 7, 0);
    fork();
    set(101, 102, next + 1, 1);
    watch(6, {6, 7});
    EXPECT_THAT(judged(), IsEmpty());
    watch(6, {6, next + 1});
    EXPECT_THAT(judged(), Contains(HasSubstr("a watch was not told of a change")));
    watches.pop_back();
    watch(7, {next + 1});
    EXPECT_THAT(judged(), ElementsAre(HasSubstr("went on over a force that kept less")));
}

TEST_F(Forks, AnAnsweredWriteThatAReachedProcessKnewMustBeKept) {
    set(1, 2, 6, 0);
    set(3, 4, 7, 0);
    fork(5, {2});
    EXPECT_THAT(judged(), ElementsAre(HasSubstr("operation 2 on /k: dropped by a force")));
}

}  // namespace
}  // namespace doozer::sim
