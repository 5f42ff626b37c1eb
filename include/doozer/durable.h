// A connection to a Doozer cluster whose writes are on disk when they return. docs/persistence.md
// is the guide.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "doozer/client.h"

namespace doozer {

struct DurableOptions : Options {
    /// The number of the doozerp whose acknowledgement a write waits for. doozerp logs its number
    /// when it starts.
    std::int64_t instance = 1;
    /// How long the acknowledgement may take after the cluster has made the change.
    std::chrono::milliseconds acknowledgement_timeout{10'000};
};

/// A Client with one difference: set() and del() return when an instance of doozerp has forced the
/// change to its disk. A program switches by switching the type.
///
/// That takes the time of a sync more, and the instance must run: if it does not acknowledge in
/// time, the outcome is not_durable. Then the change was made, and all clients see it; the detail
/// names its revision and the instance. It may reach the disk later.
///
/// set() and del() refuse, and do nothing, what doozerp does not journal: paths below /ctl
/// (`other`), and values that fit into no record of a journal, just under 2 MiB (limit_exceeded).
class DurableClient : private Client {
  public:
    /// As Client::connect. Does not check whether the instance runs; the first write does.
    static Result<DurableClient> connect(std::string_view uri, DurableOptions const& options = {});
    static Result<DurableClient> connect(Uri const& uri, DurableOptions const& options = {});

    using Client::access;
    using Client::address;
    using Client::async_access;
    using Client::async_force;
    using Client::async_get;
    using Client::async_getdir;
    using Client::async_getdir_at;
    using Client::async_nop;
    using Client::async_rev;
    using Client::async_self;
    using Client::async_stat;
    using Client::async_status;
    using Client::async_wait;
    using Client::async_walk;
    using Client::async_walk_at;
    using Client::connections;
    using Client::force;
    using Client::get;
    using Client::getdir;
    using Client::getdir_at;
    using Client::nop;
    using Client::rev;
    using Client::self;
    using Client::stat;
    using Client::status;
    using Client::wait;
    using Client::walk;
    using Client::walk_at;
    using Client::watch;

    /// As Client::set; returns when the change is on the instance's disk. Error: also not_durable.
    Result<Revision> set(std::string_view path, std::string_view value, Revision condition);
    void async_set(std::string_view path, std::string_view value, Revision condition,
                   Callback<Revision> done);

    /// As Client::del; returns when the change is on the instance's disk. Error: also not_durable.
    Result<Done> del(std::string_view path, Revision condition);
    void async_del(std::string_view path, Revision condition, Callback<Done> done);

  private:
    DurableClient(Client client, DurableOptions const& options);

    std::int64_t instance_;
    std::chrono::milliseconds timeout_;
    std::shared_ptr<std::atomic<bool>> is_compact_;  // the instance writes /ctl/durable/<id>
};

}  // namespace doozer
