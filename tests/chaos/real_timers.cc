// Loaded before libfaketime, which shifts the time at which a timer of the monotonic clock expires
// by what it adds to the time of day. Asio asks for a time long past to be woken at once, and got
// none at all.
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern "C" int timerfd_settime(int fd, int flags, itimerspec const* wanted,
                               itimerspec* before) noexcept {
    return static_cast<int>(syscall(SYS_timerfd_settime, fd, flags, wanted, before));
}

extern "C" int timerfd_gettime(int fd, itimerspec* left) noexcept {
    return static_cast<int>(syscall(SYS_timerfd_gettime, fd, left));
}
