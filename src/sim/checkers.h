// What must be true of everything that was seen in a run, whatever happened to the network.
// Source: consensus.md, sections 4.2 and 9.5.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consensus/seal.h"
#include "sim/key_value.h"

namespace doozer::sim {

/// All members apply the same changes in the same order (I6), and end each epoch alike (I5).
class Agreement {
  public:
    /// Empty: fine; else what is wrong.
    std::string applied(Change const& change);
    std::string installed(Revision revision, std::uint64_t chain) const;
    std::string entered(Configuration const& configuration);
    /// One seal value for each ballot of an epoch (I4).
    std::string accepted(Epoch epoch, Acceptor const& acceptor);

    [[nodiscard]] std::vector<Change> const& log() const { return log_; }
    /// The newest configuration that any member has entered.
    [[nodiscard]] Configuration const& newest() const { return epochs_.rbegin()->second; }
    [[nodiscard]] std::size_t epochs() const { return epochs_.size(); }
    void start_at(Revision founded) { first_ = founded.next(); }

  private:
    Revision first_{1};
    std::vector<Change> log_;  // from revision first_ on
    std::map<Epoch, Configuration> epochs_;
    std::map<std::pair<Epoch, Ballot>, Digest> seals_;
};

enum class OpKind : std::uint8_t { set, compare_and_set, local_read, linear_read };
enum class OpState : std::uint8_t { pending, done, refused, unknown };

/// One request of a client.
struct Op {
    std::uint64_t id = 0;
    std::size_t client = 0;
    OpKind kind = OpKind::set;
    std::string key;
    std::string value;  // written, or found
    std::int64_t expected = -1;
    Instant start;
    Instant end = never;
    OpState state = OpState::pending;
    Revision revision;       // of the change; of the store, for a read
    bool succeeded = false;  // a compare-and-set that was applied may still have failed
};

/// Looks at the whole history. Returns all that is wrong with it, a line each.
std::vector<std::string> check_history(std::vector<Op> const& ops, std::vector<Change> const& log,
                                       Revision founded);

}  // namespace doozer::sim
