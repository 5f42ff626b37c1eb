// What a request's header must look like before it is parsed: parsers of proxies and of servers
// disagree on sloppy headers, and an attacker hides one request in another where they do.
#pragma once

#include <cstddef>
#include <string_view>

namespace doozer::web {

/// Why a header is refused; `why` is empty if it is not.
struct HeaderFault {
    int status = 400;
    std::string_view why = {};
};

/// Judges the first line as soon as it is there, or its first byte: a client that does not speak
/// HTTP/1 is told so at once, and not when its time is up.
HeaderFault check_first_line(std::string_view bytes);

/// Judges the ends of the lines in what has arrived, from position `from` on: a client whose lines
/// end in LF alone never sends the end of a header that is waited for.
HeaderFault check_line_ends(std::string_view bytes, std::size_t from);

/// Judges a whole header, from the first line to the empty line that ends it. Refuses folded lines,
/// lines that end in LF alone, control characters, more than web_headers_max lines, and two of any
/// header that this server acts on.
HeaderFault check_header(std::string_view header);

}  // namespace doozer::web
