// What members say to each other, as bytes: one byte for the kind of message, then its fields
// (archive.h). The frame around it is the link's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "consensus/message.h"

namespace doozer::wire {

// One by one, since the client library has an Error and a Result of its own in doozer.
using base::Errc;
using base::Error;
using base::Result;

/// Members of one cluster must have the same; every HELLO begins with it, and is refused if it
/// differs. It grows by one whenever a message of the old form would be read otherwise or not at
/// all: a field or a kind of message that is new, gone or elsewhere, a number written in another
/// way. There is no skipping of what is unknown: half of a promise is worse than none.
inline constexpr std::uint64_t member_protocol_version = 1;

/// Appends the message to `out`. REQUIRES: no batch in it is null.
void append_message(std::string& out, consensus::Message const& message);

/// The message that is all of `body`. Takes memory for what is there, not for what is claimed to
/// be. Error (other): anything that append_message() would not have written, or more than
/// member_message_bytes_max.
Result<consensus::Message> decode_message(std::string_view body);

}  // namespace doozer::wire
