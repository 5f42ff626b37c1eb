// Telling the cluster what is on disk. Source: doozerp(8).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "doozer/client.h"
#include "journal/index.h"
#include "journal/metrics.h"

namespace doozer::journal {

/// "/ctl/persistence/<id>" and the path.
std::string mirror_of(std::int64_t instance, std::string_view path);
/// "/ctl/durable/<id>": where the instance tells up to which revision everything is on its disk.
std::string compact_of(std::int64_t instance);

/// Writes the compact acknowledgement after each group, and a mirror for each path, all that came
/// together in one burst; repeats what was not done. Of several acknowledgements of one path that
/// wait, the last one counts.
class Acknowledgements {
  public:
    using Log = std::function<void(std::string const&)>;

    /// All must outlive it. Without `mirrors` only the compact acknowledgement is written.
    Acknowledgements(Client& client, std::int64_t instance, bool mirrors, Metrics& metrics,
                     Log log);
    ~Acknowledgements();
    Acknowledgements(Acknowledgements const&) = delete;
    Acknowledgements& operator=(Acknowledgements const&) = delete;

    /// The change is on disk. Without `rev` it is a delete.
    void add(std::string_view path, std::optional<Revision> rev);
    /// Everything up to this revision is.
    void add_all_to(Revision rev);

    /// Sends what there is room for, and again what failed and still is as the index says.
    void send(Index const& index);

    struct State;

  private:
    struct Mirror {
        std::string path;
        std::optional<Revision> rev;
    };
    void send_one(Mirror mirror);
    void send_compact();
    void take_failures(Index const& index);
    void clear_the_way(std::string_view path, Errc conflict);

    Client& client_;
    std::int64_t const instance_;
    bool const mirrors_;
    Metrics& metrics_;
    Log const log_;
    std::shared_ptr<State> state_;  // shared with answers on their way

    std::map<std::uint64_t, Mirror> waiting_;  // in the order of add()
    std::unordered_map<std::string, std::uint64_t, PathHash, std::equal_to<>> place_;
    std::uint64_t added_ = 0;
    Revision all_to_ = missing;
    std::chrono::steady_clock::time_point not_before_;
    std::string last_failure_;
};

}  // namespace doozer::journal
