// What has happened to the cluster, as this process saw it: a line for each event, the last few
// hundred of them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "consensus/trace.h"
#include "replica/status.h"

namespace doozer::server {

class Chronicle {
  public:
    struct Event {
        std::uint64_t seq = 0;   ///< 1, 2, 3, ...
        std::int64_t at_ms = 0;  ///< since 1970
        std::string_view kind;   ///< a word; docs/protocol.md lists them
        std::string text;        ///< one line
    };

    /// What the core has told.
    void note(std::int64_t at_ms, consensus::TraceEvent const& event);
    /// Compares with what was seen before. The first time there is nothing to compare with.
    void look(std::int64_t at_ms, replica::Status status);

    [[nodiscard]] std::deque<Event> const& events() const { return events_; }

  private:
    void add(std::int64_t at_ms, std::string_view kind, std::string text);
    void compare_members(std::int64_t at_ms, replica::Status const& now);
    void compare_member(std::int64_t at_ms, replica::MemberStatus const& before,
                        replica::MemberStatus const& now);
    void compare_followers(std::int64_t at_ms, replica::Status const& now);

    std::deque<Event> events_;
    std::uint64_t next_seq_ = 1;
    replica::Status seen_;  // without an epoch: nothing was seen yet
};

}  // namespace doozer::server
