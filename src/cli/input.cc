#include "cli/input.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/limits.h"
#include "base/parse.h"

namespace doozer::cli {

base::Result<std::string, Outcome> read_body(std::FILE* in, std::size_t limit) {
    std::string body;
    std::vector<char> chunk(base::read_chunk_bytes);
    while (std::size_t const read = std::fread(chunk.data(), 1, chunk.size(), in)) {
        body.append(chunk.data(), read);
        if (body.size() > limit)
            return failure("the body is larger than " + std::to_string(limit) + " bytes");
    }
    if (std::ferror(in) != 0)
        return failure(std::string("read standard input: ") + std::strerror(errno));
    return body;
}

base::Result<Revision, Outcome> parse_revision(std::string_view text) {
    auto const number = base::parse_integer(text);
    if (number.ok()) return Revision(number.value());
    return failure("strconv.ParseInt: parsing \"" + std::string(text) +
                   "\": " + number.error().detail);
}

}  // namespace doozer::cli
