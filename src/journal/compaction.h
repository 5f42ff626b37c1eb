// Writing a journal anew without what no longer counts, while the old one goes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "journal/file.h"
#include "journal/index.h"

namespace doozer::journal {

/// Copies the records that are live at its beginning, in the journal's order, to a file beside it,
/// in a thread of its own. Every record of the journal is checked on the way.
class Compaction {
  public:
    /// What it has made, on disk.
    struct Made {
        DiskFile file;
        std::uint64_t bytes = 0;
        std::vector<std::uint64_t> offsets;  ///< in `file`, of each of the places
    };

    struct Failure {
        bool journal_is_damaged = false;  ///< else the new file could not be written
        std::string why;
    };

    /// `places` are in the order of their offsets and end at `end` or before it.
    Compaction(std::string journal, std::vector<Place> places, std::uint64_t end);
    /// Waits for its thread, which stops soon.
    ~Compaction();
    Compaction(Compaction const&) = delete;
    Compaction& operator=(Compaction const&) = delete;

    [[nodiscard]] bool is_done() const;
    void wait() const { made_.wait(); }
    /// Waits for it, once.
    base::Result<Made, Failure> take() { return made_.get(); }

    /// Where the records that come later begin in the old journal.
    [[nodiscard]] std::uint64_t end() const { return end_; }
    [[nodiscard]] std::vector<Place> const& places() const { return places_; }

    /// The name of the file that it writes.
    static std::string file_of(std::string const& journal);

  private:
    [[nodiscard]] base::Result<Made, Failure> make() const;

    std::string const journal_;
    std::vector<Place> const places_;
    std::uint64_t const end_;
    std::atomic<bool> stop_{false};
    std::promise<base::Result<Made, Failure>> promise_;
    std::future<base::Result<Made, Failure>> made_ = promise_.get_future();
    std::thread thread_;
};

}  // namespace doozer::journal
