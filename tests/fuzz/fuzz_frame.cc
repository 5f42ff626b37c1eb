// Any bytes, cut anywhere: the splitter gives the same messages, and never one that is not there.
// The first byte says where the stream is cut, the rest is the stream.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "wire/frame.h"

namespace {

using doozer::wire::FrameSplitter;

constexpr std::size_t body_bytes_max = 512;

struct Seen {
    std::vector<std::string> bodies;
    bool broken = false;
    bool operator==(Seen const&) const = default;
};

/// Takes what is whole at the beginning of `buffer` off it.
void split(std::string& buffer, Seen& seen) {
    FrameSplitter frames(buffer, body_bytes_max);
    while (!seen.broken) {
        auto const body = frames.next();
        seen.broken = !body.ok();
        if (!body.ok() || !body.value()) break;
        DOOZER_ASSERT(body.value()->size() <= body_bytes_max);
        seen.bodies.emplace_back(*body.value());
    }
    buffer.erase(0, frames.consumed());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::size_t const step = 1U + data[0];
    std::string_view const stream(reinterpret_cast<char const*>(data + 1), size - 1);

    Seen at_once;
    std::string rest(stream);
    split(rest, at_once);

    Seen in_pieces;
    std::string buffer;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        buffer += stream.substr(at, step);
        split(buffer, in_pieces);
    }
    DOOZER_ASSERT(at_once == in_pieces);
    DOOZER_ASSERT(at_once.broken || rest == buffer);
    return 0;
}
