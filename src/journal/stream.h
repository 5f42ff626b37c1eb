// Every change of a cluster in order, as fast as it can tell them: many WAITs at once, each for
// another revision.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "doozer/client.h"

namespace doozer::journal {

/// Every revision has an event, so WAITs for the revisions to come are answered one by one; an
/// answer with a later revision than was asked for means that there is nothing in between.
class Stream {
  public:
    struct Arrived {
        Event event;
        std::uint64_t connection = 0;  ///< as Client::connections
    };
    struct Batch {
        std::vector<Arrived> events;
        std::optional<Error> end = {};  ///< the stream goes no further; too_late among others
    };

    /// The client must outlive it.
    explicit Stream(Client& client);
    ~Stream();
    Stream(Stream const&) = delete;
    Stream& operator=(Stream const&) = delete;

    /// From that revision on, whatever was before.
    void start(Revision from);

    /// All that has arrived, waiting for something for `timeout` at most, or until wake().
    Batch take(std::chrono::milliseconds timeout);
    void wake();
    /// Waits for wake(), and takes nothing.
    void pause(std::chrono::milliseconds time);

    struct State;

  private:
    std::shared_ptr<State> state_;  // answers may come when the stream has gone
};

}  // namespace doozer::journal
