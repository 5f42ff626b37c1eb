// chaos_load: clients of three kinds that write, compare-and-set, delete, read and watch, and write
// down what they did and were told.
//
//   chaos_load -members ADDR,ADDR,... -folder /PATH -seed N -out FILE [-run N]
//
// Runs of one cluster have different numbers, and so have their operations. It prints "loaded" once
// it is under way, runs until its standard input ends, then waits for what is under way, for one
// more write and for its watchers to see it, and asks every process for all its revisions since the
// start. Exits 0 when FILE is written and nothing is missing in it.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/flags.h"
#include "doozer/client.h"
#include "recorder.h"

namespace {

using namespace chaos;  // NOLINT(google-build-using-namespace): a program, not a library
using namespace std::chrono_literals;

constexpr std::uint64_t operations_max = 10'000'000;  // of a run
constexpr std::size_t blocking_clients = 3;
constexpr std::size_t asynchronous_clients = 1;
constexpr std::size_t raw_clients = 4;
constexpr std::int64_t recovery_ms = 60'000;

std::vector<std::string> split(std::string const& text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        std::size_t const comma = std::min(text.find(',', at), text.size());
        if (comma > at) parts.push_back(text.substr(at, comma - at));
        at = comma + 1;
    }
    return parts;
}

/// The call's result, asked for again until there is one; nothing after a minute.
template <typename Call>
auto insist(Plan const& plan, Call call)
    -> std::optional<std::decay_t<decltype(call(std::declval<doozer::Client&>()).value())>> {
    std::int64_t const deadline = now() + recovery_ms * millisecond;
    doozer::Options options;
    options.request_timeout = 3s;
    for (std::size_t attempt = 0; now() < deadline; ++attempt) {
        auto client = doozer::Client::connect(plan.uri(attempt), options);
        if (!client.ok()) continue;
        auto result = call(client.value());
        if (result.ok()) return result.value();
        std::this_thread::sleep_for(50ms);
    }
    return std::nullopt;
}

struct Threads {
    std::vector<std::thread> clients;
    std::vector<std::thread> watchers;
    static void join(std::vector<std::thread>& threads) {
        for (std::thread& thread : threads) thread.join();
    }
};

Threads start(Recorder& recorder, Plan const& plan) {
    Threads threads;
    std::size_t number = 0;
    auto const add = [&](std::vector<std::thread>& to, auto run) {
        to.emplace_back(run, std::ref(recorder), std::cref(plan), number++);
    };
    for (std::size_t i = 0; i < blocking_clients; ++i) add(threads.clients, run_blocking_client);
    for (std::size_t i = 0; i < asynchronous_clients; ++i) {
        add(threads.clients, run_asynchronous_client);
    }
    for (std::size_t i = 0; i < raw_clients; ++i) add(threads.clients, run_raw_client);
    add(threads.watchers, run_blocking_watcher);
    add(threads.watchers, run_callback_watcher);
    add(threads.watchers, run_raw_watcher);
    return threads;
}

void wait_for_the_end_of_input() {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

bool parse(int argc, char** argv, Plan& plan, std::string& out) {
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string const name = argv[i];
        std::string const value = argv[i + 1];
        if (name == "-members") plan.addresses = split(value);
        if (name == "-folder") plan.folder = value;
        if (name == "-seed") plan.seed = std::stoull(value);
        if (name == "-out") out = value;
        if (name == "-run") plan.run = std::stoull(value);
    }
    return !plan.addresses.empty() && !plan.folder.empty() && !out.empty();
}

}  // namespace

int main(int argc, char** argv) {
    Plan plan;
    std::string file;
    if (!parse(argc, argv, plan, file)) {
        std::fprintf(stderr,
                     "usage: chaos_load -members ADDR,... -folder /PATH -seed N -out FILE\n");
        return 2;
    }
    Recorder recorder(plan.run * operations_max);
    auto const begin = insist(plan, [](doozer::Client& c) { return c.rev(doozer::linear); });
    if (!begin) {
        std::fprintf(stderr, "chaos_load: no server answers\n");
        return 1;
    }
    plan.from = begin->next().value();
    Threads threads = start(recorder, plan);
    std::printf("loaded\n");
    std::fflush(stdout);
    wait_for_the_end_of_input();

    plan.stop = true;
    Threads::join(threads.clients);
    auto const end = insist(
        plan, [&](doozer::Client& c) { return c.set(plan.end_marker(), "", doozer::clobber); });
    if (!end) recorder.complain("no write within a minute of the end of the faults");
    Threads::join(threads.watchers);
    std::ofstream out(file);
    recorder.write(out);
    for (std::string const& address : plan.addresses) {
        if (!end) break;
        if (!write_log_of(out, address, plan.from, end->value())) {
            recorder.complain(address + " does not hold all revisions of the run");
        }
    }
    out.close();
    std::printf("%s\n", recorder.summary().c_str());
    for (std::string const& what : recorder.complaints()) std::printf("WRONG: %s\n", what.c_str());
    return recorder.complaints().empty() && out.good() ? 0 : 1;
}
