#include "wire/member_stream.h"

#include <algorithm>

#include "base/assert.h"
#include "base/checksum.h"

namespace doozer::wire {
namespace {

using base::Errc;
using base::Error;

void append_number(std::string& out, std::uint64_t number, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) out += static_cast<char>(number >> (8 * i));
}

void append_text(std::string& out, std::string_view text) {
    DOOZER_ASSERT(text.size() <= UINT16_MAX);
    append_number(out, text.size(), 2);
    out += text;
}

/// Reads until something is missing; what is read after that is zero or empty.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_(bytes), size_(bytes.size()) {}

    std::uint64_t number(unsigned size) {
        std::uint64_t value = 0;
        for (char const c : take(size)) value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    std::string text() { return std::string(take(number(2))); }
    [[nodiscard]] bool complete() const { return complete_; }
    [[nodiscard]] std::size_t position() const { return size_ - bytes_.size(); }

  private:
    std::string_view take(std::size_t size) {
        complete_ = complete_ && size <= bytes_.size();
        if (!complete_) return {};
        std::string_view const taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }

    std::string_view bytes_;
    std::size_t size_;
    bool complete_ = true;
};

/// Over the header, too: a type that has changed is as bad as a body.
std::uint32_t checksum_of(std::string_view header, std::string_view body) {
    return base::crc32c(base::crc32c(0, header), body);
}

/// Puts the header in front of what `write` appends.
template <typename Write>
void append_record(std::string& out, RecordType type, Write write) {
    std::size_t const start = out.size();
    append_record_header(out, type, 0);
    write();
    std::string header;
    append_record_header(header, type, out.size() - start - record_header_bytes);
    out.replace(start, record_header_bytes, header);
}

}  // namespace

void append_record_header(std::string& out, RecordType type, std::size_t size) {
    DOOZER_ASSERT(size <= base::member_part_bytes_max + record_checksum_bytes);
    out += static_cast<char>(type);
    append_number(out, size, 3);
}

void append_record_checksum(std::string& out, RecordType type, std::string_view body) {
    std::string header;
    append_record_header(header, type, body.size() + record_checksum_bytes);
    append_number(out, checksum_of(header, body), record_checksum_bytes);
}

void append_greeting(std::string& out, Greeting const& greeting) {
    std::size_t const body = out.size() + record_header_bytes;
    append_record(out, RecordType::greeting, [&] {
        append_number(out, greeting.oldest_version, 2);
        append_number(out, greeting.newest_version, 2);
        append_number(out, static_cast<std::uint8_t>(greeting.kind), 1);
        append_number(out, greeting.link, 8);
        append_text(out, greeting.cluster_name);
        append_text(out, greeting.id);
        append_text(out, greeting.expected_id);
        append_text(out, greeting.address);
        if (greeting.newest_version < checksum_version) return;
        append_number(out, base::crc32c(0, std::string_view(out).substr(body)),
                      record_checksum_bytes);
    });
}

void append_refusal(std::string& out, Refusal const& refusal) {
    append_record(out, RecordType::refusal, [&] {
        append_number(out, static_cast<std::uint8_t>(refusal.reason), 1);
        append_text(out, refusal.id);
        append_text(out, refusal.text);
    });
}

base::Result<Greeting> decode_greeting(std::string_view body) {
    Reader reader(body);
    Greeting greeting;
    greeting.oldest_version = static_cast<std::uint16_t>(reader.number(2));
    greeting.newest_version = static_cast<std::uint16_t>(reader.number(2));
    std::uint64_t const kind = reader.number(1);
    greeting.kind = static_cast<Greeting::Kind>(kind);
    greeting.link = reader.number(8);
    greeting.cluster_name = reader.text();
    greeting.id = reader.text();
    greeting.expected_id = reader.text();
    greeting.address = reader.text();
    if (!reader.complete() || kind > 1) return Error{Errc::other, "bad greeting of a member"};
    if (greeting.newest_version < checksum_version) return greeting;
    std::string_view const said = body.substr(0, reader.position());
    bool const intact = reader.number(record_checksum_bytes) == base::crc32c(0, said);
    if (!intact) return Error{Errc::other, "a greeting of a member was changed on its way"};
    return greeting;
}

base::Result<Refusal> decode_refusal(std::string_view body) {
    Reader reader(body);
    Refusal refusal;
    std::uint64_t const reason = reader.number(1);
    bool const known = reason <= static_cast<std::uint8_t>(RefusalReason::malformed);
    refusal.reason = known ? static_cast<RefusalReason>(reason) : RefusalReason::other;
    refusal.id = reader.text();
    refusal.text = reader.text();
    if (!reader.complete()) return Error{Errc::other, "bad refusal of a member"};
    return refusal;
}

base::Result<std::optional<RecordSplitter::Record>> RecordSplitter::next() {
    std::string_view const rest = bytes_.substr(consumed_);
    if (rest.size() < record_header_bytes) return std::optional<Record>();
    Reader header(rest);
    auto const type = static_cast<std::uint8_t>(header.number(1));
    std::size_t const size = header.number(3);
    if (size > body_bytes_max_) {
        return Error{Errc::other, "record of " + std::to_string(size) + " bytes"};
    }
    if (rest.size() - record_header_bytes < size) return std::optional<Record>();
    consumed_ += record_header_bytes + size;
    std::string_view body = rest.substr(record_header_bytes, size);
    if (!checksums_) return std::optional(Record{type, body});
    std::size_t const content = size - std::min(size, record_checksum_bytes);
    Reader trailer(body.substr(content));
    body = body.substr(0, content);
    std::uint64_t const said = trailer.number(record_checksum_bytes);
    if (!trailer.complete() || said != checksum_of(rest.substr(0, record_header_bytes), body)) {
        return Error{Errc::other, "a record was changed on its way"};
    }
    return std::optional(Record{type, body});
}

}  // namespace doozer::wire
