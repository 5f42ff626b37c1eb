// What a Client owns: a loop and its thread.
#pragma once

#include <memory>
#include <thread>

#include "client/loop.h"
#include "doozer/client.h"

namespace doozer::client {

class Core {
  public:
    /// Client::connect, with other times for tests.
    static Result<Client> connect(Uri const& uri, Options const& options, Timing const& timing);

    explicit Core(std::shared_ptr<Loop> loop);
    /// Closes the loop and waits for its thread, unless this is that thread.
    ~Core();
    Core(Core const&) = delete;
    Core& operator=(Core const&) = delete;

    [[nodiscard]] std::shared_ptr<Loop> const& loop() const { return loop_; }

  private:
    std::shared_ptr<Loop> loop_;
    std::thread thread_;
};

}  // namespace doozer::client
