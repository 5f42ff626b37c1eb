// Clients that write, compare-and-set and read, one request at a time each, and remember.
#pragma once

#include "sim/cluster.h"

namespace doozer::sim {

class Workload : public Watcher {
  public:
    Workload(Schedule& schedule, Prng& prng, Cluster& cluster, std::size_t clients);
    void start();
    void stop() { stopped_ = true; }
    [[nodiscard]] std::vector<Op> const& ops() const { return ops_; }
    [[nodiscard]] std::size_t finished() const { return finished_; }
    /// A write of its own, outside of any client. Returns its index in ops(), if it was taken.
    std::optional<std::size_t> write_at(Address a);

    void on_change(Address at, Change const& change) override;
    void on_read_ready(Address at, std::uint64_t token) override;
    void on_read_refused(Address at, std::uint64_t token) override;
    void on_returned(Address at, Bytes const& payload) override;
    void on_lost(Address at) override;

  private:
    struct Client {
        Address at = 0;
        std::size_t session = 0;
        std::optional<std::size_t> op;
    };
    void next(std::size_t client);
    void issue(std::size_t client);
    void finish(std::size_t op, OpState state);
    void move(Client& c);

    Schedule& schedule_;
    Prng& prng_;
    Cluster& cluster_;
    std::vector<Client> clients_;
    std::vector<std::size_t> client_of_;  // by op; no_client for those of write_at
    std::vector<Address> address_of_;     // by op
    std::vector<Op> ops_;                 // op ids are index + 1
    std::size_t sessions_ = 0;
    std::size_t finished_ = 0;
    bool stopped_ = false;
    static constexpr std::size_t no_client = static_cast<std::size_t>(-1);
};

}  // namespace doozer::sim
