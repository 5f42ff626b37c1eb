#include "server/machine.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <utility>

namespace doozer::server {

std::string hostname() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
    return name.data();
}

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    rlim_t const soft = std::exchange(limit.rlim_cur, limit.rlim_max);
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : soft;
}

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    if (!(file >> all >> resident)) return 0;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void prepare_process() {
    // Values from here on are mapped by themselves. Left alone, glibc raises this bound with the
    // first large value that is freed, and then keeps the holes that the next ones leave.
    constexpr int mapped_bytes_min = 256 * 1024;
    ::mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
    ::mallopt(M_TRIM_THRESHOLD, 8 * mapped_bytes_min);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGUSR2, SIG_IGN);  // it has no meaning here, and must not end the process
}

}  // namespace doozer::server
