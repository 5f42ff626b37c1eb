// What doozerp tells of itself, as text that Prometheus reads.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"

namespace doozer::journal {

/// Written by the threads of doozerp, read by another.
struct Metrics {
    using Count = std::atomic<std::uint64_t>;
    using Number = std::atomic<std::int64_t>;

    Number instance{0};
    Number revision_journaled{0};  ///< of the last record
    Number revision_done{0};       ///< of the last event that was dealt with
    Number revision_cluster{0};    ///< as last heard
    Number nanoseconds_heard{0};   ///< when that was, by the steady clock
    Number nanoseconds_caught_up{0};
    Count records{0};
    Count record_bytes{0};
    Count syncs{0};
    Count sync_nanoseconds{0};
    Count journal_bytes{0};
    Count journal_live_bytes{0};
    Count journal_files{0};
    Count acknowledgements{0};
    Count acknowledgements_repeated{0};
    Count acknowledgements_waiting{0};
    Count compactions{0};
    Count compactions_failed{0};
    Count connections{0};
    Count changes_too_large{0};

    /// To be called when revision_done or revision_cluster has changed.
    void note_lag(std::chrono::steady_clock::time_point now);
    /// How long doozerp has not had all that the cluster is known to hold; 0 if it has.
    [[nodiscard]] double lag_seconds(std::chrono::steady_clock::time_point now) const;
    /// In Prometheus' text format.
    [[nodiscard]] std::string text() const;
};

/// Writes the metrics to a file, in one piece. Error: the file cannot be written.
base::Result<base::Done> write_metrics(std::string const& name, Metrics const& metrics);

/// Does that once a second, as node-exporter's textfile collector
/// wants it.
class MetricsFile {
  public:
    MetricsFile(std::string name, Metrics const& metrics);
    ~MetricsFile();
    MetricsFile(MetricsFile const&) = delete;
    MetricsFile& operator=(MetricsFile const&) = delete;

  private:
    void run();

    std::string const name_;
    Metrics const& metrics_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace doozer::journal
