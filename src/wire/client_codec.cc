#include "wire/client_codec.h"

#include <array>
#include <cstdint>

#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

#include "base/assert.h"
#include "wire/frame.h"

namespace doozer::wire {
namespace {

// Field numbers, client.proto.
namespace request_field {
constexpr std::uint32_t tag = 1, verb = 2, path = 4, value = 5, offset = 7, rev = 9;
constexpr std::uint32_t min_rev = 32, linear = 33, after = 39, limit = 40;
}  // namespace request_field
namespace response_field {
constexpr std::uint32_t tag = 1, flags = 2, rev = 3, path = 5, value = 6, len = 8;
constexpr std::uint32_t applied = 32, events = 35, more = 39, err_code = 100, err_detail = 101;
}  // namespace response_field
namespace event_field {
constexpr std::uint32_t path = 1, value = 2, rev = 3, flags = 4;
}  // namespace event_field

enum class WireType : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

constexpr std::uint32_t key_of(std::uint32_t field, WireType type) {
    return (field << 3U) | static_cast<std::uint32_t>(type);
}
constexpr std::uint32_t varint_key(std::uint32_t field) {
    return key_of(field, WireType::varint);
}
constexpr std::uint32_t bytes_key(std::uint32_t field) {
    return key_of(field, WireType::bytes);
}

// --- reading ---------------------------------------------------------------------------------

struct NoProtobuf {};

// Protozero's own pbf_reader refuses the reserved field numbers 19000 to 19999, which other
// readers skip; so only its varints are used, and like them this throws. Nothing leaves decode().
class FieldReader {
  public:
    explicit FieldReader(std::string_view body)
        : at_(body.data()), end_(body.data() + body.size()) {}

    bool next() {
        if (at_ == end_) return false;
        std::uint64_t const key = varint();
        if (key > UINT32_MAX || (key >> 3U) == 0) throw NoProtobuf{};
        key_ = static_cast<std::uint32_t>(key);
        return true;
    }
    [[nodiscard]] std::uint32_t key() const { return key_; }

    std::uint64_t varint() { return protozero::decode_varint(&at_, end_); }
    std::int64_t int64() { return static_cast<std::int64_t>(varint()); }
    std::int32_t int32() { return static_cast<std::int32_t>(static_cast<std::uint32_t>(varint())); }
    std::string_view bytes() {
        std::uint64_t const size = varint();
        return take(size);
    }
    void skip() {
        switch (static_cast<WireType>(key_ & 7U)) {
            case WireType::varint:
                varint();
                return;
            case WireType::fixed64:
                take(8);
                return;
            case WireType::bytes:
                bytes();
                return;
            case WireType::fixed32:
                take(4);
                return;
        }
        throw NoProtobuf{};
    }

  private:
    std::string_view take(std::uint64_t size) {
        if (size > static_cast<std::uint64_t>(end_ - at_)) throw NoProtobuf{};
        char const* const begin = at_;
        at_ += size;
        return {begin, static_cast<std::size_t>(size)};
    }

