// Any bytes as the stream of a member's link, with checksums or without, cut anywhere: the splitter
// gives the same records, never a larger one than allowed, and a greeting or a refusal is refused
// in one line or understood. The first byte says where the stream is cut and whether it has
// checksums.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "wire/member_stream.h"

namespace {

using namespace doozer::wire;  // NOLINT(google-build-using-namespace): a program, not a library

constexpr std::size_t body_bytes_max = 512;

struct Seen {
    std::vector<std::string> records;
    bool broken = false;
    bool operator==(Seen const&) const = default;
};

void split(std::string& buffer, bool checksums, Seen& seen) {
    RecordSplitter records(buffer, body_bytes_max, checksums);
    while (!seen.broken) {
        auto const record = records.next();
        seen.broken = !record.ok();
        if (!record.ok() || !record.value()) break;
        DOOZER_ASSERT(record.value()->body.size() <= body_bytes_max);
        seen.records.push_back(static_cast<char>(record.value()->type) +
                               std::string(record.value()->body));
    }
    buffer.erase(0, records.consumed());
}

void read_greeting(std::string_view body) {
    auto const greeting = decode_greeting(body);
    if (!greeting.ok()) {
        DOOZER_ASSERT(greeting.error().detail.find('\n') == std::string::npos);
        return;
    }
    std::string again;
    append_greeting(again, greeting.value());
    auto const same = decode_greeting(std::string_view(again).substr(record_header_bytes));
    DOOZER_ASSERT(same.ok() && same.value() == greeting.value());
}

void read_refusal(std::string_view body) {
    auto const refusal = decode_refusal(body);
    if (refusal.ok()) DOOZER_ASSERT(refusal.value().text.size() <= body.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    bool const checksums = (data[0] & 1U) != 0;
    std::size_t const step = 1U + data[0] / 2U;
    std::string_view const stream(reinterpret_cast<char const*>(data + 1), size - 1);

    Seen at_once;
    std::string rest(stream);
    split(rest, checksums, at_once);

    Seen in_pieces;
    std::string buffer;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        buffer += stream.substr(at, step);
        split(buffer, checksums, in_pieces);
    }
    DOOZER_ASSERT(at_once == in_pieces);
    read_greeting(stream);
    read_refusal(stream);
    return 0;
}
