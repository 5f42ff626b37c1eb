// What sockets are told that the portable names do not cover. Linux.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/time.h"

namespace doozer::net {

/// For a connection whose small messages must not wait behind what the kernel holds: it takes no
/// more than `unsent_bytes` that are not on their way, and gives the connection up when nothing is
/// acknowledged for `unheard`. Best effort.
inline void set_prompt(int socket, int unsent_bytes, base::Duration unheard) {
    auto const milliseconds = static_cast<unsigned int>(unheard.value() / 1'000'000);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

}  // namespace doozer::net
