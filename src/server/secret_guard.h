// How long the answer to a wrong secret waits, so that secrets cannot be guessed at the speed of
// the machine. A right secret is answered at once, whatever else its address has sent: others
// behind the same address must not be able to lock anybody out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace doozer::server {

class SecretGuard {
  public:
    /// The first wrong secret of a connection and of an address waits this long, each further one
    /// twice as long as the one before it, up to the longest.
    static constexpr base::Duration shortest = base::milliseconds(20);
    static constexpr base::Duration longest = base::milliseconds(250);
    /// An address may send so many, of whatever connections, before they count against it.
    static constexpr std::uint32_t free_per_address = 32;
    /// What an address did is forgotten after this time without another one.
    static constexpr base::Duration memory = base::seconds(60);
    /// So many addresses are remembered; the one that was quiet for the longest makes room.
    static constexpr std::size_t addresses_max = 1024;

    /// A wrong secret came. `before` is how many came over the same connection before it.
    base::Duration delay(std::string const& address, std::uint32_t before, base::Instant now);

    [[nodiscard]] std::size_t addresses() const { return of_.size(); }

  private:
    struct Address {
        std::string text;
        std::uint32_t wrong = 0;
        base::Instant last;
    };
    std::list<Address> addresses_;  // the one that was quiet for the longest first
    std::unordered_map<std::string, std::list<Address>::iterator> of_;
};

}  // namespace doozer::server
