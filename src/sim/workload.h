// Clients that set, compare-and-set, delete, read in three ways, and watch; and what they remember
// of it.
#pragma once

#include <map>

#include "sim/cluster.h"

namespace doozer::sim {

class Workload : public Watcher {
  public:
    struct Pace {
        std::size_t clients = 4;
        std::size_t watchers = 2;
        Duration think = milliseconds(20);  // at most
        /// Most values are small; one in so many has up to `value_bytes`. 0: none.
        std::uint64_t large_one_in = 0;
        std::size_t value_bytes = 0;
    };
    Workload(Schedule& schedule, Prng& prng, Cluster& cluster, Pace const& pace);
    void start();
    void stop() { stopped_ = true; }
    [[nodiscard]] std::vector<Op> const& ops() const { return ops_; }
    [[nodiscard]] std::vector<Watch> const& watches() const { return watches_; }
    [[nodiscard]] std::size_t finished() const { return finished_; }
    /// A write of its own, outside of any client. Returns its index in ops(), if it was taken.
    std::optional<std::size_t> write_at(Address a, Duration wait_at_most);
    /// So many writes at once, as one client with many outstanding requests makes them.
    void burst(Address a, std::size_t writes);

    void on_reply(Address at, replica::Reply const& reply) override;
    void on_lost(Address at, SessionId session) override;

  private:
    struct Client {
        Address at = 0;
        SessionId session{0};    // 0: not connected
        std::size_t number = 0;  // of the session, for the checkers
        std::optional<std::size_t> op;
        Revision seen;            // anywhere
        std::optional<Op> again;  // it repeats what it has no answer to
    };
    struct Waiting {
        Address at = 0;
        SessionId session{0};
        Revision next;
        std::size_t watch = 0;  // in watches_
    };
    void next(std::size_t client);
    void issue(std::size_t client);
    void choose(Op& op, Client& client);
    std::string text_of(Op const& op);
    void finish(std::size_t op, OpState state);
    void take_reply(std::size_t op, replica::Reply const& reply);
    void disconnect(Client& c);
    void wait(std::size_t watcher);
    void wait_elsewhere(std::size_t watcher);
    void take_event(std::size_t watcher, replica::Reply const& reply);

    Schedule& schedule_;
    Prng& prng_;
    Cluster& cluster_;
    Pace pace_;
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
