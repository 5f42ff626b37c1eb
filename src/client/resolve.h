// From an address as it is written to endpoints one can connect to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/asio.h"
#include "net/resolver.h"

namespace doozer::client {

using Context = std::shared_ptr<net::asio::io_context>;

using net::Resolved;

/// Calls `done` once, later, from within io->run(). A name is looked up by a thread of its own that
/// is not waited for: the system's resolver cannot be interrupted and may take half a minute, in
/// which Asio's would keep the io_context from being destroyed.
void resolve(Context const& io, net::Address const& address, std::function<void(Resolved)> done);

}  // namespace doozer::client
