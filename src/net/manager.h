// Telling systemd that a service is ready. Source: sd_notify(3), Notes.
#pragma once

#include <string_view>

namespace doozer::net {

/// Sends the lines to the manager, if there is one that listens: NOTIFY_SOCKET names its socket.
/// "READY=1" says that the start is over, "STATUS=..." what a person sees.
void notify_manager(std::string_view lines);

}  // namespace doozer::net
