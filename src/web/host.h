// What the web view needs of the process it runs in: the same ways in and out as a client has, and
// a look at what the process knows of itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/client_message.h"
#include "base/ids.h"
#include "base/time.h"
#include "replica/access.h"
#include "replica/effects.h"
#include "store/store.h"
#include "web/metrics.h"

namespace doozer::web {

using namespace base;

/// The process. Replies to what is requested here go to Server::on_reply().
class Host {
  public:
    Host() = default;
    Host(Host const&) = delete;
    Host& operator=(Host const&) = delete;
    virtual ~Host() = default;

    /// A session of the replica, as a client's connection has one.
    virtual SessionId open_web_session() = 0;
    /// Nothing is replied to the session from here on.
    virtual void close_web_session(SessionId session) = 0;
    /// Hands a request to the replica. Replies may come before this returns.
    virtual void web_request(SessionId session, Request const& request) = 0;

    /// What the session may do, after what it has asked for so far.
    [[nodiscard]] virtual replica::Grants web_grants(SessionId session) const = 0;

    /// Whether this process holds a complete copy. REQUIRED for web_request().
    [[nodiscard]] virtual bool is_serving() const = 0;
    /// Whether what is written here is likely to be applied.
    [[nodiscard]] virtual bool can_commit() const = 0;
    /// Whether this process hears a majority of the members.
    [[nodiscard]] virtual bool hears_majority() const = 0;
    /// What was applied, to be looked at and not to be kept.
    [[nodiscard]] virtual store::Store const& store() const = 0;
    [[nodiscard]] virtual Metrics const& metrics() const = 0;
    /// What is measured now and not counted all the time.
    [[nodiscard]] virtual Gauges gauges() const = 0;
    [[nodiscard]] virtual Instant clock() const = 0;
    /// The time of day, for people.
    [[nodiscard]] virtual std::int64_t unix_seconds() const = 0;
};

}  // namespace doozer::web