    char const* at_;
    char const* end_;
    std::uint32_t key_ = 0;
};

void read_field(FieldReader& in, Request& out) {
    switch (in.key()) {
        case varint_key(request_field::tag):
            out.tag = Tag(in.int32());
            return;
        case varint_key(request_field::verb):
            out.verb = static_cast<Verb>(in.int32());
            return;
        case bytes_key(request_field::path):
            out.path = in.bytes();
            return;
        case bytes_key(request_field::value):
            out.value = in.bytes();
            return;
        case varint_key(request_field::offset):
            out.offset = in.int32();
            return;
        case varint_key(request_field::rev):
            out.rev = Revision(in.int64());
            return;
        case varint_key(request_field::min_rev):
            out.min_rev = Revision(in.int64());
            return;
        case varint_key(request_field::linear):
            out.linear = in.varint() != 0;
            return;
        case bytes_key(request_field::after):
            out.after = in.bytes();
            return;
        case varint_key(request_field::limit):
            out.limit = in.int32();
            return;
        default:
            in.skip();
    }
}

void read_field(FieldReader& in, EventView& out) {
    switch (in.key()) {
        case bytes_key(event_field::path):
            out.path = in.bytes();
            return;
        case bytes_key(event_field::value):
            out.value = in.bytes();
            return;
        case varint_key(event_field::rev):
            out.rev = Revision(in.int64());
            return;
        case varint_key(event_field::flags):
            out.flags = in.int32();
            return;
        default:
            in.skip();
    }
}

EventView read_event(std::string_view body) {
    EventView event;
    FieldReader in(body);
    while (in.next()) read_field(in, event);
    return event;
}

void read_field(FieldReader& in, Response& out) {
    switch (in.key()) {
        case varint_key(response_field::tag):
            out.tag = Tag(in.int32());
            return;
        case varint_key(response_field::flags):
            out.flags = in.int32();
            return;
        case varint_key(response_field::rev):
            out.rev = Revision(in.int64());
            return;
        case bytes_key(response_field::path):
            out.path = in.bytes();
            return;
        case bytes_key(response_field::value):
            out.value = in.bytes();
            return;
        case varint_key(response_field::len):
            out.len = in.int32();
            return;
        case varint_key(response_field::applied):
            out.applied = Revision(in.int64());
            return;
        case bytes_key(response_field::events):
            out.events.push_back(read_event(in.bytes()));
            return;
        case varint_key(response_field::more):
            out.more = in.varint() != 0;
            return;
        case varint_key(response_field::err_code):
            out.err_code = static_cast<Errc>(in.int32());
            return;
        case bytes_key(response_field::err_detail):
            out.err_detail = in.bytes();
            return;
        default:
            in.skip();
    }
}

template <typename Message>
Result<Message> decode(std::string_view body) {
    try {
        Message message;
        FieldReader in(body);
        while (in.next()) read_field(in, message);
        return message;
    } catch (NoProtobuf const&) {
    } catch (protozero::exception const&) {
    }
    return Error{Errc::other, "not a protocol buffer"};
}

// --- writing ---------------------------------------------------------------------------------

constexpr std::size_t varint_bytes_max = 10;

// A frame in the making. Everything but the two long strings goes into a small buffer on the
// stack, which knows the frame's length before anything is copied to its place.
class FrameWriter {
  public:
    void number(std::uint32_t field, std::int64_t value) {
        varint(varint_key(field));
        varint(static_cast<std::uint64_t>(value));
    }
    void size(std::uint32_t field, std::size_t bytes) {
        varint(bytes_key(field));
        varint(bytes);
        bytes_elsewhere_ += bytes;
    }
    /// A string: its bytes follow what has been written so far.
    void string(std::uint32_t field, std::string_view bytes) {
        size(field, bytes.size());
        cut(bytes);
    }
    /// Fields that are written already.
    void fields(std::string_view bytes) {
        bytes_elsewhere_ += bytes.size();
        cut(bytes);
    }
    /// Fields of so many bytes that the caller sends behind the frame.
    void fields_behind(std::size_t bytes) { bytes_elsewhere_ += bytes; }
    void finish(std::string& out) {
        write_frame_length(scalars_.data(), used_ - frame_header_bytes + bytes_elsewhere_);
        out.reserve(out.size() + used_ + bytes_elsewhere_);
        std::size_t from = 0;
        for (std::size_t i = 0; i < cuts_; ++i) {
            out.append(scalars_.data() + from, pieces_[i].after - from);
            out.append(pieces_[i].bytes);
            from = pieces_[i].after;
        }
        out.append(scalars_.data() + from, used_ - from);
    }

  private:
    struct Piece {
        std::size_t after;
        std::string_view bytes;
    };
    static constexpr std::size_t key_bytes_max = 2, fields_max = 11;

    void cut(std::string_view bytes) {
        DOOZER_ASSERT(cuts_ < pieces_.size());
        pieces_[cuts_++] = Piece{used_, bytes};
    }

    void varint(std::uint64_t value) {
        used_ += static_cast<std::size_t>(
            protozero::add_varint_to_buffer(scalars_.data() + used_, value));
    }

