#include "net/manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace doozer::net {
namespace {

TEST(Manager, IsToldThroughItsSocket) {
    std::string const name = testing::TempDir() + "doozer-manager-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    int const manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    ASSERT_EQ(bind(manager, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    notify_manager("READY=1\nSTATUS=x");
    unsetenv("NOTIFY_SOCKET");
    notify_manager("nobody listens");
    std::array<char, 100> buffer{};
    auto const size = recv(manager, buffer.data(), buffer.size(), MSG_DONTWAIT);
    EXPECT_EQ(std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))),
              "READY=1\nSTATUS=x");
    EXPECT_LT(recv(manager, buffer.data(), buffer.size(), MSG_DONTWAIT), 0);
    close(manager);
    std::filesystem::remove(name);
}

}  // namespace
}  // namespace doozer::net
