// A request on its way: what is asked, and who is told the outcome.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/client_message.h"
#include "base/result.h"
#include "doozer/error.h"
#include "net/address.h"

namespace doozer::client {

using Clock = std::chrono::steady_clock;
using base::Verb;

/// The server's response, or why there is none; a response with an err_code is an error. The
/// response's strings live as long as the call that hands it over.
using Answer = base::Result<base::Response, Error>;

struct Call {
    Verb verb = Verb::nop;
    std::optional<std::string> path = {};
    std::optional<std::string> value = {};
    std::optional<std::int32_t> offset = {};
    std::optional<base::Revision> rev = {};
    bool linear = false;
    bool internal = false;  ///< of the library itself, and only for the server of the moment
    std::optional<Clock::time_point> deadline = {};
    /// Runs exactly once, on the loop's thread, unless the call is abandoned.
    std::function<void(Answer const&)> done;

    /// The servers that could not do it, and what the last of them said.
    std::vector<net::Address> refused_by = {};
    Error refusal = {};

    /// A change that happens twice if it is sent twice.
    [[nodiscard]] bool is_write() const {
        return verb == Verb::set || verb == Verb::del || verb == Verb::nop || verb == Verb::force;
    }
    /// A read that is to be answered from no state before what the client has met.
    [[nodiscard]] bool looks_at_newest() const {
        return !internal && !rev &&
               (verb == Verb::get || verb == Verb::stat || verb == Verb::getdir ||
                verb == Verb::walk);
    }
    /// What only members of a cluster do; READONLY from anybody else means that it was not done.
    [[nodiscard]] bool needs_member() const { return is_write() || linear; }
    [[nodiscard]] std::size_t bytes() const {
        return (path ? path->size() : 0) + (value ? value->size() : 0);
    }
};

/// How long the library waits for what. Tests shorten it.
struct Timing {
    /// Before going to another server: at least, and at most after several failures in a row.
    std::chrono::milliseconds delay_min{50};
    std::chrono::milliseconds delay_max{500};
    /// For one server to accept a connection and answer on it, once the Client has been up.
    std::chrono::milliseconds attempt{2000};
    /// After hearing nothing for this long, the server is asked for its revision.
    std::chrono::milliseconds heartbeat_after{2000};
    /// After hearing nothing for this long, it is given up.
    std::chrono::milliseconds silence_max{5000};
    /// After this long on a connection, the cluster is asked for its members; programs that are
    /// done sooner do not ask.
    std::chrono::milliseconds learn_after{200};
    /// For writes that were sent to be answered, when another server is found that is better.
    std::chrono::milliseconds drain{1000};
    /// For a server to reach the revision that the client has met elsewhere.
    std::chrono::milliseconds catch_up{3000};
    /// After a search for a better server has found none, until the next.
    std::chrono::milliseconds search_again{1000};
};

}  // namespace doozer::client
