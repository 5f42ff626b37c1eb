// The parts of doozerp that need no cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "journal/doozerp_options.h"
#include "journal/metrics.h"
#include "journal/testing.h"

namespace doozer::journal {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

base::Result<DoozerpOptions> parse(std::vector<std::string_view> const& words) {
    return parse_doozerp_options(words);
}

TEST(DoozerpOptions, AreTheOriginalsByDefault) {
    unsetenv("DOOZER_URI");
    auto const options = parse({});
    ASSERT_TRUE(options.ok());
    EXPECT_EQ(options.value().uri, "doozer:?ca=127.0.0.1:8046");
    EXPECT_EQ(options.value().journal, "journal");
    EXPECT_FALSE(options.value().restore);
    EXPECT_FALSE(options.value().repair);
    EXPECT_FALSE(options.value().print);
    EXPECT_EQ(options.value().instance, 0);
}

TEST(DoozerpOptions, AreReadByGosRules) {
    auto const options =
        parse({"-a", "doozer:?ca=x", "--j=other", "-r", "-f=true", "-v", "-i", "3"});
    ASSERT_TRUE(options.ok());
    EXPECT_EQ(options.value().uri, "doozer:?ca=x");
    EXPECT_EQ(options.value().journal, "other");
    EXPECT_TRUE(options.value().restore);
    EXPECT_TRUE(options.value().repair);
    EXPECT_TRUE(options.value().print);
    EXPECT_EQ(options.value().instance, 3);
}

TEST(DoozerpOptions, AreTakenFromTheEnvironmentUnlessTheyAreGiven) {
    setenv("DOOZER_URI", "doozer:?ca=environment", 1);
    EXPECT_EQ(parse({}).value().uri, "doozer:?ca=environment");
    EXPECT_EQ(parse({"-a", "doozer:?ca=given"}).value().uri, "doozer:?ca=given");
    setenv("DOOZER_TLSCA", "ours.pem", 1);
    EXPECT_EQ(parse({}).value().tls_authority_file, "ours.pem");
    EXPECT_EQ(parse({"-tlsca", "theirs.pem"}).value().tls_authority_file, "theirs.pem");
    unsetenv("DOOZER_TLSCA");
    unsetenv("DOOZER_URI");
}

TEST(DoozerpOptions, TakeNumbersInTheFormsOfGoAndSizesAndIgnoreWords) {
    auto const options = parse({"-i", "0x10", "-slack", "2M", "word", "-nosuch"});
    ASSERT_TRUE(options.ok());
    EXPECT_EQ(options.value().instance, 16);
    EXPECT_EQ(options.value().slack, 2 << 20);
    EXPECT_EQ(options.value().ignored, "word");
}

TEST(DoozerpOptions, AreRefusedInOneLine) {
    for (auto const& words : std::vector<std::vector<std::string_view>>{{"-x"},
                                                                        {"-i", "-1"},
                                                                        {"-i", "0"},
                                                                        {"-i", "x"},
                                                                        {"-slack", "-1"},
                                                                        {"-force"},
                                                                        {"-j", ""}}) {
        auto const refused = parse(words);
        ASSERT_FALSE(refused.ok()) << words[0];
        EXPECT_EQ(refused.error().detail.find('\n'), std::string::npos);
    }
}

/// The steady clock in the form that the metrics keep.
std::int64_t number(steady_clock::time_point time) {
    return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

TEST(Metrics, KnowNoLagWhileTheJournalHasAllThatTheClusterHas) {
    Metrics metrics;
    auto const now = steady_clock::now();
    metrics.revision_cluster = 7;
    metrics.revision_done = 7;
    metrics.nanoseconds_heard = number(now);
    metrics.note_lag(now);
    EXPECT_EQ(metrics.lag_seconds(now + seconds(1)), 0);
}

TEST(Metrics, KnowHowLongTheJournalHasBeenBehind) {
    Metrics metrics;
    auto const now = steady_clock::now();
    metrics.revision_done = 7;
    metrics.revision_cluster = 7;
    metrics.note_lag(now);
    metrics.revision_cluster = 9;
    metrics.nanoseconds_heard = number(now + seconds(2));
    metrics.note_lag(now + seconds(2));
    EXPECT_DOUBLE_EQ(metrics.lag_seconds(now + seconds(2)), 2);
    EXPECT_THAT(metrics.text(), HasSubstr("\ndoozerp_lag_revisions 2\n"));
}

TEST(Metrics, TakeSilenceForLag) {
    Metrics metrics;
    auto const now = steady_clock::now();
    metrics.nanoseconds_heard = number(now);
    metrics.note_lag(now);
    EXPECT_DOUBLE_EQ(metrics.lag_seconds(now + seconds(100)), 100);
}

TEST(Metrics, AreWrittenInOnePieceForEverybodyToRead) {
    Folder const folder;
    Metrics metrics;
    metrics.instance = 3;
    metrics.records = 12345678901;
    ASSERT_TRUE(write_metrics(folder.file("metrics"), metrics).ok());
    std::string const text = read_file(folder.file("metrics"));
    EXPECT_THAT(text, HasSubstr("doozerp_info{instance=\"3\",version="));
    EXPECT_THAT(text, HasSubstr("# TYPE doozerp_records_total counter\n"
                                "doozerp_records_total 12345678901\n"));
    EXPECT_FALSE(std::filesystem::exists(folder.file("metrics.new")));
    auto const refused = write_metrics(folder.file("no/metrics"), metrics);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().detail, HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace doozer::journal
