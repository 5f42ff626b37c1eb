// A program that uses the library all the time, for tests that do something to its servers
// meanwhile: steady_clients URI NAME [reads]. Three clients, each a way to use it: one that counts
// with compare-and-set, one with many writes under way, one that reads what the others write; with
// "reads" only that one.
//
// Says "ready", then every error in a line of its own; at the end of its input what it has seen:
// "writes=N reads=N errors=N unknown=N back=N longest_ms=N value=N". A line of input is answered
// with "addresses HOST:PORT HOST:PORT HOST:PORT writes N".
#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "doozer/client.h"

namespace {

using Clock = std::chrono::steady_clock;
using doozer::Revision;

struct Seen {
    std::atomic<long> writes = 0;
    std::atomic<long> reads = 0;
    std::atomic<long> errors = 0;
    std::atomic<long> unknown = 0;
    std::atomic<long> back = 0;
    std::atomic<long> longest_ms = 0;
    std::atomic<bool> stop = false;
    std::mutex printing;

    void error(char const* who, doozer::Error const& e) {
        bool const is_unknown = e.write_outcome() == doozer::WriteOutcome::unknown;
        ++(is_unknown ? unknown : errors);
        std::lock_guard const lock(printing);
        std::cout << who << ": " << e.message() << std::endl;
    }
    void went_back(char const* who, long from, long to) {
        ++back;
        std::lock_guard const lock(printing);
        std::cout << who << ": went back from " << from << " to " << to << std::endl;
    }
    void wrote(Clock::time_point began) {
        ++writes;
        auto const took =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
        longest_ms = std::max<long>(longest_ms, took.count());
    }
};

/// Counts upwards; each number exactly once, whatever happens. Returns the last.
long count(doozer::Client& client, std::string const& path, Seen& seen) {
    long number = 0;
    Revision rev = doozer::missing;
    while (!seen.stop) {
        auto const began = Clock::now();
        auto const written = client.set(path, std::to_string(number + 1), rev);
        if (written.ok()) {
            seen.wrote(began);
            rev = *written;
            ++number;
            continue;
        }
        auto const& e = written.error();
        bool const is_unknown = e.write_outcome() == doozer::WriteOutcome::unknown;
        if (e.code != doozer::Errc::rev_mismatch) seen.error("count", e);
        if (is_unknown) continue;  // once more, with the same condition
        auto const file = client.get(path, doozer::linear);
        if (!file.ok()) {
            seen.error("look", file.error());
            continue;
        }
        // Nobody else writes here: it was this program, whose answer was lost.
        long const there = file->exists() ? std::stol(file->value) : 0;
        if (there != number && there != number + 1) seen.went_back("count", number, there);
        number = there;
        rev = file->rev;
    }
    return number;
}

/// Many writes under way at a time, which must happen in the order in which they were called.
void stream(doozer::Client& client, std::string const& path, Seen& seen) {
    constexpr long under_way_max = 64;
    std::atomic<long> under_way = 0;
    Revision last;  // of the library's thread
    for (long n = 0; !seen.stop; ++n) {
        while (under_way >= under_way_max) std::this_thread::yield();
        ++under_way;
        client.async_set(path, std::to_string(n), doozer::clobber,
                         [&, began = Clock::now()](doozer::Result<Revision> const& rev) {
                             if (!rev.ok()) {
                                 seen.error("stream", rev.error());
                             } else {
                                 seen.wrote(began);
                                 if (*rev <= last)
                                     seen.went_back("stream", last.value(), rev->value());
                                 last = *rev;
                             }
                             --under_way;  // last: then this function may return
                         });
    }
    while (under_way > 0) std::this_thread::yield();
}

void read(doozer::Client& client, std::string const& path, Seen& seen) {
    Revision last;
    while (!seen.stop) {
        auto const file = client.get(path);
        if (!file.ok()) {
            seen.error("read", file.error());
            continue;
        }
        ++seen.reads;
        if (file->rev < last) seen.went_back("read", last.value(), file->rev.value());
        last = std::max(last, file->rev);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    bool const writes = argc == 3;
    std::string const name = argv[2];
    Seen seen;
    std::vector<doozer::Client> clients;
    for (int i = 0; i < 3; ++i) {
        auto client = doozer::Client::connect(argv[1]);
        if (!client.ok()) {
            std::cout << "connect: " << client.error().message() << std::endl;
            return 1;
        }
        clients.push_back(std::move(client).value());
    }
    long value = 0;
    std::thread counting([&] {
        if (writes) value = count(clients[0], "/" + name + "/count", seen);
    });
    std::thread streaming([&] {
        if (writes) stream(clients[1], "/" + name + "/stream", seen);
    });
    std::thread reading([&] { read(clients[2], "/" + name + "/stream", seen); });
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::lock_guard const lock(seen.printing);
        std::cout << "addresses";
        for (auto const& client : clients) std::cout << ' ' << client.address();
        std::cout << " writes " << seen.writes << std::endl;
    }
    seen.stop = true;
    for (auto* const thread : {&counting, &streaming, &reading}) thread->join();
    std::cout << "writes=" << seen.writes << " reads=" << seen.reads << " errors=" << seen.errors
              << " unknown=" << seen.unknown << " back=" << seen.back
              << " longest_ms=" << seen.longest_ms << " value=" << value << std::endl;
    return 0;
}
