// The log lines that others can cause: clients, browsers, processes that want to be members. Each
// kind has a rate; what exceeds it is counted, and one line says how many were left out. Without
// this, one client without any rights fills the disk.
//
// For the thread of the loop only.
#pragma once

#include <spdlog/spdlog.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"

namespace doozer::server {

enum class LogKind : unsigned char {
    connection_refused,  ///< a connection was not accepted, or closed because of what it sent
    connection_evicted,  ///< a connection was closed to make room
    handshake,           ///< TLS failed
    wrong_secret,
    web,      ///< all that the web view has to say
    link_up,  ///< of members
    link_down,
    link_refused,
    member_message,  ///< that makes no sense
    epoch,
};
inline constexpr std::size_t log_kinds = 10;

/// Decides, and writes nothing: a bucket of tokens for each kind.
class LogGate {
  public:
    /// So many lines of one kind at once, and then one in each interval.
    static constexpr std::uint64_t burst = 16;
    static constexpr base::Duration interval = base::seconds(2);
    /// The number of lines left out is told after this time.
    static constexpr base::Duration summary_after = base::seconds(10);

    /// Whether a line of this kind may be written now. If not, it is counted.
    bool pass(LogKind kind, base::Instant now);

    struct Summary {
        LogKind kind;
        std::uint64_t left_out;
    };
    /// A summary that is due; each is given once.
    std::optional<Summary> due(base::Instant now);
    /// When the next summary is due.
    [[nodiscard]] base::Instant next_due() const;

  private:
    struct Bucket {
        std::uint64_t tokens = burst;
        base::Instant filled_at;
        std::uint64_t left_out = 0;
        base::Instant summary_at = base::never;
    };
    std::array<Bucket, log_kinds> buckets_;
};

/// What the summary calls lines of the kind.
char const* name_of(LogKind kind);

namespace log_gate {

/// The one of this process.
LogGate& instance();
bool pass(LogKind kind);

/// Writes the line, unless there were too many of its kind.
template <typename... Args>
void write(LogKind kind, spdlog::level::level_enum level, spdlog::format_string_t<Args...> format,
           Args&&... args) {
    if (pass(kind)) spdlog::log(level, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(LogKind kind, spdlog::format_string_t<Args...> format, Args&&... args) {
    write(kind, spdlog::level::warn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(LogKind kind, spdlog::format_string_t<Args...> format, Args&&... args) {
    write(kind, spdlog::level::info, format, std::forward<Args>(args)...);
}

/// Writes the summaries that are due, or all of them.
void write_summaries(base::Instant now);
void write_all_summaries();

}  // namespace log_gate
}  // namespace doozer::server
