// From an address as it is written to endpoints one can connect to, without waiting.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/asio.h"

namespace doozer::net {

/// What an address is, for those who connect.
struct Resolved {
    std::vector<tcp::endpoint> endpoints = {};  ///< IPv4 first
    std::string failure = {};                   ///< why there are none
};

/// Waits for the system's resolver, which may take half a minute.
Resolved look_up(Address const& address);

/// Every name is looked up by a thread of its own that nobody waits for: the system's resolver
/// cannot be interrupted and may take half a minute, in which another name, or the end of the
/// process, would wait for it.
class Resolver {
  public:
    using Done = std::function<void(Resolved)>;

    explicit Resolver(asio::io_context& loop);
    /// What is not done yet never will be.
    ~Resolver();
    Resolver(Resolver const&) = delete;
    Resolver& operator=(Resolver const&) = delete;

    /// Calls `done` once, later, from within the loop.
    void resolve(Address const& address, Done done);

    /// How many names are looked up at once; one more fails.
    static constexpr std::size_t lookups_max = 32;

  private:
    struct Mailbox;
    std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace doozer::net
