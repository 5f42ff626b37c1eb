// Throughput and latency of a server as its clients see them: GET and SET of 16-byte values, one
// request outstanding or many, beside a Redis server driven by the same program in the same run.
//
//   doozer-bench -doozerd 127.0.0.1:8046 [-redis 127.0.0.1:6379] [-seconds 5]
//   doozer-bench -doozerd 127.0.0.1:8046 -echo 127.0.0.1:9000    a cluster beside two_hop_echo
//
// The load comes from one thread and shares the machine with the servers; its share of one core
// is printed, so that one sees when it is the limit.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/flags.h"
#include "base/prng.h"
#include "net/address.h"
#include "net/asio.h"
#include "wire/client_codec.h"
#include "wire/frame.h"

namespace {

using namespace doozer;  // NOLINT(google-build-using-namespace): a program, not a library
using Clock = std::chrono::steady_clock;

constexpr std::size_t keys = 10'000;
constexpr std::string_view value = "0123456789abcdef";

enum class Operation { get, set };

/// How one server is spoken to.
class Protocol {
  public:
    Protocol() = default;
    Protocol(Protocol const&) = delete;
    Protocol& operator=(Protocol const&) = delete;
    virtual ~Protocol() = default;
    virtual void append_request(std::string& out, Operation operation, std::size_t key,
                                std::int32_t tag) = 0;
    /// Takes whole replies off `in` and returns how many, or -1 if one is not what it should be.
    virtual int take_replies(std::string_view& in, Operation operation) = 0;
};

class Doozer : public Protocol {
  public:
    void append_request(std::string& out, Operation operation, std::size_t key,
                        std::int32_t tag) override {
        std::string const path = "/bench/" + std::to_string(1'000'000 + key);
        base::Request request;
        request.tag = base::Tag(tag);
        request.verb = operation == Operation::get ? base::Verb::get : base::Verb::set;
        request.path = path;
        if (operation == Operation::set) {
            request.value = value;
            request.rev = base::clobber;
        }
        wire::append_request(out, request);
    }

    int take_replies(std::string_view& in, Operation operation) override {
        wire::FrameSplitter frames(in, 16U << 20U);
        int count = 0;
        for (;;) {
            auto const frame = frames.next();
            if (!frame.ok()) return -1;
            if (!frame.value()) break;
            auto const response = wire::decode_response(*frame.value());
            if (!response.ok() || response.value().err_code) return -1;
            if (operation == Operation::get && response.value().value != value) return -1;
            ++count;
        }
        in.remove_prefix(frames.consumed());
        return count;
    }
};

class Redis : public Protocol {
  public:
    void append_request(std::string& out, Operation operation, std::size_t key,
                        std::int32_t /*tag*/) override {
        std::string const name = "bench/" + std::to_string(1'000'000 + key);
        bool const get = operation == Operation::get;
        out += get ? "*2\r\n$3\r\nGET\r\n" : "*3\r\n$3\r\nSET\r\n";
        out += "$" + std::to_string(name.size()) + "\r\n" + name + "\r\n";
        if (!get) out.append("$16\r\n").append(value).append("\r\n");
    }

    int take_replies(std::string_view& in, Operation operation) override {
        std::string const whole = operation == Operation::get
                                      ? "$16\r\n" + std::string(value) + "\r\n"
                                      : std::string("+OK\r\n");
        int count = 0;
        while (in.size() >= whole.size()) {
            if (!in.starts_with(whole)) return -1;
            in.remove_prefix(whole.size());
            ++count;
        }
        return count;
    }
};

/// Sends what a SET is and expects the same back.
class Echo : public Doozer {
  public:
    int take_replies(std::string_view& in, Operation /*operation*/) override {
        wire::FrameSplitter frames(in, 16U << 20U);
        int count = 0;
        for (;;) {
            auto const frame = frames.next();
            if (!frame.ok()) return -1;
            if (!frame.value()) break;
            ++count;
        }
        in.remove_prefix(frames.consumed());
        return count;
    }
};

struct Load {
    Operation operation;
    std::size_t connections;
    std::size_t outstanding;  // per connection
    Clock::duration duration;
};

struct Figures {
    std::size_t requests = 0;
    double seconds = 0;
    double own_cpu = 0;  // of one core
    std::vector<std::uint32_t> latencies_ns;
    bool failed = false;
};

/// One connection that always has the same number of requests outstanding.
class Client : public std::enable_shared_from_this<Client> {
  public:
    Client(net::asio::io_context& loop, Protocol& protocol, Load const& load, Figures& figures,
           std::uint64_t seed)
        : socket_(loop), protocol_(protocol), load_(load), figures_(figures), prng_(seed) {}

