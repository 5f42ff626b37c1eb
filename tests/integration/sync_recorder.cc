// Loaded into doozerp by journal_crash_test.py (LD_PRELOAD): writes down how much of which file has
// been forced to disk, so that the test can take away everything else, as a loss of power does.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>

extern "C" int fdatasync(int fd) {
    using Sync = int (*)(int);
    static auto const real = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, "fdatasync"));
    struct stat status {};
    // What is written while the sync runs is not known to be on disk when it returns.
    if (fstat(fd, &status) != 0) return -1;
    if (real(fd) != 0) return -1;
    static int const log = open(getenv("DOOZER_SYNC_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    std::array<std::uint64_t, 2> const line{status.st_ino,
                                            static_cast<std::uint64_t>(status.st_size)};
    return write(log, line.data(), sizeof line) == sizeof line ? 0 : -1;
}
