#include "base/parse.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace doozer::base {
namespace {

Error failed(char const* why) {
    return {Errc::other, why};
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Takes "12", "12.5" or ".5" off `text`. False if there is no digit.
bool take_decimal(std::string_view& text, long double& number) {
    std::size_t end = 0;
    bool digits = false;
    bool point = false;
    for (; end < text.size(); ++end) {
        if (is_digit(text[end])) {
            digits = true;
        } else if (text[end] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!digits) return false;
    std::from_chars(text.data(), text.data() + end, number);
    text.remove_prefix(end);
    return true;
}

constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> units{{
    {"ns", 1},
    {"us", 1'000},
    {"\xc2\xb5s", 1'000},  // micro sign
    {"\xce\xbcs", 1'000},  // Greek letter mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

/// Takes a unit off `text`: everything up to the next digit or point. 0 if it is none.
std::int64_t take_unit(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && !is_digit(text[end]) && text[end] != '.') ++end;
    std::string_view const name = text.substr(0, end);
    text.remove_prefix(end);
    for (auto const& [unit, value] : units) {
        if (unit == name) return value;
    }
    return 0;
}

bool take_sign(std::string_view& text) {
    bool const negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    return negative;
}

constexpr long double int64_limit = 9223372036854775807.0L;

/// Seconds as a duration. Error (other): "value out of range".
Result<Duration> duration_of(long double seconds, bool negative) {
    long double const nanos = seconds * 1e9L;
    if (nanos > int64_limit) return failed("value out of range");
    auto const value = static_cast<std::int64_t>(std::llround(nanos));
    return Duration(negative ? -value : value);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Takes "0x" and its like off `text`, and returns the base that it stands for: 10 without one. A
/// leading 0 alone stands for 8 where `octal` says so, and is left there as a digit.
int take_base(std::string_view& text, bool octal) {
    if (text.size() < 2 || text[0] != '0') return 10;
    int base = octal ? 8 : 10;
    char const letter = lower(text[1]);
    if (letter == 'x') base = 16;
    if (letter == 'o' && octal) base = 8;
    if (letter == 'b' && octal) base = 2;
    if (letter == 'x' || (octal && (letter == 'o' || letter == 'b'))) text.remove_prefix(2);
    return base;
}

bool is_digit_in(char c, bool hexadecimal) {
    return is_digit(c) || (hexadecimal && lower(c) >= 'a' && lower(c) <= 'f');
}

/// `digits` without its underscores, of which each must be between two digits, or between the
/// prefix of a base and a digit. None: one is elsewhere. Source: strconv, underscoreOK.
std::optional<std::string> without_underscores(std::string_view digits, bool prefixed,
                                               bool hexadecimal) {
    std::string kept;
    bool after_digit = prefixed;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        char const c = digits[i];
        bool const digit = is_digit_in(c, hexadecimal);
        if (c != '_') {
            kept += c;
            after_digit = digit;
            continue;
        }
        bool const before_digit = i + 1 < digits.size() && is_digit_in(digits[i + 1], hexadecimal);
        if (!after_digit || !before_digit) return std::nullopt;
        after_digit = false;
    }
    return kept;
}

/// The number of seconds in the syntax of Go's floating-point literals; a hexadecimal one may lack
/// the exponent that Go wants.
Result<Duration> parse_float_seconds(std::string_view text) {
    bool const negative = take_sign(text);
    std::size_t const before = text.size();
    bool const hexadecimal = take_base(text, false) == 16;
    auto const digits = without_underscores(text, text.size() < before, hexadecimal);
    if (!digits || digits->empty()) return failed("invalid syntax");
    // from_chars would also take "inf" and "nan", and a second sign.
    if (!is_digit_in(digits->front(), hexadecimal) && digits->front() != '.') {
        return failed("invalid syntax");
    }
    long double number = 0;
    auto const format = hexadecimal ? std::chars_format::hex : std::chars_format::general;
    char const* const last = digits->data() + digits->size();
    auto const [end, error] = std::from_chars(digits->data(), last, number, format);
    if (end != last) return failed("invalid syntax");
    if (error == std::errc::result_out_of_range) return failed("value out of range");
    if (error != std::errc()) return failed("invalid syntax");
    return duration_of(number, negative);
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text) {
    std::string_view digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    if (digits.starts_with('-') && digits.size() != text.size()) return failed("invalid syntax");
    std::int64_t value = 0;
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    bool const whole = end == digits.data() + digits.size();
    if (error == std::errc::result_out_of_range && whole) return failed("value out of range");
    if (error != std::errc() || !whole) return failed("invalid syntax");
    return value;
}

Result<std::int64_t> parse_integer_literal(std::string_view text) {
    bool const negative = take_sign(text);
    std::size_t const before = text.size();
    int const base = take_base(text, true);
    bool const prefixed = text.size() < before;
    auto const digits = without_underscores(text, prefixed, base == 16);
    if (!digits || digits->empty() || !is_digit_in(digits->front(), base == 16)) {
        return failed("invalid syntax");
    }
    std::uint64_t value = 0;
    char const* const last = digits->data() + digits->size();
    auto const [end, error] = std::from_chars(digits->data(), last, value, base);
    if (end != last) return failed("invalid syntax");
    if (error == std::errc::result_out_of_range) return failed("value out of range");
    if (error != std::errc()) return failed("invalid syntax");
    auto const largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value > largest + (negative ? 1 : 0)) return failed("value out of range");
    return static_cast<std::int64_t>(negative ? 0 - value : value);
}

Result<std::size_t> parse_bytes(std::string_view text) {
    int shift = 0;
    std::string_view const letters = "KMG";
    std::size_t const unit = text.empty() ? letters.npos : letters.find(text.back());
    if (unit != letters.npos) {
        shift = 10 * static_cast<int>(unit + 1);
        text.remove_suffix(1);
    }
    DOOZER_TRY(std::int64_t const value, parse_integer_literal(text));
    if (value < 0 || value > std::numeric_limits<std::int64_t>::max() >> shift) {
        return failed("value out of range");
    }
    return static_cast<std::size_t>(value) << shift;
}

Result<Duration> parse_seconds(std::string_view text) {
    bool const negative = take_sign(text);
    long double number = 0;
    if (!take_decimal(text, number) || !text.empty()) return failed("invalid syntax");
    return duration_of(number, negative);
}

Result<Duration> parse_span(std::string_view text) {
    auto seconds = parse_float_seconds(text);
    if (seconds.ok()) return seconds;
    auto const duration = parse_duration(text);
    return duration.ok() ? duration : seconds;
}

Result<Duration> parse_duration(std::string_view text) {
    bool const negative = take_sign(text);
    if (text == "0") return Duration(0);
    if (text.empty()) return failed("parse error");
    long double total = 0;
    while (!text.empty()) {
        long double number = 0;
        if (!take_decimal(text, number)) return failed("parse error");
        std::int64_t const unit = take_unit(text);
        if (unit == 0) return failed("parse error");
        total += number * static_cast<long double>(unit);
    }
    if (total > int64_limit) return failed("parse error");
    auto const value = static_cast<std::int64_t>(total);
    return Duration(negative ? -value : value);
}

Result<bool> parse_boolean(std::string_view text) {
    for (std::string_view const yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        if (text == yes) return true;
    }
    for (std::string_view const no : {"0", "f", "F", "false", "FALSE", "False"}) {
        if (text == no) return false;
    }
    return failed("parse error");
}

}  // namespace doozer::base
