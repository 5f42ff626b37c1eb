// What needs no server, word for word as the original says it: usage, help, refused options and
// numbers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/usage.h"
#include "doozer/version.h"

namespace doozer::cli {
namespace {

/// How a command ended, all of it.
struct Ending {
    std::string out = {};
    std::string err = {};
    int status = 0;
    bool operator==(Ending const&) const = default;
};

std::ostream& operator<<(std::ostream& stream, Ending const& ending) {
    return stream << "exit " << ending.status << "\n--- stdout\n"
                  << ending.out << "--- stderr\n"
                  << ending.err;
}

Ending run_words(std::vector<std::string> const& words) {
    std::vector<std::string_view> const views(words.begin(), words.end());
    char* printed = nullptr;
    std::size_t size = 0;
    std::FILE* const out = open_memstream(&printed, &size);
    std::FILE* const in = std::fopen("/dev/null", "r");
    auto const outcome = run(views, GlobalOptions{}, in, out);
    std::fclose(in);
    std::fclose(out);
    std::string text(printed, size);
    std::free(printed);  // NOLINT(*-no-malloc): open_memstream's
    return {std::move(text), outcome.message, outcome.status};
}

/// One "$ doozer ..." of the transcript, and what follows it.
struct Example {
    std::string line;
    Ending expected;

    /// What stands behind "doozer": '' is an empty word, nothing else is quoted.
    [[nodiscard]] std::vector<std::string> words() const {
        std::istringstream rest(line.substr(line.find("doozer") + std::string("doozer").size()));
        std::vector<std::string> words;
        for (std::string word; rest >> word;) words.push_back(word == "''" ? "" : word);
        return words;
    }
};

std::vector<Example> transcript() {
    std::ifstream file(DOOZER_TRANSCRIPT);
    std::vector<Example> examples;
    auto const behind = [](std::string const& line, std::string const& start) {
        return line.substr(start.size());
    };
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("$ ")) examples.push_back({line, {}});
        if (examples.empty()) continue;
        Ending& expected = examples.back().expected;
        if (line.starts_with("  stdout: ")) expected.out += behind(line, "  stdout: ") + "\n";
        if (line.starts_with("  stderr: ")) expected.err += behind(line, "  stderr: ") + "\n";
        if (line.starts_with("  exit: ")) expected.status = std::stoi(behind(line, "  exit: "));
    }
    return examples;
}

TEST(Transcript, IsSaidWordForWord) {
    auto const examples = transcript();
    ASSERT_GT(examples.size(), 30U);
    for (Example const& example : examples)
        EXPECT_EQ(run_words(example.words()), example.expected) << example.line;
}

TEST(Help, TellsTheUsageOfEveryCommandInBothWays) {
    for (Command const* command : commands()) {
        std::string const name(command->name);
        Ending const expected{usage_of(*command), "", exit_success};
        EXPECT_EQ(run_words({"help", name}), expected);
        EXPECT_EQ(run_words({"-h=false", name, "-r", "1", "-h", "x", "y", "z"}), expected);
        EXPECT_EQ(run_words({name, "--help"}), expected);
    }
}

// doozer(1): 127 = unknown command. (The original makes up a usage for it.)
TEST(Help, OfWhatIsNoCommandIsAnError) {
    EXPECT_EQ(run_words({"help", "nosuch"}),
              (Ending{"", "Unknown command: nosuch\n" + overview(), exit_usage}));
}

TEST(Version, IsToldBeforeAndBehindACommand) {
    Ending const expected{"doozer " DOOZER_VERSION "\n", "", exit_success};
    EXPECT_EQ(run_words({"-v"}), expected);
    EXPECT_EQ(run_words({"-v", "nosuch"}), expected);
    EXPECT_EQ(run_words({"get", "-v"}), expected);
}

TEST(Arguments, BeginBehindTwoDashes) {
    EXPECT_EQ(run_words({"--", "help", "--", "get"}).out, usage_of(cmd_get));
    EXPECT_EQ(run_words({"del", "--", "-1"}).err, "del: wrong number of arguments\n");
}

// doozer(1): a negative number such as -1 is an argument, not an option.
TEST(Arguments, MayBeNegativeNumbers) {
    EXPECT_EQ(run_words({"-a", "none", "set", "/a", "-1"}).err, "Error: invalid uri\n");
    EXPECT_EQ(run_words({"-a", "none", "del", "/a", "-1"}).err, "Error: invalid uri\n");
    EXPECT_EQ(run_words({"-a", "none", "del", "--", "/a", "-1"}).err, "Error: invalid uri\n");
}

TEST(Uri, ThatIsEmptyIsNone) {
    EXPECT_EQ(run_words({"-a", "", "rev"}), (Ending{"", "Error: invalid uri\n", exit_failure}));
    EXPECT_EQ(run_words({"rev", "-a="}), (Ending{"", "Error: invalid uri\n", exit_failure}));
}

}  // namespace
}  // namespace doozer::cli
