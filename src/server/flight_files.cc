#include "server/flight_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/assert.h"

namespace doozer::server {

namespace {

struct {
    wire::FlightRecorder const* recorder = nullptr;
    consensus::Core const* core = nullptr;
} watched;

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const n = ::write(file, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

void write_watched() noexcept {
    std::string const said = write_recording(*watched.recorder, *watched.core);
    std::fprintf(stderr, "doozerd: flight recording: %s\n", said.c_str());
}

}  // namespace

std::string write_recording(wire::FlightRecorder const& recorder, consensus::Core const& core) {
    char const* const directory = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
    std::string path = directory != nullptr && *directory != '\0' ? directory : "/tmp";
    path += "/doozerd-" + core.me().str() + ".flight.XXXXXX";
    int const file = ::mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) return "cannot create " + path + ": " + std::strerror(errno);
    bool const written = write_all(file, recorder.dump(core));
    int const why = errno;
    ::close(file);
    return written ? path : "cannot write " + path + ": " + std::strerror(why);
}

void record_failures(wire::FlightRecorder const& recorder, consensus::Core const& core) {
    watched = {&recorder, &core};
    base::on_assertion_failed(write_watched);
}

}  // namespace doozer::server
