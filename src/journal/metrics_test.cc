#include "journal/metrics.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "journal/testing.h"

namespace doozer::journal {
namespace {

TEST(MetricsFile, DoesNotWriteThroughALink) {
    Folder const folder;
    std::string const precious = folder.file("precious");
    write_file(precious, "precious");
    chmod(precious.c_str(), 0600);
    std::string const name = folder.file("m.prom");
    for (std::string const& link : {name + ".new", name}) {
        ASSERT_EQ(symlink(precious.c_str(), link.c_str()), 0);
        Metrics const metrics;
        ASSERT_TRUE(write_metrics(name, metrics).ok());
        EXPECT_EQ(read_file(precious), "precious");
        EXPECT_EQ(std::filesystem::status(precious).permissions(),
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(name)));
        EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(name + ".new")));
        std::filesystem::remove(name);
    }
}

}  // namespace
}  // namespace doozer::journal
