// SETs that are on disk when they return, as clients see them: rate and latency with 1, 16 and 256
// clients of one request at a time, beside what the disk itself does and beside etcd.
//
//   durable_bench -doozerd URI -instance n [-etcd host:port] -disk folder [-seconds 5]
//
// `-disk` is a folder on the disk that the journal is on. scripts/bench-durable starts all of it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/flags.h"
#include "doozer/durable.h"
#include "net/address.h"
#include "net/asio.h"

namespace {

using namespace doozer;  // NOLINT(google-build-using-namespace): a program, not a library
using Clock = std::chrono::steady_clock;

constexpr std::string_view value = "0123456789abcdef";
constexpr std::size_t keys_per_client = 100;

struct Figures {
    double seconds = 0;
    std::vector<double> latencies_ms = {};
    std::string failure = {};
};

double percentile(std::vector<double>& numbers, double share) {
    if (numbers.empty()) return 0;
    auto const at = static_cast<std::ptrdiff_t>(share * static_cast<double>(numbers.size() - 1));
    std::nth_element(numbers.begin(), numbers.begin() + at, numbers.end());
    return numbers[static_cast<std::size_t>(at)];
}

void print(char const* what, std::size_t clients, Figures figures) {
    if (!figures.failure.empty()) {
        std::printf("%-10s %7zu  failed: %s\n", what, clients, figures.failure.c_str());
        return;
    }
    double const rate = static_cast<double>(figures.latencies_ms.size()) / figures.seconds;
    std::printf("%-10s %7zu %12.0f %10.2f %10.2f\n", what, clients, rate,
                percentile(figures.latencies_ms, 0.5), percentile(figures.latencies_ms, 0.99));
    std::fflush(stdout);
}

double milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// --- the disk --------------------------------------------------------------------------------

/// Appends as much as a record has and forces it to disk, again and again.
Figures measure_disk(std::string const& folder, Clock::duration duration) {
    std::string const name = folder + "/durable-bench-floor";
    int const fd = open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    Figures figures;
    if (fd < 0) {
        figures.failure = "cannot write to " + folder;
        return figures;
    }
    std::string const record(64, 'r');
    auto const begin = Clock::now();
    while (Clock::now() < begin + duration) {
        auto const before = Clock::now();
        if (write(fd, record.data(), record.size()) < 0 || fdatasync(fd) != 0) {
            figures.failure = "cannot write to " + name;
            break;
        }
        figures.latencies_ms.push_back(milliseconds_since(before));
    }
    figures.seconds = milliseconds_since(begin) / 1000;
    close(fd);
    unlink(name.c_str());
    return figures;
}

// --- doozerd and doozerp -----------------------------------------------------------------------

/// A client that always has one SET outstanding.
class Writer {
  public:
    Writer(DurableClient client, std::size_t number, Clock::time_point end)
        : client_(std::move(client)), number_(number), end_(end) {}

    void next() {
        std::string const path =
            "/bench/" + std::to_string(number_) + "/" + std::to_string(count_++ % keys_per_client);
        client_.async_set(path, value, clobber,
                          [this, begin = Clock::now()](Result<Revision> const& rev) {
                              if (!rev.ok()) figures.failure = rev.error().message();
                              figures.latencies_ms.push_back(milliseconds_since(begin));
                              if (!rev.ok() || Clock::now() >= end_)
                                  done = true;
                              else
                                  next();
                              done.notify_all();
                          });
    }

    Figures figures;
    std::atomic<bool> done{false};

  private:
    DurableClient client_;
    std::size_t number_;
    Clock::time_point end_;
    std::size_t count_ = 0;
};

Figures measure_doozer(std::string const& uri, std::int64_t instance, std::size_t clients,
                       Clock::duration duration) {
    DurableOptions options;
    options.instance = instance;
    Figures all;
    std::vector<DurableClient> connected;
    for (std::size_t i = 0; i < clients; ++i) {
        auto client = DurableClient::connect(uri, options);
        if (!client.ok()) {
            all.failure = client.error().message();
            return all;
        }
        connected.push_back(std::move(client).value());
    }
    auto const begin = Clock::now();
    std::vector<std::unique_ptr<Writer>> writers;
    for (auto& client : connected)
        writers.push_back(
            std::make_unique<Writer>(std::move(client), writers.size(), begin + duration));
    for (auto const& writer : writers) writer->next();
    for (auto const& writer : writers) writer->done.wait(false);
    all.seconds = milliseconds_since(begin) / 1000;
    for (auto const& writer : writers) {
        auto const& one = writer->figures;
        all.latencies_ms.insert(all.latencies_ms.end(), one.latencies_ms.begin(),
                                one.latencies_ms.end());
        if (!one.failure.empty()) all.failure = one.failure;
    }
    return all;
}

// --- etcd --------------------------------------------------------------------------------------

/// A PUT over and over on one connection, through etcd's HTTP gateway.
class EtcdClient : public std::enable_shared_from_this<EtcdClient> {
  public:
    EtcdClient(net::asio::io_context& loop, Figures& figures, std::size_t number,
               Clock::time_point end)
        : socket_(loop), figures_(figures), number_(number), end_(end) {}

