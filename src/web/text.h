// Text as it comes over HTTP: base64, percent escapes, UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace doozer::web {

/// Source: RFC 4648, 4.
std::string to_base64(std::string_view bytes);
/// Nothing if `text` is not base64 with its padding.
std::optional<std::string> from_base64(std::string_view text);

/// Whether a JSON string can hold `bytes` as they are. Source: RFC 3629, 4.
bool is_utf8(std::string_view bytes);

/// Moves `position` over whole characters until it is not below `until`. False, and `position` is
/// where it happened, if what is there is not UTF-8.
bool skip_utf8(std::string_view bytes, std::size_t& position, std::size_t until);

/// The longest beginning of `bytes` that has at most `bytes_max` and does not end within a
/// character of UTF-8.
std::string_view cut_utf8(std::string_view bytes, std::size_t bytes_max);

/// Nothing if an escape is broken. "+" is a space only in a query's values.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

/// Whether they are the same but for the case of ASCII letters.
bool same_ignoring_case(std::string_view a, std::string_view b);

/// Whether a header's value, which is a list with commas, has the token; RFC 9110, 5.6.1.
bool names_token(std::string_view list, std::string_view token);

}  // namespace doozer::web
