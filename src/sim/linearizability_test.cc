#include "sim/linearizability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace doozer::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Writes down what clients did, in microseconds.
class Log {
  public:
    Op& set(int start, int end, int rev) {
        Op& op = add(OpKind::set, start, end);
        op.value = "v" + std::to_string(op.id);
        op.rev = Revision(rev);
        return op;
    }
    Op& lost_set(int start) {
        Op& op = set(start, 0, 0);
        op.state = OpState::unknown;
        op.succeeded = false;
        return op;
    }
    Op& cas(int start, int end, int expected, int rev) {
        Op& op = set(start, end, rev);
        op.kind = OpKind::compare_and_set;
        op.expected = Revision(expected);
        return op;
    }
    Op& failed_cas(int start, int end, int expected) {
        Op& op = cas(start, end, expected, 0);
        op.succeeded = false;
        return op;
    }
    Op& del(int start, int end) { return add(OpKind::del, start, end); }
    Op& read(int start, int end, std::string const& value, int rev) {
        Op& op = add(OpKind::linear_read, start, end);
        op.value = value;
        op.rev = Revision(rev);
        return op;
    }
    [[nodiscard]] Linearizability judged(std::size_t most = arrangements_max) const {
        return check_linearizability(ops_, most);
    }
    [[nodiscard]] bool good() const {
        auto const result = judged();
        EXPECT_THAT(result.undecided, IsEmpty());
        return result.wrong.empty();
    }

  private:
    Op& add(OpKind kind, int start, int end) {
        Op& op = ops_.emplace_back();
        op.id = ops_.size();
        op.kind = kind;
        op.path = "/f";
        op.start = Instant(start);
        op.end = Instant(end);
        op.state = OpState::done;
        op.succeeded = true;
        return op;
    }
    std::vector<Op> ops_;
};

TEST(Linearizability, AcceptsOneAfterTheOther) {
    Log log;
    log.read(0, 1, "", 0);
    log.set(2, 3, 5);
    log.read(4, 5, "v2", 5);
    log.cas(6, 7, 5, 6);
    log.del(8, 9);
    log.read(10, 11, "", 0);
    log.cas(12, 13, 0, 8);
    EXPECT_TRUE(log.good());
}

TEST(Linearizability, RefusesAReadOfWhatWasOverwrittenBeforeItBegan) {
    Log log;
    log.set(0, 1, 1);
    log.set(2, 3, 2);
    log.read(4, 5, "v1", 1);
    EXPECT_THAT(log.judged().wrong,
                ElementsAre(HasSubstr("/f, 3 operations: not linearizable, at operation 3")));
}

TEST(Linearizability, AcceptsEitherValueWhileAWriteGoesOn) {
    Log log;
    log.set(0, 1, 1);
    log.set(2, 9, 2);
    log.read(3, 4, "v1", 1);
    log.read(5, 6, "v2", 2);
    EXPECT_TRUE(log.good());
}

TEST(Linearizability, RefusesAReadThatGoesBackWhileAWriteGoesOn) {
    Log log;
    log.set(0, 1, 1);
    log.set(2, 9, 2);
    log.read(3, 4, "v2", 2);
    log.read(5, 6, "v1", 1);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, RefusesAReadOfAMissingFileAfterAnAnsweredWrite) {
    Log log;
    log.set(0, 1, 1);
    log.read(2, 3, "", 0);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, AcceptsAWriteOfUnknownOutcomeThatIsSeenMuchLater) {
    Log log;
    log.lost_set(0);
    log.set(1, 2, 1);
    log.read(3, 4, "v2", 1);
    log.read(5, 6, "v1", 4);
    EXPECT_TRUE(log.good());
}

TEST(Linearizability, AcceptsAWriteOfUnknownOutcomeThatNeverHappened) {
    Log log;
    log.lost_set(0);
    log.set(1, 2, 1);
    log.read(3, 4, "v2", 1);
    EXPECT_TRUE(log.good());
}

