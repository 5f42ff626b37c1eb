// Which connections of clients go first when descriptors or memory run short: those that have not
// made a request yet, then those that have no rights, and in each rank the one that was silent for
// the longest. A client may be silent for as long as it likes otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>

#include "base/ids.h"

namespace doozer::server {

class ClientRanks {
  public:
    enum class Rank : unsigned char {
        newcomer,  ///< has not made a whole request
        stranger,  ///< has, and may neither read nor write
        entitled
    };
    using Ids = std::list<base::SessionId>;

    /// Where a session is; it is the session's to keep.
    struct Place {
        Rank rank = Rank::entitled;
        Ids::iterator at = {};  // not of those that are entitled, which are in no order
    };

    Place admit(base::SessionId id) {
        newcomers_.push_back(id);
        return {Rank::newcomer, std::prev(newcomers_.end())};
    }
    /// Something came from the session.
    void heard(Place& place) {
        if (place.rank == Rank::entitled) return;
        Ids& ids = of(place.rank);
        ids.splice(ids.end(), ids, place.at);
    }
    void move(Place& place, Rank rank) {
        if (rank == place.rank) return;
        base::SessionId const id = *place.at;
        leave(place);
        place.rank = rank;
        if (rank == Rank::entitled) return;
        of(rank).push_back(id);
        place.at = std::prev(of(rank).end());
    }
    void leave(Place& place) {
        if (place.rank != Rank::entitled) of(place.rank).erase(place.at);
        place = {};
    }

    /// The one that was silent for the longest comes first.
    [[nodiscard]] Ids const& newcomers() const { return newcomers_; }
    [[nodiscard]] Ids const& strangers() const { return strangers_; }

  private:
    Ids& of(Rank rank) { return rank == Rank::newcomer ? newcomers_ : strangers_; }

    Ids newcomers_;
    Ids strangers_;
};

/// How the descriptors that a process may have are shared out.
struct DescriptorShares {
    std::size_t clients;   ///< connections that are accepted on the port of clients and members
    std::size_t arriving;  ///< that many more, until it is known who they are: perhaps a member
    std::size_t web;       ///< connections of the web view
};

/// What is left is for links to members, files and lookups.
constexpr DescriptorShares share_descriptors(std::uint64_t files) {
    constexpr std::uint64_t own_max = 256;
    std::uint64_t const own = files / 4 < own_max ? files / 4 : own_max;
    std::uint64_t const arriving = own / 4;
    std::uint64_t const web = files / 4;
    return {static_cast<std::size_t>(files - own - web), static_cast<std::size_t>(arriving),
            static_cast<std::size_t>(web)};
}

}  // namespace doozer::server