    bool connect(net::tcp::endpoint const& server) {
        net::error_code error;
        socket_.connect(server, error);
        if (!error) socket_.set_option(net::tcp::no_delay(true), error);
        return !error;
    }

    void start(Clock::time_point end) {
        end_ = end;
        send(load_.outstanding);
        receive();
    }

  private:
    void send(std::size_t count) {
        std::string out;
        auto const now = Clock::now();
        for (std::size_t i = 0; i < count; ++i) {
            protocol_.append_request(out, load_.operation, prng_.below(keys), next_tag_++);
            sent_.push_back(now);
        }
        net::error_code error;
        net::asio::write(socket_, net::asio::buffer(out), error);
        if (error) figures_.failed = true;
    }

    void receive() {
        socket_.async_read_some(
            net::asio::buffer(buffer_),
            [self = shared_from_this()](net::error_code const& error, std::size_t size) {
                if (error) {
                    self->figures_.failed = true;
                    return;
                }
                self->on_bytes(size);
            });
    }

    void on_bytes(std::size_t size) {
        in_.append(buffer_.data(), size);
        std::string_view rest = in_;
        int const replies = protocol_.take_replies(rest, load_.operation);
        if (replies < 0) {
            figures_.failed = true;
            return;
        }
        in_.erase(0, in_.size() - rest.size());
        auto const now = Clock::now();
        for (int i = 0; i < replies; ++i) {
            figures_.latencies_ns.push_back(
                static_cast<std::uint32_t>((now - sent_.front()).count()));
            sent_.pop_front();
        }
        figures_.requests += static_cast<std::size_t>(replies);
        if (now >= end_) return;
        if (replies > 0) send(static_cast<std::size_t>(replies));
        receive();
    }

