// How members talk over a connection: a greeting, then records that carry messages or parts of
// them. What the messages mean is not known here. Source: docs/member-links.md.
//
//   stream  = magic record*                       the same in both directions
//   record  = type (1 byte) size (3 bytes, big-endian) body
//
// From version 2 on, without TLS, the body of each record after the greeting ends with a checksum.
//
// Clients of the same port begin otherwise: with a zero or a one (the length of a request, below
// 2^25), or with 0x16 (TLS).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/limits.h"
#include "base/result.h"
#include "wire/member_protocol.h"

namespace doozer::wire {

inline constexpr std::string_view member_magic = "DZM\n";
static_assert('D' > base::frame_bytes_max(base::value_bytes_ceiling) >> 24U);

enum class RecordType : std::uint8_t {
    greeting = 1,
    refusal = 2,      ///< the last record
    message = 3,      ///< a message, or the last part of one
    part = 4,         ///< a part of a message, more of which follows
    bulk_wanted = 5,  ///< to the side that dialled: make the connection for bulk
};
inline constexpr std::size_t record_header_bytes = 4;
inline constexpr std::size_t record_checksum_bytes = 4;
static_assert(base::member_part_bytes_max + record_checksum_bytes < (1U << 24U));

/// What each side says first.
struct Greeting {
    enum class Kind : std::uint8_t { frames = 0, bulk = 1 };

    std::uint16_t oldest_version = member_versions.oldest;  ///< that this process understands
    std::uint16_t newest_version = member_versions.newest;
    Kind kind = Kind::frames;
    std::uint64_t link = 0;  ///< chosen at random by who dials; one for frames and bulk
    std::string cluster_name;
    base::ProcessId id;
    base::ProcessId expected_id;  ///< whom the one who dials wants to find; empty = anybody
    std::string address;          ///< where others reach this process

    bool operator==(Greeting const&) const = default;
};

enum class RefusalReason : std::uint8_t {
    other = 0,
    cluster_name = 1,
    secret = 2,     ///< one side has a cluster secret and the other none, or neither has one
    version = 3,    ///< no version that both understand
    same_id = 4,    ///< a process has dialled itself
    other_id = 5,   ///< the process at this address is not the one that was expected
    duplicate = 6,  ///< there is a link already
    malformed = 7,
};

struct Refusal {
    RefusalReason reason = RefusalReason::other;
    base::ProcessId id;  ///< of the process that refuses
    std::string text;    ///< one line for a person

    bool operator==(Refusal const&) const = default;
};

/// Appends a record's header; its body, `size` bytes, follows.
void append_record_header(std::string& out, RecordType type, std::size_t size);
/// Appends the checksum of a record with this body, which precedes it; the size in the record's
/// header includes it.
void append_record_checksum(std::string& out, RecordType type, std::string_view body);
/// Append a whole record.
void append_greeting(std::string& out, Greeting const& greeting);
void append_refusal(std::string& out, Refusal const& refusal);

/// The body of a record. What later versions append to it is ignored. Error (other): what is wrong.
base::Result<Greeting> decode_greeting(std::string_view body);
base::Result<Refusal> decode_refusal(std::string_view body);

/// Takes records off the front of what has arrived.
class RecordSplitter {
  public:
    struct Record {
        std::uint8_t type;  ///< of RecordType, or one that only a later version knows
        std::string_view body;
    };

    /// `body_bytes_max`: without the checksum, if records have one.
    RecordSplitter(std::string_view bytes, std::size_t body_bytes_max, bool checksums = false)
        : bytes_(bytes),
          body_bytes_max_(body_bytes_max + (checksums ? record_checksum_bytes : 0)),
          checksums_(checksums) {}

    /// The next record, if it is there as a whole. Error (other): larger than allowed, or changed
    /// on its way.
    base::Result<std::optional<Record>> next();
    [[nodiscard]] std::size_t consumed() const { return consumed_; }

  private:
    std::string_view bytes_;
    std::size_t body_bytes_max_;
    bool checksums_;
    std::size_t consumed_ = 0;
};

}  // namespace doozer::wire