TEST(Linearizability, RefusesAWriteOfUnknownOutcomeThatHappenedTwice) {
    Log log;
    log.lost_set(0);
    log.read(1, 2, "v1", 1);
    log.set(3, 4, 2);
    log.read(5, 6, "v1", 3);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, RefusesAWriteOfUnknownOutcomeThatIsSeenBeforeItBegan) {
    Log log;
    log.read(0, 1, "v2", 1);
    log.lost_set(2);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, RefusesTwoCompareAndSetsWithOneExpectation) {
    Log log;
    log.set(0, 1, 1);
    log.cas(2, 9, 1, 2);
    log.cas(3, 8, 1, 3);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, AcceptsAFailedCompareAndSetOnlyIfSomethingCameBetween) {
    Log with;
    with.set(0, 1, 1);
    with.set(2, 6, 2);
    with.failed_cas(3, 4, 1);
    EXPECT_TRUE(with.good());
    Log without;
    without.set(0, 1, 1);
    without.failed_cas(3, 4, 1);
    EXPECT_FALSE(without.good());
}

TEST(Linearizability, ExplainsAFailedCompareAndSetByAWriteOfUnknownOutcome) {
    Log log;
    log.set(0, 1, 1);
    log.lost_set(2);
    log.failed_cas(3, 4, 1);
    log.read(5, 6, "v2", 2);
    EXPECT_TRUE(log.good());
}

TEST(Linearizability, RefusesRevisionsAgainstTheOrderOfTime) {
    Log log;
    log.set(0, 1, 7);
    log.set(2, 3, 6);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, RefusesAReadWithAnotherRevisionThanItsWrite) {
    Log log;
    log.set(0, 1, 7);
    log.read(2, 3, "v1", 8);
    EXPECT_FALSE(log.good());
}

TEST(Linearizability, ForgetsARefusedWriteAndAStaleRead) {
    Log log;
    log.set(0, 1, 1);
    log.set(2, 3, 2).state = OpState::refused;
    log.read(4, 5, "v1", 1);
    log.read(6, 7, "", 0).kind = OpKind::local_read;
    EXPECT_TRUE(log.good());
}

TEST(Linearizability, SaysSoWhenItGivesUp) {
    Log log;
    for (int i = 0; i < 16; ++i) log.lost_set(0);
    log.set(1, 2, 5);
    log.read(3, 4, "", 0);
    auto const result = log.judged(1000);
    EXPECT_THAT(result.wrong, IsEmpty());
    EXPECT_THAT(result.undecided, ElementsAre(HasSubstr("undecided")));
}

/// A register that does one thing at a time, at a moment chosen within each operation's span.
RC_GTEST_PROP(Linearizability, AcceptsWhateverARealFileDoesAndRefusesItWithOneReadFalsified, ()) {
    struct Planned {
        int start, moment, end, kind;
    };
    std::vector<Planned> plan;
    int const count = *rc::gen::inRange(2, 25);
    for (int i = 0; i < count; ++i) {
        int const start = *rc::gen::inRange(0, 200);
        int const moment = start + *rc::gen::inRange(0, 30);
        plan.push_back({start, moment, moment + *rc::gen::inRange(0, 30), *rc::gen::inRange(0, 5)});
    }
    std::sort(plan.begin(), plan.end(),
              [](auto const& a, auto const& b) { return a.moment < b.moment; });
    Log log;
    std::string value;
    int rev = 0;
    int revision = 0;
    for (auto const& p : plan) {
        if (p.kind == 0) {
            rev = ++revision;
            value = log.set(p.start, p.end, rev).value;
        } else if (p.kind == 1) {
            bool const happens = *rc::gen::arbitrary<bool>();
            std::string const lost = log.lost_set(p.start).value;
            if (happens) rev = ++revision, value = lost;
        } else if (p.kind == 2) {
            int const expected = *rc::gen::inRange(0, revision + 2);
            ++revision;
            if (expected < rev) {
                log.failed_cas(p.start, p.end, expected);
            } else {
                rev = revision;
                value = log.cas(p.start, p.end, expected, rev).value;
            }
        } else if (p.kind == 3) {
            ++revision;
            log.del(p.start, p.end);
            rev = 0;
            value.clear();
        } else {
            log.read(p.start, p.end, value, rev);
        }
    }
    RC_ASSERT(log.good());
    log.read(1000, 1001, "what nobody wrote", revision + 1);
    RC_ASSERT(!log.good());
}

}  // namespace
}  // namespace doozer::sim
