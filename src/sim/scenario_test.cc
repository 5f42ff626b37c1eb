#include "sim/scenario.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace doozer::sim {
namespace {

std::string text_of(std::filesystem::path const& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(Scenario, EveryStoryEndsWell) {
    std::size_t stories = 0;
    for (auto const& entry : std::filesystem::directory_iterator(DOOZER_SCENARIOS)) {
        ++stories;
        EXPECT_EQ(run_scenario(text_of(entry.path()), false), "")
            << entry.path().filename() << "\n  repeat: doozer-sim --trace --scenario "
            << entry.path().string();
    }
    EXPECT_GE(stories, 20U);
}

TEST(Scenario, SaysWhichLineIsNotFulfilled) {
    EXPECT_EQ(run_scenario("members a b c\nset a k=1\nexpect k=2 on b within 1s\n", false),
              "line 3 (expect k=2 on b within 1s): b has \"1\"");
    EXPECT_EQ(run_scenario("members a\ndance a\n", false), "line 2 (dance a): what?");
}

}  // namespace
}  // namespace doozer::sim
