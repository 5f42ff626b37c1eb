// Clients that set, compare-and-set, delete, read in three ways, and watch; and what they remember
// of it.
#pragma once

#include <map>

#include "sim/cluster.h"

namespace doozer::sim {

class Workload : public Watcher {
  public:
    Workload(Schedule& schedule, Prng& prng, Cluster& cluster, std::size_t clients,
             std::size_t watchers);
    void start();
    void stop() { stopped_ = true; }
    [[nodiscard]] std::vector<Op> const& ops() const { return ops_; }
    [[nodiscard]] std::vector<Watch> const& watches() const { return watches_; }
    [[nodiscard]] std::size_t finished() const { return finished_; }
    /// A write of its own, outside of any client. Returns its index in ops(), if it was taken.
    std::optional<std::size_t> write_at(Address a);

    void on_reply(Address at, replica::Reply const& reply) override;
    void on_lost(Address at, SessionId session) override;

  private:
    struct Client {
        Address at = 0;
        SessionId session{0};    // 0: not connected
        std::size_t number = 0;  // of the session, for the checkers
        std::optional<std::size_t> op;
        Revision seen;  // anywhere
    };
    struct Waiting {
        Address at = 0;
        SessionId session{0};
        Revision next;
        std::size_t watch = 0;  // in watches_
    };
    void next(std::size_t client);
    void issue(std::size_t client);
    void choose(Op& op, Client const& client);
    void finish(std::size_t op, OpState state);
    void take_reply(std::size_t op, replica::Reply const& reply);
    void disconnect(Client& c);
    void wait(std::size_t watcher);
    void wait_elsewhere(std::size_t watcher);
    void take_event(std::size_t watcher, replica::Reply const& reply);

    Schedule& schedule_;
    Prng& prng_;
    Cluster& cluster_;
    std::vector<Client> clients_;
    std::vector<Waiting> watchers_;
    std::vector<Watch> watches_;
    std::vector<Op> ops_;                     // op ids are index + 1
    std::vector<std::size_t> client_of_;      // by op; no_client for those of write_at
    std::map<SessionId, std::size_t> op_of_;  // the one that the session waits for
    std::map<SessionId, Address> address_of_;
    std::map<SessionId, std::size_t> watcher_of_;
    std::size_t sessions_ = 0;
    std::size_t finished_ = 0;
    bool stopped_ = false;
    static constexpr std::size_t no_client = static_cast<std::size_t>(-1);
};

}  // namespace doozer::sim
