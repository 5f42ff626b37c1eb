// Any bytes as HTTP requests, cut anywhere: the reader finds the same requests, never one that is
// not there, and a body never grows beyond its bound. The first byte says where the stream is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "web/http.h"

namespace {

using doozer::web::HttpRequest;
using doozer::web::RequestReader;
using State = RequestReader::Outcome::State;

constexpr std::size_t body_bytes_max = 256;

struct Seen {
    std::vector<std::string> requests;
    int refused_with = 0;
    bool operator==(Seen const&) const = default;
};

std::string text_of(HttpRequest const& request) {
    std::string text = std::to_string(static_cast<int>(request.method)) + request.path + "?";
    for (auto const& [name, value] : request.parameters) text += name + "=" + value + "&";
    for (auto const& [name, value] : request.headers) text += "\n" + name + ":" + value;
    DOOZER_ASSERT(request.headers.size() <= doozer::base::web_headers_max);
    return text;
}

/// What the server does with a connection: it judges the header, then takes a body that it allows.
class Server {
  public:
    /// Takes as much as it can off the front of `buffer`. False: the connection is over.
    bool take(std::string& buffer) {
        std::size_t used = 0;
        while (seen_.refused_with == 0) {
            auto const outcome = reader_.read(std::string_view(buffer).substr(used));
            DOOZER_ASSERT(outcome.used <= buffer.size() - used);
            used += outcome.used;
            if (outcome.state == State::more) break;
            if (!on(outcome)) seen_.refused_with = std::max(1, outcome.status);
        }
        buffer.erase(0, used);
        return seen_.refused_with == 0;
    }
    [[nodiscard]] Seen const& seen() const { return seen_; }

  private:
    bool on(RequestReader::Outcome const& outcome) {
        if (outcome.state == State::refused) {
            DOOZER_ASSERT(outcome.status >= 400 && outcome.status < 600);
            return false;
        }
        if (outcome.state == State::done) {
            seen_.requests.push_back(reader_.take_body());
            DOOZER_ASSERT(seen_.requests.back().size() <= body_bytes_max);
            return true;
        }
        HttpRequest const request = reader_.take_head();
        seen_.requests.push_back(text_of(request));
        if (!request.has_body) return true;
        if (request.content_length.value_or(0) > body_bytes_max) return false;
        reader_.expect_body(body_bytes_max);
        return true;
    }

    RequestReader reader_;
    Seen seen_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::size_t const step = 1U + data[0];
    std::string_view const stream(reinterpret_cast<char const*>(data + 1), size - 1);

    Server at_once;
    std::string rest(stream);
    at_once.take(rest);

    Server in_pieces;
    std::string buffer;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        buffer += stream.substr(at, step);
        if (!in_pieces.take(buffer)) break;
    }
    // A fault in a part of a body that is not whole yet may be found now or with the next bytes.
    DOOZER_ASSERT(at_once.seen().requests == in_pieces.seen().requests);
    return 0;
}
