// Where else the cluster can be reached: what its own files /ctl/ns/<name>/* hold, the addresses of
// its members, kept current for as long as a connection stands. Source:
// docs/operations.md, A cluster of several members.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/answer.h"
#include "client/call.h"
#include "net/asio.h"

namespace doozer::client {

class Engine;

/// Of these addresses of members those that mean the same here as at the server that told them: a
/// loopback address is somebody else on every machine, so it counts only if the server was reached
/// at one, too.
std::vector<net::Address> meant_for_us(std::vector<net::Address> addresses,
                                       net::Address const& server);

/// Asks in the background; what it may not read, or is not there, it does without until the next
/// connection.
class Learner {
  public:
    struct Owner {
        /// Where the members are; at least one.
        std::function<void(std::vector<net::Address>)> learned;
        /// What could be learned has been, for now.
        std::function<void()> settled;
        /// The server of this connection was a member and is none any longer.
        std::function<void()> left;
    };
    Learner(Engine& engine, net::asio::io_context& io, Timing const& timing, Owner owner);

    /// A connection stands: begins after Timing::learn_after, or with learn_now().
    void connected();
    void disconnected();
    void learn_now();
    /// There are rights that there were not before.
    void rights_gained();
    /// Whether more may be known soon, or would be after learn_now().
    [[nodiscard]] bool settled() const { return phase_ == Phase::settled; }

  private:
    enum class Phase { off, waiting, asking, settled };

    /// Answers to questions from connections before are passed over.
    void ask(Call call, void (Learner::*then)(Answer const&));
    void begin();
    void told_id(Answer const& answer);
    void told_name(Answer const& answer);
    void list();
    void told_revision(Answer const& answer);
    void told_members(Result<std::vector<Event>> files);
    void told_change(Answer const& answer);
    void watch();
    void settle();

    Engine& engine_;
    Timing timing_;
    Owner owner_;
    net::asio::steady_timer timer_;
    Phase phase_ = Phase::off;
    std::uint64_t generation_ = 0;  // grows with every connection, and its end
    bool was_member_ = false;       // the server of this connection
    std::string server_;            // its id
    std::string directory_;         // /ctl/ns/<name>
    base::Revision rev_;            // at which the members were listed
};

}  // namespace doozer::client
