// What a journal holds: records, whose data are changes as text. Source: docs/persistence.md, The
// format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "net/sha1.h"

namespace doozer::journal {

/// Before the data of every record: its SHA-1, then its size as 4 bytes, little-endian, signed.
using net::sha1_bytes;
inline constexpr std::size_t record_header_bytes = sha1_bytes + 4;

struct RecordHeader {
    net::Sha1 sum;
    std::int32_t size;
};

/// REQUIRES: at least record_header_bytes of them.
RecordHeader decode_header(std::string_view bytes);

/// Whether the format allows data of that size.
bool is_record_size(std::int64_t size);

/// Appends a whole record. REQUIRES: is_record_size(data.size()).
void append_record(std::string& out, std::string_view data);

/// One change: "<rev>:<path>=<value>" for a set, "<rev>:<path>" for a delete. Its strings are
/// parts of somebody else's.
struct Mutation {
    base::Revision rev;
    std::string_view path;
    std::optional<std::string_view> value = {};  ///< any bytes; none for a delete

    [[nodiscard]] bool is_set() const { return value.has_value(); }
    bool operator==(Mutation const&) const = default;
};

/// The change as the data of a record.
std::string to_text(Mutation const& mutation);

/// Error (other): why the text is no mutation: "no revision", "no path", ...
base::Result<Mutation> parse_mutation(std::string_view data);

/// Whether the path is the servers' own, which no journal is about.
bool is_control(std::string_view path);

}  // namespace doozer::journal
