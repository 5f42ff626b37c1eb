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
enum class MemberRoute : std::uint8_t { by_size, with_frames, bulk, answer };

/// What can be large and needs no order goes out of the way of everything else. Messages of
/// different connections arrive in any order. An answer goes by size, too, and is the peer's wish:
/// a peer that wishes for more than it takes gets no more.
inline MemberRoute route_of(consensus::Message const& message) {
    using namespace consensus;
    if (std::holds_alternative<Snapshot>(message) || std::holds_alternative<Decided>(message)) {
        return MemberRoute::answer;
    }
    bool const seals = std::holds_alternative<Promise>(message) ||
                       std::holds_alternative<Accept>(message) ||
                       std::holds_alternative<Sealed>(message);
    return seals ? MemberRoute::by_size : MemberRoute::with_frames;
}

/// The bounds of one link, in bytes. What waits is counted behind the message that is being sent,
/// and does not include what the kernel has taken.
struct MemberLinkBounds {
    std::size_t bulk_above = base::member_bulk_bytes;  ///< larger messages are bulk, by size
    std::size_t frames_max = base::member_queue_bytes(base::value_bytes_default);
    std::size_t bulk_max = base::member_bulk_queue_bytes(base::value_bytes_default);
    std::size_t answers_max = base::member_answers_bytes(base::value_bytes_default);
    /// What all links of a process together may hold of messages that are not here as a whole.
    std::size_t unfinished_max = base::member_message_bytes(base::value_bytes_default);

    /// For a process with this -maxvalue.
    static MemberLinkBounds for_values(std::size_t value_bytes_max) {
        MemberLinkBounds bounds;
        bounds.frames_max = base::member_queue_bytes(value_bytes_max);
        bounds.bulk_max = base::member_bulk_queue_bytes(value_bytes_max);
        bounds.answers_max = base::member_answers_bytes(value_bytes_max);
        bounds.unfinished_max = base::member_message_bytes(value_bytes_max);
        return bounds;
    }

    [[nodiscard]] bool is_bulk(MemberRoute route, std::size_t size) const {
        bool const by_size = route == MemberRoute::by_size || route == MemberRoute::answer;
        return route == MemberRoute::bulk || (by_size && size > bulk_above);
    }
    /// The link is cut: the peer takes messages too slowly, and nobody waits for it.
    [[nodiscard]] bool cuts_off(std::size_t frames_waiting) const {
        return frames_waiting > frames_max;
    }
    /// A bulk message that does not fit is dropped; the protocol asks for it again. One that waits
    /// for nothing always fits.
    [[nodiscard]] bool drops_bulk(MemberRoute route, std::size_t bulk_waiting,
                                  std::size_t size) const {
        std::size_t const most = route == MemberRoute::answer ? answers_max : bulk_max;
        return bulk_waiting > 0 && bulk_waiting + size > most;
    }
};

}  // namespace doozer::wire
