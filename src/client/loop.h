// The thread of a Client, and the way into it from other threads.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "client/engine.h"
#include "doozer/client.h"

namespace doozer::client {

/// Shared by a Client, its thread and its watches, so that a Watch may outlive its Client.
class Loop {
  public:
    /// The engine is null if the loop was closed before the task's turn.
    using Task = std::function<void(Engine*)>;

    Loop(Dialer::Target target, Options const& options, Timing const& timing);

    /// The body of the thread; returns after close().
    void run();
    void close();
    [[nodiscard]] bool on_thread() const { return thread_ == std::this_thread::get_id(); }

    // For any thread. In the order in which they are called, the engine gets the calls and the
    // tasks run, all that came together in one turn. After close() a call fails with closed and a
    // task runs without an engine, at once and on this thread.
    void submit(Call call);
    void run_soon(Task task);

    /// submit() after Options::request_timeout is applied, if the call fits into the limits of
    /// client.h; else it is refused on the loop's thread.
    void submit_request(Call call);
    /// Why another request does not fit into the limits, or nothing.
    [[nodiscard]] std::optional<Error> refusal_of(std::size_t bytes) const;
    /// For a request that is made now.
    [[nodiscard]] std::optional<Clock::time_point> request_deadline() const;

    [[nodiscard]] bool begins_anew() const { return begins_anew_; }
    [[nodiscard]] std::string address() const { return engine_.address(); }
    [[nodiscard]] std::uint64_t connections() const { return engine_.connections(); }

    /// Runs `start`, which is given a callback, and waits for the callback.
    template <typename T, typename Start>
    Result<T> block(Start start) {
        if (on_thread())
            return Error{Errc::would_deadlock, "a blocking call from within a callback"};
        // Shared: the loop's thread may still be in set_value when this one has its result.
        auto const promise = std::make_shared<std::promise<Result<T>>>();
        auto outcome = promise->get_future();
        start([promise](Result<T> result) { promise->set_value(std::move(result)); });
        return outcome.get();
    }

  private:
    using Item = std::variant<Call, Task>;
    void push(Item item);
    void drain();
    void perform(Item item);
    void refuse(Item item);

    Context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::optional<std::chrono::milliseconds> request_timeout_;
    std::optional<Clock::time_point> last_deadline_;
    Engine engine_;
    bool const begins_anew_;
    std::atomic<std::thread::id> thread_{};

    std::mutex mutex_;
    std::vector<Item> inbox_;  // guarded by mutex_
    bool closed_ = false;      // guarded by mutex_: nothing is put into the inbox any more
};

}  // namespace doozer::client
