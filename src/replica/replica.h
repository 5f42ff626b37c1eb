// One process as a pure function: inputs in, effects out. Everything Doozer is happens in here;
// what is around it only moves bytes and tells the time.
#pragma once

#include "base/time.h"
#include "replica/access.h"
#include "replica/effects.h"
#include "replica/housekeeping.h"
#include "replica/input.h"
#include "replica/proposals.h"
#include "replica/reads.h"
#include "replica/sessions.h"
#include "store/store.h"

namespace doozer::replica {

struct Options {
    Identity identity;
    Access access{"", ""};
    store::StoreLimits store;
    Duration pulse = seconds(1);
    std::size_t value_bytes_max = value_bytes_default;
    std::uint64_t seed = 0;  ///< a number that clients cannot know
};

class Replica {
  public:
    explicit Replica(Options options);

    /// Takes one input and appends to `effects`. Nothing is remembered of `effects`, and nothing
    /// but `input` and `now` is looked at: the same inputs at the same times have the same effects.
    void step(Instant now, Input const& input, Effects& effects);

    [[nodiscard]] store::Store const& store() const { return store_; }

    /// How much this turn has brought into the next batch.
    [[nodiscard]] std::size_t proposed_bytes() const { return proposals_.bytes(); }

    /// Whether the session has asked for something that takes several turns to find.
    [[nodiscard]] bool is_searching(SessionId session) const {
        return reads_.is_searching(session);
    }

    /// The memory of requests that wait for their answer: of one session, and of all.
    [[nodiscard]] std::size_t kept_bytes(SessionId session) const {
        return reads_.kept_bytes(session);
    }
    [[nodiscard]] std::size_t kept_bytes() const { return reads_.kept_bytes(); }

  private:
    void on_request(ClientRequest const& in, Effects& effects);
    void on_write(ClientRequest const& in, Verb verb, Effects& effects);
    void on_access(ClientRequest const& in, Session& session, Effects& effects);
    Result<store::Mutation> mutation_of(Request const& request, Verb verb) const;
    void end_turn(Instant now, Effects& effects);
    void deliver(Batch const& batch, Effects& effects);
    void reply_applied(Origin const& origin, store::Applied const& applied, Effects& effects);

    Options options_;
    store::Store store_;
    Sessions sessions_;
    Reads reads_;
    Proposals proposals_;
    Housekeeping housekeeping_;
    Batch batch_;  // the one delivered last; its memory is used again
};

}  // namespace doozer::replica
