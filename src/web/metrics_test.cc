#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "web/metrics_page.h"

namespace doozer::web {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string page_of(Metrics const& metrics) {
    return metrics_text(metrics, {}, {}, store::Store({}));
}

TEST(Metrics, EveryVerbAndResultHasAPlaceOfItsOwn) {
    for (std::size_t i = 0; i < metric_verbs.size(); ++i) EXPECT_EQ(verb_slot(metric_verbs[i]), i);
    EXPECT_EQ(verb_slot(Verb{0}), metric_verbs.size());
    for (std::size_t i = 0; i < metric_results.size(); ++i) {
        EXPECT_EQ(result_slot(Error{metric_results[i]}), i + 1);
    }
    EXPECT_EQ(result_slot(std::nullopt), 0U);
}

TEST(Metrics, RequestsAreCountedByVerbAndResult) {
    Metrics metrics;
    metrics.answered(Verb::set, std::nullopt, microseconds(10));
    metrics.answered(Verb::set, Error{Errc::rev_mismatch}, microseconds(10));
    std::string const page = page_of(metrics);
    EXPECT_THAT(page, HasSubstr("doozer_requests_total{verb=\"SET\",result=\"ok\"} 1\n"));
    EXPECT_THAT(page, HasSubstr("doozer_requests_total{verb=\"SET\",result=\"REV_MISMATCH\"} 1\n"));
    EXPECT_THAT(page, HasSubstr("doozer_requests_total{verb=\"GET\",result=\"ok\"} 0\n"));
    EXPECT_THAT(page, Not(HasSubstr("verb=\"GET\",result=\"ISDIR\"")));
}

TEST(Metrics, BucketsHoldWhatIsNotLargerThanTheirBound) {
    Metrics metrics;
    for (std::uint64_t const changes : {1U, 2U, 3U, 4U, 2'000'000U})
        metrics.batch_changes.add(changes);
    std::string const page = page_of(metrics);
    EXPECT_THAT(page, HasSubstr("doozer_batch_changes_bucket{le=\"0\"} 0\n"));
    EXPECT_THAT(page, HasSubstr("doozer_batch_changes_bucket{le=\"1\"} 1\n"));
    EXPECT_THAT(page, HasSubstr("doozer_batch_changes_bucket{le=\"3\"} 3\n"));
    EXPECT_THAT(page, HasSubstr("doozer_batch_changes_bucket{le=\"7\"} 4\n"));
    EXPECT_THAT(page, HasSubstr("doozer_batch_changes_bucket{le=\"+Inf\"} 5\n"));
    EXPECT_THAT(page, HasSubstr("doozer_batch_changes_sum 2000010\n"));
}

TEST(Metrics, TheClusterIsToldWithWhatIsKnownOfEachMember) {
    Metrics metrics;
    metrics.seals = 3;
    metrics.suspicions = 4;
    Gauges gauges;
    gauges.cluster = {
        7, true, true, 3, 1, 2, {{"AAAA", true, 5, microseconds(250)}, {"BBBB", false, {}, {}}}};
    std::string const page = metrics_text(metrics, gauges, {}, store::Store({}));
    for (char const* const line :
         {"doozer_quorum 1\n", "doozer_is_member 1\n", "doozer_members 3\n", "doozer_followers 1\n",
          "doozer_free_slots 2\n", "doozer_epoch 7\n", "doozer_member_up{id=\"AAAA\"} 1\n",
          "doozer_member_up{id=\"BBBB\"} 0\n", "doozer_member_lag{id=\"AAAA\"} 5\n",
          "doozer_member_round_trip_seconds{id=\"AAAA\"} 0.00025\n", "doozer_seals_total 3\n",
          "doozer_suspicions_total 4\n", "doozer_commit_seconds_count 0\n"}) {
        EXPECT_THAT(page, HasSubstr(line));
    }
    EXPECT_THAT(page, Not(HasSubstr("doozer_member_lag{id=\"BBBB\"}")));
}

TEST(Metrics, TimesAreInSeconds) {
    Metrics metrics;
    metrics.answered(Verb::get, std::nullopt, seconds(1));
    metrics.answered(Verb::get, std::nullopt, Duration(-5));  // a clock that was read too early
    std::string const page = page_of(metrics);
    EXPECT_THAT(page, HasSubstr("doozer_request_duration_seconds_count{verb=\"GET\"} 2\n"));
    EXPECT_THAT(page, HasSubstr("doozer_request_duration_seconds_sum{verb=\"GET\"} 0.99999"));
}

}  // namespace
}  // namespace doozer::web
