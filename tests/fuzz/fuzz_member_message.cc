// Any bytes as a message of a member: refused, or read and written again as the same bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "wire/member_codec.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const body(reinterpret_cast<char const*>(data), size);
    auto const read = doozer::wire::decode_message(body);
    if (!read.ok()) {
        DOOZER_ASSERT(read.error().detail.find('\n') == std::string::npos);
        return 0;
    }
    std::string again;
    doozer::wire::append_message(again, read.value());
    DOOZER_ASSERT(again == body);
    return 0;
}
