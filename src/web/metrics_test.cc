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
