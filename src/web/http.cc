#include "web/http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iterator>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/assert.h"
#include "web/header_check.h"
#include "web/text.h"

namespace doozer::web {

namespace http = boost::beast::http;

namespace {

Method method_of(http::verb verb) {
    switch (verb) {
        case http::verb::get:
            return Method::get;
        case http::verb::head:
            return Method::head;
        case http::verb::put:
            return Method::put;
        case http::verb::delete_:
            return Method::del;
        default:
            return Method::other;
    }
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// Whether the escaped text has an escaped slash: it would be a slash here, and another character
/// to a proxy that decides by the path who may do what.
bool has_escaped_slash(std::string_view path) {
    for (std::size_t i = path.find('%'); i < path.size(); i = path.find('%', i + 1)) {
        if (same_ignoring_case(path.substr(i, 3), "%2f")) return true;
    }
    return false;
}

/// "http://host/path" is "/path" if the host is the one of the header Host; RFC 9112, 3.2.2.
/// Empty if it is not.
std::string_view without_authority(std::string_view target, std::string const* host) {
    for (std::string_view const scheme : {"http://", "https://"}) {
        if (!same_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        std::string_view const rest = target.substr(scheme.size());
        std::size_t const end = std::min(rest.find_first_of("/?#"), rest.size());
        bool const same = host != nullptr && same_ignoring_case(rest.substr(0, end), *host);
        return same && end < rest.size() && rest[end] == '/' ? rest.substr(end) : "";
    }
    return target;
}

/// Takes path and parameters apart. What is wrong with the target, or nothing.
std::string_view read_target(std::string_view target, HttpRequest& request) {
    if (!target.starts_with('/')) {
        target = without_authority(target, request.header("host"));
        if (!target.starts_with('/')) return "the address must be a path, or name the Host";
    }
    std::size_t const mark = target.find('?');
    std::string_view const escaped = target.substr(0, mark);
    if (has_escaped_slash(escaped)) return "%2f in a path is ambiguous: write /, or use ?path=";
    auto path = percent_decoded(escaped, false);
    if (!path || path->find('\0') != std::string::npos) return "an escape in the path is wrong";
    std::string_view rest =
        mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    while (!rest.empty()) {
        std::size_t const end = std::min(rest.find('&'), rest.size());
        std::string_view const item = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (item.empty()) continue;
        std::size_t const equals = std::min(item.find('='), item.size());
        auto name = percent_decoded(item.substr(0, equals), true);
        auto value = percent_decoded(item.substr(std::min(equals + 1, item.size())), true);
        if (!name || !value) return "an escape in the query is wrong";
        request.parameters.emplace_back(std::move(*name), std::move(*value));
    }
    request.path = std::move(*path);
    return {};
}

RequestReader::Outcome refusal(HeaderFault const& fault) {
    return {RequestReader::Outcome::State::refused, 0, fault.status, fault.why};
}

HeaderFault fault_of(boost::system::error_code const& error) {
    if (error == http::error::header_limit) return {431, "request line and headers are too long"};
    if (error == http::error::body_limit) return {413, "value too large"};
    if (error == http::error::bad_content_length) {
        return {400, "Content-Length must be one number, without Transfer-Encoding"};
    }
    return {400, "not a request of HTTP/1.1"};
}

/// What is wrong with the length of a body: others may see its end elsewhere.
HeaderFault fault_of(http::request_parser<http::string_body> const& parser) {
    auto const& header = parser.get();
    auto const [coding, codings_end] = header.equal_range(http::field::transfer_encoding);
    if (coding == codings_end) return {};
    if (header.version() < 11) return {400, "HTTP/1.0 has no Transfer-Encoding"};
    bool const is_chunked = std::next(coding) == codings_end &&
                            same_ignoring_case(std::string(coding->value()), "chunked");
    return is_chunked ? HeaderFault{} : HeaderFault{501, "no transfer coding but chunked"};
}

std::string_view reason_of(int status) {
    auto const reason = http::obsolete_reason(static_cast<http::status>(status));
    return {reason.data(), reason.size()};
}

template <typename Item>
std::string const* find(std::vector<Item> const& items, std::string_view name) {
    auto const found =
        std::find_if(items.begin(), items.end(), [&](Item const& i) { return i.first == name; });
    return found == items.end() ? nullptr : &found->second;
}

}  // namespace

struct RequestReader::State {
    http::request_parser<http::string_body> parser;
    std::size_t body_reserved = 0;
};

RequestReader::RequestReader() {
    begin();
}

RequestReader::~RequestReader() = default;

void RequestReader::begin() {
    state_.reset();
    searched_ = 0;
    empty_lines_ = 0;
    began_ = in_body_ = false;
}

RequestReader::Outcome RequestReader::read(std::string_view bytes) {
    return in_body_ ? read_body(bytes) : read_head(bytes);
}

/// Takes nothing until the whole header is there: it is judged as a whole.
RequestReader::Outcome RequestReader::read_head(std::string_view bytes) {
    Outcome outcome;
    // Some clients send an empty line after a body. RFC 9112, 2.2.
    while (!began_ && bytes.starts_with("\r\n") && empty_lines_ < 2) {
        bytes.remove_prefix(2);
        outcome.used += 2;
        ++empty_lines_;
    }
    if (bytes.empty() || (!began_ && bytes == "\r")) return outcome;
    began_ = true;
    constexpr std::string_view empty_line = "\r\n\r\n";
    std::size_t const found = bytes.find(empty_line, searched_);
    HeaderFault fault = check_line_ends(bytes.substr(0, found), searched_);
    if (fault.why.empty()) fault = check_first_line(bytes);
    if (!fault.why.empty()) return refusal(fault);
    std::size_t const size = std::min(found, bytes.size());
    if (size > web_header_bytes_max) return refusal({431, "request line and headers are too long"});
    if (found == std::string_view::npos) {
        searched_ = bytes.size() - std::min(bytes.size(), empty_line.size() - 1);
        return outcome;
    }
    std::string_view const header = bytes.substr(0, found + empty_line.size());
    if (fault = check_header(header); !fault.why.empty()) return refusal(fault);
    state_ = std::make_unique<State>();
    auto& parser = state_->parser;
    parser.header_limit(static_cast<std::uint32_t>(web_header_bytes_max + empty_line.size()));
    parser.body_limit(boost::none);
    boost::system::error_code error;
    std::size_t const used = parser.put(boost::asio::buffer(header.data(), header.size()), error);
    if (error && error != http::error::need_more) return refusal(fault_of(error));
    if (!parser.is_header_done() || used != header.size()) return refusal({});
    if (fault = fault_of(parser); !fault.why.empty()) return refusal(fault);
    outcome.state = Outcome::State::head;
    outcome.used += used;
    return outcome;
}

HttpRequest RequestReader::take_head() {
    DOOZER_ASSERT(state_ != nullptr && !in_body_);
    auto const& parser = state_->parser;
    auto const& message = parser.get();
    HttpRequest request;
    request.method = method_of(message.method());
    request.keep_alive = message.keep_alive();
    request.is_http_1_0 = message.version() < 11;
    for (auto const& field : message) {
        request.headers.emplace_back(
            lower_case({field.name_string().data(), field.name_string().size()}),
            std::string(field.value()));
    }
    request.fault = read_target({message.target().data(), message.target().size()}, request);
    if (auto const length = parser.content_length()) request.content_length = *length;
    request.has_body = parser.chunked() || request.content_length.value_or(0) > 0;
    if (std::string const* const expected = request.header("expect")) {
        request.waits_for_leave = same_ignoring_case(*expected, "100-continue");
        if (!request.waits_for_leave) request.fault = "Expect: only 100-continue is understood";
    }
    in_body_ = request.has_body;
    if (!in_body_) begin();
    return request;
}

void RequestReader::expect_body(std::size_t bytes_max) {
    DOOZER_ASSERT(in_body_);
    state_->parser.body_limit(bytes_max);
    state_->body_reserved = static_cast<std::size_t>(state_->parser.content_length().value_or(0));
    DOOZER_ASSERT(state_->body_reserved <= bytes_max);
}

RequestReader::Outcome RequestReader::read_body(std::string_view bytes) {
    auto& parser = state_->parser;
    Outcome outcome;
    boost::system::error_code error;
    while (outcome.used < bytes.size() && !parser.is_done()) {
        std::size_t const used = parser.put(
            boost::asio::buffer(bytes.data() + outcome.used, bytes.size() - outcome.used), error);
        outcome.used += used;
        if (error && error != http::error::need_more) return refusal(fault_of(error));
        if (error || used == 0) break;
    }
    if (parser.is_done()) {
        outcome.state = Outcome::State::done;
    } else if (bytes.size() - outcome.used > web_header_bytes_max) {
        // What a body in chunks has of the kind: extensions, trailers.
        return refusal({431, "an extension or a trailer of the body is too long"});
    }
    return outcome;
}

std::string RequestReader::take_body() {
    DOOZER_ASSERT(in_body_ && state_->parser.is_done());
    std::string body = std::move(state_->parser.get().body());
    begin();
    return body;
}

std::size_t RequestReader::body_charge() const {
    if (!in_body_) return 0;
    return std::max(state_->body_reserved, state_->parser.get().body().capacity());
}

std::string const* HttpRequest::header(std::string_view lower_case_name) const {
    return find(headers, lower_case_name);
}

std::string const* HttpRequest::parameter(std::string_view name) const {
    return find(parameters, name);
}

std::string response_head(HttpResponse const& response, BodyLength length, bool keep_alive) {
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
    out += reason_of(response.status);
    out += "\r\n";
    auto const line = [&](std::string_view name, std::string_view value) {
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    };
    bool const has_content =
        response.status != 101 && response.status != 204 && response.status != 304;
    if (has_content) {
        line("Content-Type", response.content_type);
        if (length.kind == BodyLength::Kind::known) {
            line("Content-Length", std::to_string(length.bytes));
        } else if (length.kind == BodyLength::Kind::chunked) {
            line("Transfer-Encoding", "chunked");
        }
    }
    for (auto const& [name, value] : response.headers) line(name, value);
    if (response.status != 101) line("Connection", keep_alive ? "keep-alive" : "close");
    out += "\r\n";
    return out;
}

void append_chunk(std::string& out, std::string_view part) {
    DOOZER_ASSERT(!part.empty());
    std::array<char, 2 * sizeof(std::size_t)> digits{};
    auto const [end, unused] =
        std::to_chars(digits.data(), digits.data() + digits.size(), part.size(), 16);
    out.append(digits.data(), end);
    out += "\r\n";
    out += part;
    out += "\r\n";
}

std::string http_date(std::int64_t unix_seconds) {
    using namespace std::chrono;
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    sys_seconds const time{std::chrono::seconds(unix_seconds)};
    auto const day = floor<std::chrono::days>(time);
    year_month_day const date(day);
    hh_mm_ss const clock(time - day);
    std::array<char, 64> text{};
    int const size = std::snprintf(
        text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
        days.at(weekday(day).c_encoding()), static_cast<unsigned>(date.day()),
        months.at(static_cast<unsigned>(date.month()) - 1), static_cast<int>(date.year()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace doozer::web
