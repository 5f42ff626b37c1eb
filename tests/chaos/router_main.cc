// chaos_router: carries packets between network namespaces as slowly and disorderly as it is told.
//
//   chaos_router SEED NAMESPACE=ADDRESS...
//
// NAMESPACE is a file such as /proc/123/ns/net, ADDRESS the IPv4 address that is at home there. In
// each it makes a TUN device "slow0"; what the routes of a namespace send into it comes out in the
// namespace where its destination is at home. Standard input changes one direction of one link:
//
//   FROM TO DELAY_US JITTER_US REORDERED      a delay is DELAY plus or minus up to JITTER; of a
//                                             thousand packets REORDERED do not keep the order
//
// It says "ready" when all devices are there, and ends with its input.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "base/prng.h"

namespace {

using Clock = std::chrono::steady_clock;
using Address = std::uint32_t;  // in the order of the network

constexpr std::size_t packets_waiting_max = 20'000;
constexpr std::size_t packet_bytes_max = 65'536;

struct Way {
    std::int64_t delay_us = 0;
    std::int64_t jitter_us = 0;
    std::uint64_t reordered = 0;  // of a thousand
    Clock::time_point last = {};  // nothing that keeps the order comes before it
};

struct Packet {
    Clock::time_point due;
    std::uint64_t number;
    int device;
    std::string bytes;
    bool operator<(Packet const& other) const {  // the first due is the largest
        return due != other.due ? due > other.due : number > other.number;
    }
};

class Router {
  public:
    explicit Router(std::uint64_t seed) : prng_(seed) {}

    bool add(std::string const& net_namespace, std::string const& address) {
        int const ns = ::open(net_namespace.c_str(), O_RDONLY | O_CLOEXEC);
        bool good = ns >= 0 && ::setns(ns, CLONE_NEWNET) == 0;
        if (ns >= 0) ::close(ns);
        int const device = good ? ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
        ifreq request{};
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        std::strcpy(request.ifr_name, "slow0");
        good = device >= 0 && ::ioctl(device, TUNSETIFF, &request) == 0;
        if (!good) return false;
        devices_.push_back({device, POLLIN, 0});
        device_of_[inet_addr(address.c_str())] = device;
        return true;
    }

    void run() {
        devices_.push_back({STDIN_FILENO, POLLIN, 0});
        for (;;) {
            deliver();
            ::poll(devices_.data(), devices_.size(), milliseconds_to_wait());
            if (devices_.back().revents != 0 && !read_orders()) return;
            for (std::size_t i = 0; i + 1 < devices_.size(); ++i) {
                if ((devices_[i].revents & POLLIN) != 0) take(devices_[i].fd);
            }
        }
    }

  private:
    [[nodiscard]] int milliseconds_to_wait() const {
        if (waiting_.empty()) return -1;
        auto const left =
            std::chrono::ceil<std::chrono::milliseconds>(waiting_.top().due - Clock::now());
        return static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }

    void deliver() {
        while (!waiting_.empty() && waiting_.top().due <= Clock::now()) {
            Packet const& packet = waiting_.top();
            // Whatever the system does not take is lost, as on any network.
            [[maybe_unused]] auto const sent =
                ::write(packet.device, packet.bytes.data(), packet.bytes.size());
            waiting_.pop();
        }
    }

    void take(int device) {
        char bytes[packet_bytes_max];
        for (;;) {
            ssize_t const got = ::read(device, bytes, sizeof bytes);
            if (got <= 0) return;
            route({bytes, static_cast<std::size_t>(got)});
        }
    }

    void route(std::string_view bytes) {
        if (bytes.size() < 20 || (static_cast<unsigned char>(bytes[0]) >> 4U) != 4) return;
        Address from = 0;
        Address to = 0;
        std::memcpy(&from, bytes.data() + 12, sizeof from);
        std::memcpy(&to, bytes.data() + 16, sizeof to);
        auto const device = device_of_.find(to);
        if (device == device_of_.end() || waiting_.size() >= packets_waiting_max) return;
        Way& way = ways_[{from, to}];
        Clock::time_point due = Clock::now() + std::chrono::microseconds(delay(way));
        if (prng_.below(1000) >= way.reordered) due = way.last = std::max(way.last, due);
        waiting_.push({due, ++packets_, device->second, std::string(bytes)});
    }

    std::int64_t delay(Way const& way) {
        if (way.jitter_us == 0) return way.delay_us;
        auto const span = static_cast<std::uint64_t>(2 * way.jitter_us + 1);
        auto const jitter = static_cast<std::int64_t>(prng_.below(span)) - way.jitter_us;
        return std::max<std::int64_t>(0, way.delay_us + jitter);
    }

    bool read_orders() {
        char bytes[4096];
        ssize_t const got = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (got <= 0) return false;
        orders_.append(bytes, static_cast<std::size_t>(got));
        for (std::size_t end = 0; (end = orders_.find('\n')) != std::string::npos;) {
            obey(orders_.substr(0, end));
            orders_.erase(0, end + 1);
        }
        return true;
    }

    void obey(std::string const& line) {
        char from[64];
        char to[64];
        long delay_us = 0;
        long jitter_us = 0;
        unsigned long reordered = 0;
        if (std::sscanf(line.c_str(), "%63s %63s %ld %ld %lu", from, to, &delay_us, &jitter_us,
                        &reordered) != 5) {
            std::fprintf(stderr, "chaos_router: what is \"%s\"?\n", line.c_str());
            return;
        }
        ways_[{inet_addr(from), inet_addr(to)}] = Way{delay_us, jitter_us, reordered, {}};
    }

    doozer::base::Prng prng_;
    std::vector<pollfd> devices_;
    std::map<Address, int> device_of_;
    std::map<std::pair<Address, Address>, Way> ways_;
    std::priority_queue<Packet> waiting_;
    std::uint64_t packets_ = 0;
    std::string orders_;
};

}  // namespace

int main(int argc, char** argv) {
    Router router(argc > 1 ? std::stoull(argv[1]) : 1);
    for (int i = 2; i < argc; ++i) {
        std::string const argument = argv[i];
        std::size_t const equals = argument.rfind('=');
        if (equals == std::string::npos ||
            !router.add(argument.substr(0, equals), argument.substr(equals + 1))) {
            std::fprintf(stderr, "chaos_router: %s: %s\n", argv[i], std::strerror(errno));
            return 1;
        }
    }
    std::printf("ready\n");
    std::fflush(stdout);
    router.run();
    return 0;
}
