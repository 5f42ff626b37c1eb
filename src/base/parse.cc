#include "base/parse.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
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

Result<std::size_t> parse_bytes(std::string_view text) {
    DOOZER_TRY(std::int64_t const value, parse_integer(text));
    if (value < 0) return failed("value out of range");
    return static_cast<std::size_t>(value);
}

Result<Duration> parse_seconds(std::string_view text) {
    bool const negative = take_sign(text);
    long double number = 0;
    if (!take_decimal(text, number) || !text.empty()) return failed("invalid syntax");
    number *= 1e9L;
    if (number > int64_limit) return failed("value out of range");
    auto const value = static_cast<std::int64_t>(std::llround(number));
    return Duration(negative ? -value : value);
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
