// The text of the last events, made once for all streams that are told of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "store/event.h"

namespace doozer::web {

using namespace base;

class EventCache {
  public:
    /// make(event) makes the text, if it is not here. Valid until the next call. REQUIRES: the
    /// value has at most web_cached_event_bytes_max.
    template <typename Make>
    std::string const& text(store::Event const& event, Make make) {
        if (slots_.empty()) slots_.resize(web_cached_events);
        Slot& slot = slots_[static_cast<std::size_t>(event.rev.value()) % web_cached_events];
        // A copy of the store may be replaced by another in which a revision is another change.
        bool const is_same = slot.rev == event.rev && slot.kind == event.kind &&
                             slot.path == event.path && slot.value == event.value;
        if (is_same) return slot.text;
        slot = {event.rev, event.kind, std::string(event.path), event.value, make(event)};
        return slot.text;
    }

  private:
    struct Slot {
        Revision rev;
        store::EventKind kind = store::EventKind::nop;
        std::string path;
        Bytes value;
        std::string text;
    };
    std::vector<Slot> slots_;
};

}  // namespace doozer::web