    net::tcp::socket socket_;
    Protocol& protocol_;
    Load const& load_;
    Figures& figures_;
    base::Prng prng_;
    Clock::time_point end_;
    std::deque<Clock::time_point> sent_;
    std::array<char, 65536> buffer_;
    std::string in_;
    std::int32_t next_tag_ = 0;
};

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto const seconds = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Figures run(net::tcp::endpoint const& server, Protocol& protocol, Load const& load) {
    net::asio::io_context loop(1);
    Figures figures;
    figures.latencies_ns.reserve(10'000'000);
    std::vector<std::shared_ptr<Client>> clients;
    for (std::size_t i = 0; i < load.connections; ++i) {
        clients.push_back(std::make_shared<Client>(loop, protocol, load, figures, i + 1));
        if (!clients.back()->connect(server)) figures.failed = true;
    }
    if (figures.failed) return figures;
    auto const begin = Clock::now();
    double const cpu_before = cpu_seconds();
    for (auto const& client : clients) client->start(begin + load.duration);
    loop.run();
    figures.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    figures.own_cpu = (cpu_seconds() - cpu_before) / figures.seconds;
    return figures;
}

double percentile_us(std::vector<std::uint32_t>& latencies, double share) {
    if (latencies.empty()) return 0;
    auto const at = static_cast<std::ptrdiff_t>(share * static_cast<double>(latencies.size() - 1));
    std::nth_element(latencies.begin(), latencies.begin() + at, latencies.end());
    return latencies[static_cast<std::size_t>(at)] / 1000.0;
}

bool fill(net::tcp::endpoint const& server, Protocol& protocol) {
    net::asio::io_context loop;
    net::tcp::socket socket(loop);
    net::error_code error;
    socket.connect(server, error);
    std::string in;
    std::array<char, 4096> buffer;
    for (std::size_t key = 0; key < keys && !error; ++key) {
        std::string out;
        protocol.append_request(out, Operation::set, key, 0);
        net::asio::write(socket, net::asio::buffer(out), error);
        for (int replies = 0; replies == 0 && !error;) {
            in.append(buffer.data(), socket.read_some(net::asio::buffer(buffer), error));
            std::string_view rest = in;
            replies = protocol.take_replies(rest, Operation::set);
            if (replies < 0) return false;
            in.erase(0, in.size() - rest.size());
        }
    }
    return !error;
}

struct Server {
    std::string name;
    std::unique_ptr<Protocol> protocol;
    net::tcp::endpoint endpoint;
};

/// One SET outstanding, of each server in turn, a few times: what the machine does meanwhile
/// concerns all of them alike. False if one fails.
bool compare_with_floor(Server const& doozerd, Server const& echo, std::int64_t seconds) {
    constexpr int turns = 5;
    Load const load{Operation::set, 1, 1, std::chrono::milliseconds(1000 * seconds / turns)};
    std::vector<std::uint32_t> set;
    std::vector<std::uint32_t> floor;
    for (int turn = 0; turn < turns; ++turn) {
        Figures const a = run(doozerd.endpoint, *doozerd.protocol, load);
        Figures const b = run(echo.endpoint, *echo.protocol, load);
        if (a.failed || b.failed) return false;
        set.insert(set.end(), a.latencies_ns.begin(), a.latencies_ns.end());
        floor.insert(floor.end(), b.latencies_ns.begin(), b.latencies_ns.end());
    }
    double const set_us = percentile_us(set, 0.5);
    double const floor_us = percentile_us(floor, 0.5);
    std::printf(
        "SET 1 x 1: median %.1f us, 99%% %.1f us; echo over two hops: median %.1f us, "
        "99%% %.1f us; %.2f times the floor\n",
        set_us, percentile_us(set, 0.99), floor_us, percentile_us(floor, 0.99), set_us / floor_us);
    return true;
}

constexpr char usage_text[] =
    "Usage: doozer-bench -doozerd host:port [-redis host:port] [-echo host:port]\n"
    "                    [-seconds n]\n";

int usage(std::string const& why) {
    std::fprintf(stderr, "doozer-bench: %s\n%s", why.c_str(), usage_text);
    return 2;
}

/// Every load on every server, one after the other. The exit status.
int compare(std::vector<Server> const& servers, std::int64_t seconds) {
    for (Server const& server : servers) {
        if (!fill(server.endpoint, *server.protocol))
            return usage(server.name + " does not answer");
    }
    std::printf("%-4s %5s x %-4s %-8s %12s %10s %10s %9s\n", "", "conns", "out", "server",
                "requests/s", "median us", "99% us", "load CPU");
    struct Shape {
        std::size_t connections;
        std::size_t outstanding;
    };
    for (Shape const shape : {Shape{1, 1}, Shape{50, 1}, Shape{8, 32}}) {
        for (Operation const operation : {Operation::get, Operation::set}) {
            std::vector<double> rates;
            for (Server const& server : servers) {
                Load const load{operation, shape.connections, shape.outstanding,
                                std::chrono::seconds(seconds)};
                Figures figures = run(server.endpoint, *server.protocol, load);
                if (figures.failed) return usage(server.name + " failed under load");
                rates.push_back(static_cast<double>(figures.requests) / figures.seconds);
                std::printf("%-4s %5zu x %-4zu %-8s %12.0f %10.1f %10.1f %8.0f%%\n",
                            operation == Operation::get ? "GET" : "SET", shape.connections,
                            shape.outstanding, server.name.c_str(), rates.back(),
                            percentile_us(figures.latencies_ns, 0.5),
                            percentile_us(figures.latencies_ns, 0.99), 100 * figures.own_cpu);
            }
            if (rates.size() == 2) std::printf("%38s %.2f of redis\n", "", rates[0] / rates[1]);
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::string doozerd;
    std::string redis;
    std::string echo;
    std::int64_t seconds = 5;
    bool help = false;
    base::Flags flags;
    flags.add_boolean("h", help);
    flags.add_boolean("help", help);
    flags.add_text("doozerd", doozerd);
    flags.add_text("redis", redis);
    flags.add_text("echo", echo);
    flags.add_integer("seconds", seconds);
    std::vector<std::string_view> const words(argv + 1, argv + argc);
    auto const read = flags.parse(words);
    if (!read.ok()) return usage(read.error().detail);
    if (help) return std::fputs(usage_text, stdout) < 0;
    if (read.value() != words.size() || seconds < 1) return usage("unexpected argument");

    std::vector<Server> servers;
    auto const add = [&](std::string const& name, std::string const& text,
                         std::unique_ptr<Protocol> protocol) -> bool {
        if (text.empty()) return true;
        auto const address = net::parse_address(text, 0);
        net::error_code error;
        auto const ip =
            net::asio::ip::make_address(address.ok() ? address.value().host : std::string(), error);
        if (error) return false;
        servers.push_back({name, std::move(protocol), {ip, address.value().port}});
        return true;
    };
    if (!add("doozerd", doozerd, std::make_unique<Doozer>()))
        return usage("-doozerd: no IP address");
    if (!add("redis", redis, std::make_unique<Redis>())) return usage("-redis: no IP address");
    if (servers.empty()) return usage("no server");
    if (!echo.empty()) {
        if (doozerd.empty() || !add("echo", echo, std::make_unique<Echo>()))
            return usage("-echo: no IP address, or nothing to compare it with");
        return compare_with_floor(servers.front(), servers.back(), seconds)
                   ? 0
                   : usage("a server failed under load");
    }

    return compare(servers, seconds);
}
