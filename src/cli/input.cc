#include "cli/input.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/limits.h"
#include "base/parse.h"

namespace doozer::cli {

namespace {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Whether there is something to read, or the end of it, before the deadline.
bool can_read(int fd, Deadline deadline) {
    if (!deadline) return true;
    for (;;) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(
            *deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd state{fd, POLLIN, 0};
        // What cannot be waited for, such as a file, is there.
        int const timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000));
        if (int const ready = poll(&state, 1, timeout); ready > 0) return true;
    }
}

}  // namespace

base::Result<std::string, Outcome> read_body(std::FILE* in, Deadline deadline, std::size_t limit) {
    std::string body;
    std::vector<char> chunk(base::read_chunk_bytes);
    int const fd = fileno(in);
    for (;;) {
        if (!can_read(fd, deadline)) return failure("no body on standard input in time");
        ssize_t const got = read(fd, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure(std::string("read standard input: ") + std::strerror(errno));
        if (got == 0) return body;
        body.append(chunk.data(), static_cast<std::size_t>(got));
        if (body.size() > limit)
            return failure("the body is larger than " + std::to_string(limit) + " bytes");
    }
}

base::Result<Revision, Outcome> parse_revision(std::string_view text) {
    auto const number = base::parse_integer(text);
    if (number.ok()) return Revision(number.value());
    return failure("strconv.ParseInt: parsing \"" + std::string(text) +
                   "\": " + number.error().detail);
}

}  // namespace doozer::cli
