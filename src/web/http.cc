#include "web/http.h"

#include <algorithm>
#include <iterator>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/assert.h"
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

/// Takes path and parameters apart. False if the target is none this server could have.
bool read_target(std::string_view target, HttpRequest& request) {
    if (!target.starts_with('/')) return false;
    std::size_t const mark = target.find('?');
    auto path = percent_decoded(target.substr(0, mark), false);
    if (!path) return false;
    request.path = std::move(*path);
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
        if (!name || !value) return false;
        request.parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

int status_of(boost::system::error_code const& error) {
    if (error == http::error::header_limit) return 431;
    if (error == http::error::body_limit) return 413;
    return 400;
}

/// What is wrong with the header as a whole: a body whose end others may see elsewhere, or more
/// than one name of the server. 0: nothing is.
int fault_of(http::fields const& header) {
    auto const [coding, codings_end] = header.equal_range(http::field::transfer_encoding);
    if (coding != codings_end && (std::next(coding) != codings_end ||
                                  !same_ignoring_case(std::string(coding->value()), "chunked"))) {
        return 501;
    }
    return header.count(http::field::host) > 1 ? 400 : 0;
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
    bool asked_to_continue = false;
    std::size_t header_bytes = 0;
};

RequestReader::RequestReader(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {
    begin();
}

RequestReader::~RequestReader() = default;

void RequestReader::begin() {
    state_ = std::make_unique<State>();
    state_->parser.header_limit(static_cast<std::uint32_t>(web_header_bytes_max));
    state_->parser.body_limit(body_bytes_max_);
}

bool RequestReader::in_a_request() const {
    return state_->parser.got_some();
}

RequestReader::Outcome RequestReader::read(std::string_view bytes) {
    using enum Outcome::State;
    auto& parser = state_->parser;
    Outcome outcome;
    boost::system::error_code error;
    // First the header alone, then the body in pieces as they come.
    while (outcome.used < bytes.size() && !parser.is_done()) {
        bool const in_header = !parser.is_header_done();
        std::size_t const used = parser.put(
            boost::asio::buffer(bytes.data() + outcome.used, bytes.size() - outcome.used), error);
        outcome.used += used;
        if (in_header) state_->header_bytes += used;
        if (error == http::error::need_more)
            error = {};
        else if (error || state_->header_bytes > web_header_bytes_max) {
            outcome.state = refused;
            outcome.status = error ? status_of(error) : 431;
            return outcome;
        } else if (int const fault =
                       in_header && parser.is_header_done() ? fault_of(parser.get()) : 0) {
            outcome.state = refused;
            outcome.status = fault;
            return outcome;
        } else if (used > 0)
            continue;
        break;
    }
    if (parser.is_done()) {
        outcome.state = done;
    } else if (bytes.size() - outcome.used + (parser.is_header_done() ? 0 : state_->header_bytes) >
               web_header_bytes_max) {
        // The header, or what a body in chunks has of the kind: extensions, trailers.
        outcome.state = refused;
        outcome.status = 431;
    } else if (parser.is_header_done() && !std::exchange(state_->asked_to_continue, true) &&
               same_ignoring_case(std::string(parser.get()[http::field::expect]), "100-continue")) {
        outcome.state = expects_continue;
    }
    return outcome;
}

HttpRequest RequestReader::take() {
    DOOZER_ASSERT(state_->parser.is_done());
    auto message = state_->parser.release();
    begin();
    HttpRequest request;
    request.method = method_of(message.method());
    request.keep_alive = message.keep_alive();
    std::string_view const target(message.target().data(), message.target().size());
    if (!read_target(target, request)) request.path.clear();
    for (auto const& field : message) {
        request.headers.emplace_back(
            lower_case({field.name_string().data(), field.name_string().size()}),
            std::string(field.value()));
    }
    request.body = std::move(message.body());
    return request;
}

std::string const* HttpRequest::header(std::string_view lower_case_name) const {
    return find(headers, lower_case_name);
}

std::string const* HttpRequest::parameter(std::string_view name) const {
    return find(parameters, name);
}

std::string response_head(HttpResponse const& response, std::optional<std::size_t> content_size,
                          bool keep_alive) {
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
        if (content_size) line("Content-Length", std::to_string(*content_size));
    }
    for (auto const& [name, value] : response.headers) line(name, value);
    if (response.status != 101) line("Connection", keep_alive ? "keep-alive" : "close");
    out += "\r\n";
    return out;
}

}  // namespace doozer::web
