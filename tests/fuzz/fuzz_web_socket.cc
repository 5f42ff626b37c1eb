// Any bytes as what a browser sends over a WebSocket: a frame is whole, small and read the same
// however much follows it, or it is refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/limits.h"
#include "web/web_socket.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<char const*>(data), size);
    while (!bytes.empty()) {
        auto const frame = doozer::web::take_client_frame(bytes);
        if (!frame.ok() || frame.value().size == 0) return 0;
        DOOZER_ASSERT(frame.value().size <= bytes.size());
        DOOZER_ASSERT(frame.value().payload.size() <= frame.value().size);
        auto const alone = doozer::web::take_client_frame(bytes.substr(0, frame.value().size));
        DOOZER_ASSERT(alone.ok() && alone.value().payload == frame.value().payload);
        bytes.remove_prefix(frame.value().size);
    }
    return 0;
}
