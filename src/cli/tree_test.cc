#include "cli/tree.h"

#include <gtest/gtest.h>

#include <vector>

namespace doozer::cli {
namespace {

std::string tree_of(std::string_view root, std::vector<std::string> const& paths) {
    std::vector<Event> files;
    files.reserve(paths.size());
    for (std::string const& path : paths)
        files.push_back({Revision(1), Event::Kind::set, path, "body"});
    return tree(root, files);
}

TEST(Tree, NamesEachDirectoryOnceBeforeWhatIsInIt) {
    EXPECT_EQ(tree_of("/d", {"/d/x", "/d/y"}), "/d\n/d/x\n/d/y\n");
    EXPECT_EQ(tree_of("/", {"/a", "/ctl/ns/local/ID", "/ctl/ns/z", "/d/x"}),
              "/\n/a\n/ctl\n/ctl/ns\n/ctl/ns/local\n/ctl/ns/local/ID\n/ctl/ns/z\n/d\n/d/x\n");
}

TEST(Tree, TellsDirectoriesWithTheSameBeginningApart) {
    EXPECT_EQ(tree_of("/o", {"/o/B", "/o/a/A/q", "/o/a/z", "/o/a-/1", "/o/a.", "/o/ab/c/d"}),
              "/o\n/o/B\n/o/a\n/o/a/A\n/o/a/A/q\n/o/a/z\n/o/a-\n/o/a-/1\n/o/a.\n"
              "/o/ab\n/o/ab/c\n/o/ab/c/d\n");
}

TEST(Tree, OfAnEmptyStoreIsItsRoot) {
    EXPECT_EQ(tree_of("/", {}), "/\n");
}

}  // namespace
}  // namespace doozer::cli
