// Where a cluster is, by its name: what the files /ctl/ns/<name>/* of another cluster, the DzNS,
// hold. Source: doozerd(8).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/attempt.h"
#include "doozer/uri.h"

namespace doozer::client {

class Lookup {
  public:
    using Addresses = std::vector<net::Address>;
    using Done = std::function<void(Result<Addresses>)>;

    /// Asks the addresses of `boot` in turn, the first of them `first`. `done` is called once,
    /// later, with at least one address, unless the lookup is cancelled. Error: connect_failed,
    /// in one line.
    static std::shared_ptr<Lookup> start(Context const& io, Uri const& boot, std::size_t first,
                                         std::string name, Credentials credentials,
                                         Clock::time_point deadline, Done done);
    explicit Lookup(Context const& io) : io_(io), timer_(*io) {}

    void cancel();

  private:
    using Self = std::shared_ptr<Lookup>;
    static void try_next(Self const& self);
    static void reached(Self const& self, Result<Reached> outcome);
    void ask();
    void frame(std::string_view body);
    void finish(Result<Addresses> outcome);
    void fail(std::string const& reason);

    std::weak_ptr<asio::io_context> io_;
    asio::steady_timer timer_;
    Uri boot_;
    std::string name_;
    Credentials credentials_;
    Clock::time_point deadline_;
    std::size_t next_ = 0;
    std::size_t tried_ = 0;
    std::shared_ptr<Attempt> attempt_;
    LinkPtr link_;
    base::Revision rev_;
    std::int32_t offset_ = 0;
    Addresses found_;
    Done done_;
};

}  // namespace doozer::client
