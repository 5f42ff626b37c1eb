// Any bytes as a request and as a response: refused or read, and what was read is written so that
// it is read alike.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "wire/client_codec.h"

namespace {

using namespace doozer::wire;

std::string_view body_of(std::string const& frame) {
    return std::string_view(frame).substr(doozer::base::frame_header_bytes);
}

void request(std::string_view body) {
    auto const read = decode_request(body);
    if (!read.ok()) return;
    std::string frame;
    append_request(frame, read.value());
    DOOZER_ASSERT(decode_request(body_of(frame)).value() == read.value());
}

/// With events whose values are sent from elsewhere: as long as the whole, and read alike.
void in_pieces(Response r, std::size_t whole_bytes) {
    for (EventView const& e : r.events) {
        if (!e.value) return;
    }
    if (r.value || r.events.empty()) return;
    std::size_t bytes = 0;
    for (EventView const& e : r.events) bytes += event_bytes(e);
    std::vector<EventView> const events = r.events;
    std::string frame;
    append_events_head(frame, r, bytes);
    for (EventView const& e : events) {
        append_event_head(frame, e);
        frame += *e.value;
    }
    DOOZER_ASSERT(frame.size() == whole_bytes);
    DOOZER_ASSERT(decode_response(body_of(frame)).value() == r);
}

void response(std::string_view body) {
    auto const read = decode_response(body);
    if (!read.ok()) return;
    Response r = read.value();
    std::string frame;
    append_response(frame, r);
    DOOZER_ASSERT(decode_response(body_of(frame)).value() == r);

    in_pieces(r, frame.size());
    bool const plain = !r.len && !r.applied && !r.more && r.events.empty();
    if (!r.value || !plain || r.err_code || r.err_detail) return;
    std::string head;
    append_response_head(head, r, r.value->size());
    DOOZER_ASSERT(head + std::string(*r.value) == frame);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const body(reinterpret_cast<char const*>(data), size);
    request(body);
    response(body);
    return 0;
}
