// Bounds of the web view that base/limits.h does not have: what concerns nobody else is here, so
// that a change of it leaves the other rooms alone.
#pragma once

#include "base/limits.h"

namespace doozer::base {

/// The lines of a request's header.
inline constexpr std::size_t web_headers_max = 100;
/// A body that a request need not have; it is read and thrown away.
inline constexpr std::size_t web_ignored_body_bytes_max = 16 * KiB;
/// About what a web connection costs by itself: its buffers, the request and its session.
inline constexpr std::size_t web_connection_bytes_fixed = 4 * KiB;
/// How much of an answer is made before others have their turn: bytes of text, and bytes and
/// entries that are looked at for it.
inline constexpr std::size_t web_step_bytes = 32 * KiB;
inline constexpr std::size_t web_step_work = 256 * KiB;
/// What looking at one entry, event or change of a file counts for in that.
inline constexpr std::size_t web_entry_work = 512;

}  // namespace doozer::base
