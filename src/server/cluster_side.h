// The side of a process that faces the other members: what the replica wants sent goes out over
// the links, and what comes in becomes inputs of the replica.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replica/effects.h"
#include "replica/input.h"
#include "server/member_links.h"
#include "server/options.h"

namespace doozer::server {

class ClusterSide {
  public:
    using Tell = std::function<void(replica::Input const&)>;
    /// `tell` takes what the replica is told, between its steps.
    ClusterSide(net::asio::io_context& loop, net::ReadBuffer& buffer, Options const& options,
                wire::MemberVersions versions, Tell tell);

    /// The shared keys of the cluster secrets; none without one.
    static std::vector<net::SharedKey> keys_of(std::vector<std::string> const& secrets);

    void begin(base::ProcessId const& id, net::Address const& advertised);
    /// Offers the key of this secret from now on. REQUIRES: there was a secret before.
    void offer(std::string const& secret) { links_.offer(keys_of({secret}).front()); }
    /// Dials those, too, whoever may be there.
    void also_dial(std::vector<std::string> const& addresses);
    /// Ends all links without a word to the replica. Who is wanted is dialled again.
    void drop_links();
    void adopt(std::shared_ptr<net::Connection> connection) { links_.adopt(std::move(connection)); }
    /// Does what the effects want done here, and takes it out of them.
    void perform(replica::Effects& effects);
    /// At the end of a turn.
    void flush() { links_.flush(); }

    [[nodiscard]] base::ProcessId const& id() const { return self_.id; }
    [[nodiscard]] std::size_t linked() const { return linked_.size(); }
    /// Why this process will never be let into the cluster that it was told to join; none so far.
    [[nodiscard]] std::optional<std::string> const& refused() const { return refused_; }
    /// What was in the way of the last attempt.
    [[nodiscard]] std::string const& last_failure() const { return last_failure_; }

  private:
    MemberLinks::Callbacks callbacks();
    void dial();
    void send(consensus::Send const& send);
    void begin_anew();
    void on_message(base::ProcessId const& id, std::string_view body);
    void on_refused(RefusedLink const& refused);

    Tell tell_;
    MemberSelf self_;
    std::map<base::ProcessId, std::uint16_t> linked_;  // as the replica knows it; and the version
    std::optional<std::string> refused_;
    std::string last_failure_;
    std::vector<MemberTarget> wanted_;  // by the replica
    std::vector<MemberTarget> also_wanted_;
    std::string encoded_;  // used again with each message
    MemberLinks links_;
};

}  // namespace doozer::server
