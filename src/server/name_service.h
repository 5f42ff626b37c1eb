// The DzNS, seen from a process that was started with -b: another cluster, in which this one is
// looked up by its name and registered. What is to be done there is said by name_rules.h; here it
// is done, by a thread of its own with the client library, so that the loop never waits for it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/asio.h"
#include "server/name_rules.h"

namespace doozer::server {

class NameService {
  public:
    struct Settings {
        std::string uri;                 ///< of the DzNS
        std::string tls_authority_file;  ///< where the URI asks for TLS; empty = the system's store
        std::string cluster_name;
        NameRules::Times times = {};
    };
    /// Called by the loop.
    struct Callbacks {
        /// Addresses where the cluster may be; others than before.
        std::function<void(std::vector<std::string> const&)> on_addresses;
        /// There is no such cluster, and it is this process that founds it. Perhaps repeated.
        std::function<void()> on_founder;
    };

    /// What is wrong with the URI of a DzNS for a process that is reached at `own`; empty if it is
    /// good.
    static std::string complaint_of(std::string const& uri, std::string const& own);

    NameService(net::asio::io_context& loop, Settings settings, Callbacks callbacks);
    /// Says farewell, if the DzNS can be reached at the moment.
    ~NameService();
    NameService(NameService const&) = delete;
    NameService& operator=(NameService const&) = delete;

    /// What this process is now. To be told again and again.
    void tell(NameSelf const& self);

  private:
    struct Connection;
    void work();
    void round(NameSelf const& self);
    void perform(NamePlan const& plan);
    void say_whom_it_waits_for(std::string const& founder);
    void take_leave(NameSelf const& self);
    void complain(std::string const& what);
    void post(std::function<void()> what);

    net::asio::io_context& loop_;
    Settings settings_;
    Callbacks callbacks_;

    // Of the thread.
    NameRules rules_;
    std::unique_ptr<Connection> connection_;
    std::vector<std::string> dialled_;
    std::string complaint_;
    std::string waits_for_;
    bool again_ = false;  // something was changed: the next look is due

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<NameSelf> self_;  // guarded by mutex_
    bool news_ = false;             // guarded by mutex_
    bool stopping_ = false;         // guarded by mutex_

    std::shared_ptr<int> alive_ =
        std::make_shared<int>();  // what is posted does nothing without it
    std::thread thread_;
};

}  // namespace doozer::server
