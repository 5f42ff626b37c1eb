// doozerp: keeps a journal of a cluster. Source: doozerp(8).
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/visible.h"
#include "doozer/version.h"
#include "journal/doozerp_options.h"
#include "journal/persist.h"
#include "journal/standard_streams.h"
#include "net/manager.h"

namespace {

using namespace doozer;  // NOLINT(google-build-using-namespace): a program, not a library

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

/// Names and what a server says are in it: they must not move a terminal's cursor.
void log(std::string const& line) {
    std::fprintf(stderr, "doozerp: %s\n", base::visible_line(line).c_str());
}

int fail(std::string const& why, int status = exit_failure) {
    log(why);
    return status;
}

/// Our own refusals are plain words; those of the server come with their code.
int fail(Error const& error) {
    bool const is_ours = error.code == Errc::other && error.detail != "permission denied";
    return fail(is_ours ? error.detail : error.message());
}

/// Wakes the thread that waits for signals when there is nothing more to wait for.
constexpr int wake_signal = SIGUSR1;

sigset_t stop_signals() {
    sigset_t signals{};
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, wake_signal);
    return signals;
}

/// Takes SIGTERM and SIGINT in a thread of its own. The journal can be left at any moment, so a
/// persister that waits for a cluster that is away is not waited for.
class StopOnSignal {
  public:
    /// REQUIRES: these signals are blocked in all threads.
    explicit StopOnSignal(journal::Persister& persister) : persister_(persister) {
        thread_ = std::thread([this] { run(); });
    }
    ~StopOnSignal() {
        {
            std::lock_guard const lock(mutex_);
            over_ = true;
            changed_.notify_all();
        }
        pthread_kill(thread_.native_handle(), wake_signal);
        thread_.join();
    }
    StopOnSignal(StopOnSignal const&) = delete;
    StopOnSignal& operator=(StopOnSignal const&) = delete;

  private:
    static constexpr std::chrono::seconds patience{3};

    void run() {
        sigset_t const signals = stop_signals();
        int signal = 0;
        sigwait(&signals, &signal);
        std::unique_lock lock(mutex_);
        if (over_) return;
        persister_.stop();
        if (!changed_.wait_for(lock, patience, [this] { return over_; })) _exit(0);
    }

    journal::Persister& persister_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread thread_;
};

int run(journal::DoozerpOptions const& options) {
    // Before any thread is started, so that none of them gets a signal.
    sigset_t const signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    journal::Journal::Found found;
    auto journal = journal::Journal::open(options.journal, options.repair, found);
    if (!journal.ok()) return fail(journal.error().detail);
    if (!found.cut.empty()) log(found.cut);

    // Outlives the client: an answer that is on its way when we stop writes to it.
    journal::Metrics metrics;
    Options connection;
    connection.boot_uri = options.boot_uri;
    connection.tls_authority_file = options.tls_authority_file;
    auto client = Client::connect(options.uri, connection);
    if (!client.ok()) return fail(client.error().message());

    journal::PersistOptions persist;
    persist.restore = options.restore;
    persist.force = options.force;
    persist.print = options.print;
    persist.mirrors = options.mirrors;
    persist.instance = options.instance;
    persist.slack = static_cast<std::uint64_t>(options.slack);
    journal::Persister persister(*client, journal.value(), persist, metrics, log);
    StopOnSignal const stop_on_signal(persister);
    if (auto const begun = persister.begin(); !begun.ok()) return fail(begun.error());

    std::unique_ptr<journal::MetricsFile> file;
    if (!options.metrics_file.empty()) {
        auto const written = journal::write_metrics(options.metrics_file, metrics);
        if (!written.ok()) return fail(written.error().detail);
        file = std::make_unique<journal::MetricsFile>(options.metrics_file, metrics);
    }
    net::notify_manager("READY=1\nSTATUS=instance " + std::to_string(metrics.instance.load()));
    auto const ended = persister.run();
    if (!ended.ok()) return fail(ended.error());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    journal::occupy_standard_streams();
    // A limit on the size of files is like a disk that is full: an error, and not the end.
    std::signal(SIGXFSZ, SIG_IGN);
    std::vector<std::string_view> const words(argv + (argc > 0 ? 1 : 0), argv + argc);
    auto const options = journal::parse_doozerp_options(words);
    if (!options.ok()) return fail(options.error().detail, exit_usage);
    if (options.value().help) return std::fputs(journal::doozerp_usage.data(), stdout) < 0 ? 1 : 0;
    if (options.value().version) return std::puts("doozerp " DOOZER_VERSION) < 0 ? 1 : 0;
    if (!options.value().ignored.empty()) {
        std::fprintf(stderr, "doozerp: ignored, since it is no flag: %s\n",
                     options.value().ignored.c_str());
    }
    return run(options.value());
}
