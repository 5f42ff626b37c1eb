// Which of a link's two connections a message takes, and how much may wait for each. The server
// asks here, and so does the simulator: it attacks the same transport that runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/limits.h"
#include "consensus/message.h"

namespace doozer::wire {

/// How a message goes: with all others in order, or out of their way.
enum class MemberRoute : std::uint8_t { by_size, with_frames, bulk };

/// What can be large and is in no hurry goes out of the way of everything else. Messages of
/// different connections arrive in any order.
inline MemberRoute route_of(consensus::Message const& message) {
    bool const may_be_large = std::holds_alternative<consensus::Snapshot>(message) ||
                              std::holds_alternative<consensus::Decided>(message);
    return may_be_large ? MemberRoute::by_size : MemberRoute::with_frames;
}

/// The bounds of one link, in bytes. What waits is counted behind the message that is being sent,
/// and does not include what the kernel has taken.
struct MemberLinkBounds {
    std::size_t bulk_above = base::member_bulk_bytes;  ///< larger messages are bulk, by size
    std::size_t frames_max = base::member_queue_bytes_max;
    std::size_t bulk_max = base::member_message_bytes_max;

    [[nodiscard]] bool is_bulk(MemberRoute route, std::size_t size) const {
        return route == MemberRoute::bulk || (route == MemberRoute::by_size && size > bulk_above);
    }
    /// The link is cut: the peer takes messages too slowly, and nobody waits for it.
    [[nodiscard]] bool cuts_off(std::size_t frames_waiting) const {
        return frames_waiting > frames_max;
    }
    /// A bulk message that does not fit is dropped; the protocol asks for it again.
    [[nodiscard]] bool drops_bulk(std::size_t bulk_waiting, std::size_t size) const {
        return bulk_waiting + size > bulk_max;
    }
};

}  // namespace doozer::wire
