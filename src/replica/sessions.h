// The connected clients, as far as the replica knows them: their rights.
#pragma once

#include <unordered_map>

#include "base/ids.h"
#include "replica/access.h"

namespace doozer::replica {

using namespace base;

struct Session {
    Grants grants;
};

class Sessions {
  public:
    explicit Sessions(Grants initial) : initial_(initial) {}

    /// The rights without a secret of sessions that open from now on.
    void grant_initially(Grants initial) { initial_ = initial; }
    /// REQUIRES: the id was never used before.
    void open(SessionId id);
    void close(SessionId id) { sessions_.erase(id); }
    /// Null if it is closed.
    [[nodiscard]] Session* find(SessionId id);
    /// Nothing if it is closed.
    [[nodiscard]] Grants grants(SessionId id) const {
        auto const found = sessions_.find(id);
        return found == sessions_.end() ? Grants{} : found->second.grants;
    }

  private:
    Grants initial_;
    std::unordered_map<SessionId, Session> sessions_;
};

}  // namespace doozer::replica
