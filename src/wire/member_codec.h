// What members say to each other, as bytes: one byte for the kind of message, then its fields
// (archive.h). The frame around it is the link's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "consensus/message.h"
#include "wire/member_protocol.h"

namespace doozer::wire {

// One by one, since the client library has an Error and a Result of its own in doozer.
using base::Errc;
using base::Error;
using base::Result;

/// Appends the message to `out`, as `version` of the member protocol has it. A HELLO begins with
/// the version. REQUIRES: no batch in it is null.
void append_message(std::string& out, consensus::Message const& message,
                    std::uint16_t version = member_versions.newest);

/// The message that is all of `body`. Takes memory for what is there, not for what is claimed to
/// be. Error (other): anything that append_message() would not have written, or more than
/// member_message_bytes_max.
Result<consensus::Message> decode_message(std::string_view body,
                                          std::uint16_t version = member_versions.newest);

}  // namespace doozer::wire
