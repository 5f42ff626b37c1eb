// The inside of a Watch: one WAIT outstanding, always for what comes behind the last event.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "client/loop.h"
#include "doozer/client.h"

namespace doozer {

/// A WAIT is a read, which the engine asks again when it has a new connection, at the revision it
/// named: that is all it takes to go on without missing or repeating an event.
struct Watch::State {
    State(std::shared_ptr<client::Loop> loop_, std::string glob_, Callback<Event> on_event_)
        : loop(std::move(loop_)), glob(std::move(glob_)), on_event(std::move(on_event_)) {}

    using Self = std::shared_ptr<State>;

    /// Any thread. Without `from`: behind the newest revision that the server has.
    static void start(Self const& self, std::optional<Revision> from);
    static Result<Event> next(Self const& self, std::optional<std::chrono::milliseconds> timeout);
    static void cancel(Self const& self);

  private:
    static void ask(Self const& self, client::Engine* engine);
    static void ask_for_present(Self const& self, client::Engine& engine);
    static void answered(Self const& self, client::Engine* engine, Result<Event> outcome);
    static void begin_anew(Self const& self, client::Engine& engine, Error const& notice);
    static void go_on(Self const& self, client::Engine* engine);
    void deliver(Result<Event> outcome, bool is_end = true);
    bool call_back(Result<Event> const& outcome, bool is_end);
    [[nodiscard]] bool has_room() const;

    std::shared_ptr<client::Loop> const loop;
    std::string const glob;

    // Of the loop's thread.
    Revision wanted;  // the next event has this revision or a later one
    client::CallId outstanding;
    std::mutex calling;        // held while on_event runs, so that cancel() can wait for it
    Callback<Event> on_event;  // guarded by calling

    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::deque<Result<Event>> waiting;  // an error among them is not the end
    std::size_t waiting_bytes = 0;
    std::optional<Error> end;
    bool cancelled = false;
    bool asking = false;  // a WAIT is outstanding, or about to be
};

}  // namespace doozer
