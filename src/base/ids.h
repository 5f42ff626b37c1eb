// The names of things: revisions, sessions, tags, processes.
#pragma once

#include <cstdint>
#include <string>

#include "base/strong.h"

namespace doozer::base {

/// The position of a change in the one global order; the first change has revision 1.
/// As a condition of a write: see `missing`, `clobber`, `directory`. Source: protocol.md,
/// Revisions.
using Revision = Strong<struct RevisionTag, std::int64_t>;

/// "The file must not exist": the revision of every missing file.
inline constexpr Revision missing{0};
/// "No condition".
inline constexpr Revision clobber{-1};
/// None is ever higher: what remains to it could not be used up.
inline constexpr Revision revision_max{std::int64_t{1} << 62};
/// What STAT reports as the revision of a directory.
inline constexpr Revision directory{-2};

/// One client connection, for as long as the process lives; never given twice.
using SessionId = Strong<struct SessionIdTag, std::uint64_t>;

/// What pairs a response with its request on one connection. Chosen by the client.
using Tag = Strong<struct TagTag, std::int32_t>;

/// A process, for life: 80 random bits as 16 characters of Base32. A process that restarts is a
/// new process, since it remembers nothing of what it promised. Source: docs/data-model.md.
using ProcessId = std::string;

/// How many characters a ProcessId has, and how many random bytes it is made of.
inline constexpr std::size_t process_id_chars = 16;
inline constexpr std::size_t process_id_bytes = 10;

}  // namespace doozer::base
