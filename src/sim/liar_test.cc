// A follower that lies in any field of any message stops nobody and changes nothing: it has no
// vote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/cluster.h"

namespace doozer::sim {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

class AnsweredWrites : public Watcher {
  public:
    void on_reply(Address, replica::Reply const& reply) override {
        if (!reply.error) ++answered;
    }
    void on_lost(Address, SessionId) override {}
    std::size_t answered = 0;
};

class LyingFollower : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LyingFollower, StopsNobodyAndChangesNothing) {
    constexpr Address liar = 3;
    Schedule schedule;
    Prng prng(GetParam());
    ClusterOptions options;
    options.spares = 1;
    options.tuning.log_bytes = 2000;  // snapshots are among what it hears
    options.tuning.decided_bytes = 500;
    Cluster cluster(schedule, prng, options);
    AnsweredWrites writes;
    cluster.watch(&writes);
    auto const pass = [&](Duration time) {
        Instant const until = schedule.now() + time;
        while (schedule.run_one(until)) continue;
    };
    pass(seconds(1));
    cluster.start(liar);
    pass(seconds(1));
    MemberIds const voters = cluster.agreement().newest().voters;
    cluster.lie(liar);

    constexpr int rounds = 200;
    for (int n = 0; n < rounds; ++n) {
        Address const a = prng.below(3);
        SessionId const session = cluster.open(a);
        Request r;
        r.verb = Verb::set;
        r.tag = Tag(1);
        r.path = "/k";
        r.value = "x";
        r.rev = clobber;
        cluster.request(a, session, r);
        pass(milliseconds(50));
        cluster.close(a, session);
        if (n % 50 != 25) continue;
        Address const silent = prng.below(3);  // the others seal the epoch
        cluster.pause(silent);
        pass(milliseconds(600));
        cluster.resume(silent);
        pass(milliseconds(300));
    }

    EXPECT_EQ(cluster.violations(), std::vector<std::string>{});
    EXPECT_EQ(cluster.agreement().newest().voters, voters);
    EXPECT_THAT(cluster.counts(), Not(Contains(Key(AnyOf("diverged", "left_behind", "removed")))));
    EXPECT_EQ(writes.answered, static_cast<std::size_t>(rounds));
    EXPECT_GT(cluster.lies(), 100U);
    for (Address a = 0; a < 3; ++a) {
        EXPECT_TRUE(cluster.core(a).voter());
        EXPECT_EQ(cluster.core(a).applied(), cluster.core(0).applied());
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LyingFollower, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace doozer::sim
