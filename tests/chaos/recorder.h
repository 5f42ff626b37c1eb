// What every client of the load shares: who remembers, what to do next, when to stop.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "base/prng.h"
#include "history.h"

namespace chaos {

/// Nanoseconds.
std::int64_t now();
inline constexpr std::int64_t millisecond = 1'000'000;

/// Remembers what clients of any number of threads do. Sessions, as the checkers understand them:
/// operations one after the other, of which none sees less than those before it.
class Recorder {
  public:
    /// Numbers begin behind `before`: a write of an earlier run may still arrive in this one, and
    /// must not be taken for one of it.
    explicit Recorder(std::uint64_t before) : before_(before) {}

    std::size_t new_session() { return ++sessions_; }

    /// The operation begins now; it gets its number and, if it writes, its value.
    Op begin(Op op);
    /// It ends now, as `op.state` says.
    void end(Op op);
    void add(Watch watch);
    /// Something went wrong that the checkers would not see.
    void complain(std::string const& what);

    [[nodiscard]] std::vector<std::string> complaints();
    void write(std::ostream& out);
    /// "set done 120, set unknown 3, ..."
    [[nodiscard]] std::string summary();

  private:
    std::mutex mutex_;
    std::atomic<std::size_t> sessions_ = 0;
    std::uint64_t before_;
    std::vector<Op> ops_;  // by number
    std::vector<Watch> watches_;
    std::vector<std::string> complaints_;
};

/// What one client does next.
class Choice {
  public:
    Choice(std::uint64_t seed, std::string const& folder) : prng_(seed), folder_(folder) {}

    Op next();
    /// What the client has seen, for its next compare-and-set.
    void saw(Op const& op);
    /// Milliseconds.
    std::int64_t think() { return 1 + static_cast<std::int64_t>(prng_.below(40)); }
    std::uint64_t below(std::uint64_t n) { return prng_.below(n); }

  private:
    doozer::base::Prng prng_;
    std::string folder_;
    std::map<std::string, std::int64_t> known_;
    std::int64_t seen_ = 0;
};

/// How many files the clients fight for.
inline constexpr std::uint64_t files = 6;
inline constexpr std::int64_t patience_ms = 3000;  // for every request

struct Plan {
    std::vector<std::string> addresses;
    std::string folder;     // all that the clients write is below it
    std::int64_t from = 1;  // the first revision of this run
    std::uint64_t seed = 1;
    std::uint64_t run = 0;
    std::atomic<bool> stop = false;
    [[nodiscard]] std::string end_marker() const { return folder + "/end"; }
    /// The same addresses with another one first.
    [[nodiscard]] std::vector<std::string> addresses_from(std::size_t first) const;
    [[nodiscard]] std::string uri(std::size_t first) const;
};

// Each runs until the plan says stop; a watcher until it saw the end marker.
void run_blocking_client(Recorder& recorder, Plan const& plan, std::size_t number);
void run_asynchronous_client(Recorder& recorder, Plan const& plan, std::size_t number);
void run_raw_client(Recorder& recorder, Plan const& plan, std::size_t number);
void run_blocking_watcher(Recorder& recorder, Plan const& plan, std::size_t number);
void run_callback_watcher(Recorder& recorder, Plan const& plan, std::size_t number);
void run_raw_watcher(Recorder& recorder, Plan const& plan, std::size_t number);

/// Writes every revision in [from, upto] that the process at `address` holds; false if it does not
/// answer with all of them within a minute.
bool write_log_of(std::ostream& out, std::string const& address, std::int64_t from,
                  std::int64_t upto);

}  // namespace chaos
