// Numbers and durations as people write them on command lines. The forms and the texts of the
// errors are those of Go's strconv, flag and time packages, which the original used.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace doozer::base {

/// A decimal number with an optional sign. Error (other): "invalid syntax" or "value out of range".
Result<std::int64_t> parse_integer(std::string_view text);

/// A number as Go's flags take it: 12, 0x1f, 0b101, 0o17 and 017 (both octal), with an optional
/// sign and underscores between digits. Error (other): as parse_integer().
Result<std::int64_t> parse_integer_literal(std::string_view text);

/// A number of bytes, at least 0, as parse_integer_literal() takes it; K, M or G after it
/// multiplies it by 2^10, 2^20 or 2^30. Error (other): as parse_integer().
Result<std::size_t> parse_bytes(std::string_view text);

/// Seconds as a decimal number, fractions allowed: "0.05". Error (other): "invalid syntax" or
/// "value out of range".
Result<Duration> parse_seconds(std::string_view text);

/// A span of time for flags that take seconds: a number as Go's flags take it ("0.05", "1e-1",
/// "1_000", "0x10"), or a duration with its units ("250ms"). Error (other): as parse_seconds().
Result<Duration> parse_span(std::string_view text);

/// "300ms", "1m30s": an optional sign, then one or more of decimal number and unit out of
/// ns us µs ms s m h; a bare "0" is allowed. Error (other): "parse error".
Result<Duration> parse_duration(std::string_view text);

/// 1 0 t f T F true false TRUE FALSE True False. Error (other): "parse error".
Result<bool> parse_boolean(std::string_view text);

}  // namespace doozer::base
