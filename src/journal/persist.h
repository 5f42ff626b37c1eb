// doozerp's work: a journal kept up with a cluster. Source: persistence.md; docs/persistence.md.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "doozer/client.h"
#include "journal/acknowledgements.h"
#include "journal/copy.h"
#include "journal/journal.h"
#include "journal/metrics.h"
#include "journal/stream.h"

namespace doozer::journal {

struct PersistOptions {
    bool restore = false;
    bool force = false;
    bool mirrors = true;        ///< acknowledge each path by a file of its own, too
    bool print = false;         ///< each mutation to standard output, once it is on disk
    std::int64_t instance = 0;  ///< the number to use; 0 for a new one
    std::uint64_t slack = 0;    ///< as Journal::is_oversized
};

class Persister {
  public:
    using Log = std::function<void(std::string const&)>;

    /// All must outlive it, and `metrics` the client, too; `journal` is open.
    Persister(Client& client, Journal& journal, PersistOptions options, Metrics& metrics, Log log);

    /// Restores if it is to, makes sure that the journal is this cluster's, and takes the number.
    /// Error: one line that says why this journal and this cluster do not go together.
    Result<Done> begin();

    /// Journals until stop(). Error: what cannot be gone on with; nothing is acknowledged that is
    /// not on disk.
    Result<Done> run();

    /// Any thread.
    void stop();

  private:
    // --- beginning ---
    Result<Done> restore_journal();
    Result<Done> compare();
    Result<bool> is_same_history(Revision last);
    Result<Done> take_instance();
    Result<bool> try_instance();
    [[nodiscard]] std::string token_path() const;
    Result<Done> introduce();
    Result<Done> acknowledge_what_is_missing();

    // --- going on ---
    [[nodiscard]] Error explained(Error const& error) const;
    Result<Done> turn();
    Result<bool> handle(Stream::Arrived const& arrived);
    Result<bool> is_from_our_cluster(std::uint64_t connection);
    Result<Done> recognise_cluster();
    Result<Done> copy();
    void add(Mutation const& mutation);
    base::Result<base::Done> commit();
    Result<Done> compact();
    void ask_for_revision();
    bool is_stopped_within(std::chrono::milliseconds time);

    Client& client_;
    Journal& journal_;
    PersistOptions const options_;
    Metrics& metrics_;
    Log const log_;
    Stream stream_;
    std::unique_ptr<Acknowledgements> acknowledgements_;
    std::atomic<bool> stop_{false};

    std::int64_t instance_ = 0;
    std::string token_;                    // what our file in the cluster says
    Revision token_rev_ = missing;         // of that file
    std::set<std::uint64_t> connections_;  // to servers that have our file

    bool copy_first_ = false;
    Revision done_ = missing;  // every event up to here is dealt with
    struct Pending {
        std::string path;
        std::optional<Revision> rev;
    };
    std::vector<Pending> group_;                           // what the next commit acknowledges
    std::string printed_;                                  // what it prints
    bool const is_terminal_ = isatty(STDOUT_FILENO) != 0;  // where it prints that
    std::chrono::steady_clock::time_point next_tick_;
    std::chrono::steady_clock::time_point next_compaction_;
};

}  // namespace doozer::journal
