#include "journal/metrics.h"

#include <cinttypes>
#include <cstdio>
#include <utility>

#include "doozer/version.h"
#include "journal/file.h"

namespace doozer::journal {
namespace {

using std::chrono::steady_clock;

std::int64_t nanoseconds_of(steady_clock::time_point time) {
    return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

/// A cluster that was not heard of for so long may hold more than we know.
constexpr std::int64_t silence_max_nanoseconds = 3'000'000'000;

void add(std::string& out, char const* name, char const* type, char const* help, double value) {
    char line[512];
    std::snprintf(line, sizeof line,
                  "# HELP doozerp_%s %s\n# TYPE doozerp_%s %s\ndoozerp_%s %.15g\n", name, help,
                  name, type, name, value);
    out += line;
}

double seconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) * 1e-9;
}

template <typename Value>
double number(Value const& value) {
    return static_cast<double>(value.load());
}

}  // namespace

void Metrics::note_lag(steady_clock::time_point now) {
    if (revision_done >= revision_cluster) nanoseconds_caught_up = nanoseconds_of(now);
}

double Metrics::lag_seconds(steady_clock::time_point now) const {
    std::int64_t const at = nanoseconds_of(now);
    bool const heard = at - nanoseconds_heard < silence_max_nanoseconds;
    if (heard && revision_done >= revision_cluster) return 0;
    return static_cast<double>(at - nanoseconds_caught_up) * 1e-9;
}

std::string Metrics::text() const {
    std::string out =
        "# HELP doozerp_info The instance and the version.\n# TYPE doozerp_info gauge\n"
        "doozerp_info{instance=\"" +
        std::to_string(instance.load()) + "\",version=\"" + DOOZER_VERSION + "\"} 1\n";
    auto const gauge = [&](char const* name, char const* help, double value) {
        add(out, name, "gauge", help, value);
    };
    auto const counter = [&](char const* name, char const* help, double value) {
        add(out, name, "counter", help, value);
    };
    std::int64_t const behind = revision_cluster - revision_done;
    gauge("lag_revisions", "Revisions of the cluster that are not dealt with yet.",
          static_cast<double>(behind > 0 ? behind : 0));
    gauge("lag_seconds", "How long the journal has not had all that the cluster is known to hold.",
          lag_seconds(steady_clock::now()));
    gauge("journaled_revision", "Revision of the last record.", number(revision_journaled));
    gauge("done_revision", "Revision up to which changes are dealt with.", number(revision_done));
    gauge("cluster_revision", "Newest revision of the cluster that is known.",
          number(revision_cluster));
    counter("records_total", "Changes journaled.", number(records));
    counter("record_bytes_total", "Bytes of the changes journaled.", number(record_bytes));
    counter("syncs_total", "Times that changes were forced to disk.", number(syncs));
    counter("sync_seconds_total", "Time spent in writing and forcing to disk.",
            seconds(sync_nanoseconds));
    gauge("journal_bytes", "Size of the journal.", number(journal_bytes));
    gauge("journal_live_bytes", "Size of the records of files that exist.",
          number(journal_live_bytes));
    gauge("journal_files", "Files that exist.", number(journal_files));
    counter("acknowledgements_total", "Acknowledgements written.", number(acknowledgements));
    counter("acknowledgements_repeated_total", "Acknowledgements that had to be written again.",
            number(acknowledgements_repeated));
    gauge("acknowledgements_waiting", "Acknowledgements not written yet.",
          number(acknowledgements_waiting));
    counter("compactions_total", "Times that the journal was compacted.", number(compactions));
    counter("compactions_failed_total", "Compactions that could not be written.",
            number(compactions_failed));
    counter("connections_total", "Connections to the cluster.", number(connections));
    counter("changes_too_large_total", "Changes that fit into no record and are not journaled.",
            number(changes_too_large));
    auto const wall = std::chrono::system_clock::now().time_since_epoch();
    gauge("updated_timestamp_seconds", "When this was written.",
          std::chrono::duration<double>(wall).count());
    return out;
}

base::Result<base::Done> write_metrics(std::string const& name, Metrics const& metrics) {
    DOOZER_TRY(DiskFile file, DiskFile::create(name + ".new"));
    DOOZER_TRY([[maybe_unused]] auto const readable, file.make_readable());
    DOOZER_TRY([[maybe_unused]] auto const written, file.append(metrics.text()));
    if (std::rename(file.name().c_str(), name.c_str()) != 0)
        return file_error("rename", file.name());
    return base::Done{};
}

MetricsFile::MetricsFile(std::string name, Metrics const& metrics)
    : name_(std::move(name)), metrics_(metrics) {
    thread_ = std::thread([this] { run(); });
}

MetricsFile::~MetricsFile() {
    {
        std::lock_guard const lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

void MetricsFile::run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
        // A disk that is full now need not be so later; the file's age tells of it.
        (void)write_metrics(name_, metrics_);
        changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; });
    }
}

}  // namespace doozer::journal