    std::array<char, frame_header_bytes + fields_max*(key_bytes_max + varint_bytes_max)> scalars_;
    std::size_t used_ = frame_header_bytes;
    std::size_t bytes_elsewhere_ = 0;
    std::array<Piece, 4> pieces_;
    std::size_t cuts_ = 0;
};

void write_up_to_value(FrameWriter& frame, Response const& r) {
    if (r.tag) frame.number(response_field::tag, r.tag->value());
    if (r.flags) frame.number(response_field::flags, *r.flags);
    if (r.rev) frame.number(response_field::rev, r.rev->value());
    if (r.path) frame.string(response_field::path, *r.path);
}

void write_from_len(FrameWriter& frame, Response const& r, std::string_view events) {
    if (r.len) frame.number(response_field::len, *r.len);
    if (r.applied) frame.number(response_field::applied, r.applied->value());
    if (!events.empty()) frame.fields(events);
    if (r.more) frame.number(response_field::more, 1);
    if (r.err_code) frame.number(response_field::err_code, static_cast<std::int32_t>(*r.err_code));
    if (r.err_detail) frame.string(response_field::err_detail, *r.err_detail);
}

std::size_t varint_bytes(std::uint64_t value) {
    return static_cast<std::size_t>(protozero::length_of_varint(value));
}
void append_varint(std::string& out, std::uint64_t value) {
    std::array<char, varint_bytes_max> buffer;
    auto const size = protozero::add_varint_to_buffer(buffer.data(), value);
    out.append(buffer.data(), static_cast<std::size_t>(size));
}
std::size_t string_bytes(std::uint32_t field, std::size_t size) {
    return varint_bytes(bytes_key(field)) + varint_bytes(size) + size;
}
std::size_t number_bytes(std::uint32_t field, std::int64_t value) {
    return varint_bytes(varint_key(field)) + varint_bytes(static_cast<std::uint64_t>(value));
}
void append_string_head(std::string& out, std::uint32_t field, std::size_t size) {
    append_varint(out, bytes_key(field));
    append_varint(out, size);
}
void append_number(std::string& out, std::uint32_t field, std::int64_t value) {
    append_varint(out, varint_key(field));
    append_varint(out, static_cast<std::uint64_t>(value));
}

/// Without the key and the length that precede it in a response.
std::size_t event_body_bytes(EventView const& e) {
    std::size_t bytes = 0;
    if (e.path) bytes += string_bytes(event_field::path, e.path->size());
    if (e.value) bytes += string_bytes(event_field::value, e.value->size());
    if (e.rev) bytes += number_bytes(event_field::rev, e.rev->value());
    if (e.flags) bytes += number_bytes(event_field::flags, *e.flags);
    return bytes;
}

void append_event_numbers(std::string& out, EventView const& e) {
    if (e.rev) append_number(out, event_field::rev, e.rev->value());
    if (e.flags) append_number(out, event_field::flags, *e.flags);
}

void append_event_begin(std::string& out, EventView const& e) {
    append_string_head(out, response_field::events, event_body_bytes(e));
    if (!e.path) return;
    append_string_head(out, event_field::path, e.path->size());
    out += *e.path;
}

void append_event(std::string& out, EventView const& e) {
    append_event_begin(out, e);
    if (e.value) {
        append_string_head(out, event_field::value, e.value->size());
        out += *e.value;
    }
    append_event_numbers(out, e);
}

}  // namespace

Result<Request> decode_request(std::string_view body) {
    return decode<Request>(body);
}
Result<Response> decode_response(std::string_view body) {
    return decode<Response>(body);
}

void append_request(std::string& out, Request const& r) {
    FrameWriter frame;
    if (r.tag) frame.number(request_field::tag, r.tag->value());
    if (r.verb) frame.number(request_field::verb, static_cast<std::int32_t>(*r.verb));
    if (r.path) frame.string(request_field::path, *r.path);
    if (r.value) frame.string(request_field::value, *r.value);
    if (r.offset) frame.number(request_field::offset, *r.offset);
    if (r.rev) frame.number(request_field::rev, r.rev->value());
    if (r.min_rev) frame.number(request_field::min_rev, r.min_rev->value());
    if (r.linear) frame.number(request_field::linear, 1);
    if (r.after) frame.string(request_field::after, *r.after);
    if (r.limit) frame.number(request_field::limit, *r.limit);
    frame.finish(out);
}

void append_response(std::string& out, Response const& r) {
    FrameWriter frame;
    write_up_to_value(frame, r);
    if (r.value) frame.string(response_field::value, *r.value);
    std::string events;
    for (EventView const& event : r.events) append_event(events, event);
    write_from_len(frame, r, events);
    frame.finish(out);
}

void append_response_head(std::string& out, Response const& r, std::size_t value_bytes) {
    DOOZER_ASSERT(!r.len);
    DOOZER_ASSERT(!r.err_code);
    DOOZER_ASSERT(!r.err_detail);
    DOOZER_ASSERT(r.events.empty());
    FrameWriter frame;
    write_up_to_value(frame, r);
    write_from_len(frame, r, {});
    frame.size(response_field::value, value_bytes);
    frame.finish(out);
}

void append_events_head(std::string& out, Response const& r, std::size_t events_bytes) {
    DOOZER_ASSERT(!r.value);
    FrameWriter frame;
    write_up_to_value(frame, r);
    write_from_len(frame, r, {});
    frame.fields_behind(events_bytes);
    frame.finish(out);
}

void append_event_head(std::string& out, EventView const& e) {
    DOOZER_ASSERT(e.value.has_value());
    append_event_begin(out, e);
    append_event_numbers(out, e);
    append_string_head(out, event_field::value, e.value->size());
}

std::size_t event_bytes(EventView const& e) {
    return string_bytes(response_field::events, event_body_bytes(e));
}

}  // namespace doozer::wire