    void start(net::tcp::endpoint const& server) {
        socket_.async_connect(server, [self = shared_from_this()](net::error_code const& error) {
            if (error) return self->fail(error.message());
            self->next();
        });
    }

  private:
    void next() {
        // Keys of one length whose Base64 is its own: all of its characters are digits.
        std::string key = std::to_string(100'000'000 + number_ * 1000 + count_++ % keys_per_client);
        key.resize(12, '0');
        std::string const body = R"({"key":")" + key + R"(","value":"MDEyMzQ1Njc4OWFiY2RlZg=="})";
        request_ =
            "POST /v3/kv/put HTTP/1.1\r\nHost: etcd\r\nContent-Type: application/json\r\n"
            "Content-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        began_ = Clock::now();
        net::asio::async_write(
            socket_, net::asio::buffer(request_),
            [self = shared_from_this()](net::error_code const& error, std::size_t) {
                if (error) return self->fail(error.message());
                self->receive();
            });
    }

    void receive() {
        socket_.async_read_some(
            net::asio::buffer(buffer_),
            [self = shared_from_this()](net::error_code const& error, std::size_t size) {
                if (error) return self->fail(error.message());
                self->answer_.append(self->buffer_.data(), size);
                self->look();
            });
    }

    void look() {
        static constexpr std::string_view length_header = "Content-Length: ";
        std::size_t const head = answer_.find("\r\n\r\n");
        std::size_t const length = answer_.find(length_header);
        if (head == std::string::npos || length > head) return receive();
        std::size_t const size = std::stoul(answer_.substr(length + length_header.size(), 9));
        if (answer_.size() < head + 4 + size) return receive();
        if (!answer_.starts_with("HTTP/1.1 200")) return fail(answer_.substr(0, 100));
        answer_.clear();
        figures_.latencies_ms.push_back(milliseconds_since(began_));
        if (Clock::now() < end_) next();
    }

    void fail(std::string const& why) { figures_.failure = why; }

    net::tcp::socket socket_;
    Figures& figures_;
    std::size_t number_;
    Clock::time_point end_;
    Clock::time_point began_;
    std::size_t count_ = 0;
    std::string request_;
    std::string answer_;
    std::array<char, 4096> buffer_{};
};

Figures measure_etcd(net::tcp::endpoint const& server, std::size_t clients,
                     Clock::duration duration) {
    net::asio::io_context loop(1);
    Figures figures;
    auto const begin = Clock::now();
    for (std::size_t i = 0; i < clients; ++i)
        std::make_shared<EtcdClient>(loop, figures, i, begin + duration)->start(server);
    loop.run();
    figures.seconds = milliseconds_since(begin) / 1000;
    return figures;
}

int usage(std::string const& why) {
    std::fprintf(stderr,
                 "durable_bench: %s\nUsage: durable_bench -doozerd URI -instance n "
                 "[-etcd ip:port] -disk folder [-seconds n]\n",
                 why.c_str());
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::string doozerd;
    std::string etcd;
    std::string disk;
    std::int64_t instance = 1;
    std::int64_t seconds = 5;
    base::Flags flags;
    flags.add_text("doozerd", doozerd);
    flags.add_text("etcd", etcd);
    flags.add_text("disk", disk);
    flags.add_integer("instance", instance);
    flags.add_integer("seconds", seconds);
    std::vector<std::string_view> const words(argv + 1, argv + argc);
    auto const read = flags.parse(words);
    if (!read.ok()) return usage(read.error().detail);
    if (read.value() != words.size() || seconds < 1) return usage("unexpected argument");
    if (disk.empty() || doozerd.empty()) return usage("-doozerd and -disk are needed");
    net::tcp::endpoint etcd_endpoint;
    if (!etcd.empty()) {
        auto const address = net::parse_address(etcd, 2379);
        net::error_code error;
        auto const ip =
            net::asio::ip::make_address(address.ok() ? address.value().host : std::string(), error);
        if (error) return usage("-etcd: no IP address");
        etcd_endpoint = {ip, address.value().port};
    }

    auto const duration = std::chrono::seconds(seconds);
    std::printf("%-10s %7s %12s %10s %10s\n", "", "clients", "SETs/s", "median ms", "99% ms");
    print("fdatasync", 1, measure_disk(disk, duration));
    for (std::size_t const clients : {1U, 16U, 256U}) {
        print("doozer", clients, measure_doozer(doozerd, instance, clients, duration));
        if (!etcd.empty()) print("etcd", clients, measure_etcd(etcd_endpoint, clients, duration));
    }
    print("fdatasync", 1, measure_disk(disk, duration));
    return 0;
}
