#include "replica/sessions.h"

#include "base/assert.h"

namespace doozer::replica {

void Sessions::open(SessionId id) {
    bool const is_new = sessions_.try_emplace(id, Session{initial_}).second;
    DOOZER_ASSERT(is_new);
}

Session* Sessions::find(SessionId id) {
    auto const found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

}  // namespace doozer::replica
