#include "net/manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace doozer::net {

void notify_manager(std::string_view lines) {
    char const* const named = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    if (named == nullptr) return;
    std::string_view const name = named;
    sockaddr_un address{};
    if (name.empty() || name.size() >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    // A name in the abstract namespace begins with a zero byte, which is written as "@".
    if (name.front() == '@') address.sun_path[0] = 0;
    int const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL,
           reinterpret_cast<sockaddr const*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
    close(fd);
}

}  // namespace doozer::net
