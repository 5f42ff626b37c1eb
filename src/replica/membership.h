// The life of a process in its cluster, and the files that it writes there by itself: it founds or
// attaches, follows, takes a slot, votes, is removed and begins again under a new id. Source:
// docs/consensus.md, Joins and removals.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "consensus/core.h"
#include "replica/effects.h"
#include "replica/identity.h"
#include "replica/proposals.h"
#include "replica/state.h"

namespace doozer::replica {

/// It founds a cluster with its first batch.
struct Founding {};
/// It holds no copy yet.
struct Attaching {};
/// It holds a copy, and takes a slot when it can.
struct Following {
    Instant since;
    Instant asked;  ///< when it last asked a voter to propose something for it
};
struct Voting {
    Instant next_pulse;
    Instant kicked;  ///< when it last proposed to remove somebody
};
/// It was removed, and waits for the id under which it goes on.
struct Leaving {};

using Phase = std::variant<Founding, Attaching, Following, Voting, Leaving>;

class Membership {
  public:
    struct Timing {
        Duration pulse;
        Duration kick_after;
    };
    /// `seeds`: known addresses of a cluster to attach to; `begins`: Founding or Attaching.
    /// REQUIRES: pulse > 0.
    Membership(Identity identity, std::vector<std::string> seeds, Phase begins, Timing timing);

    /// The first changes of a new cluster of one.
    void found(Instant now, Proposals& proposals);

    /// Adds the changes that this process wants: to `proposals` if it votes, to `ask` if a voter is
    /// to propose them. To be called with every turn; true if it looked at everything.
    struct Wishes {
        Proposals& proposals;
        std::optional<consensus::Ask>& ask;
    };
    bool look(Instant now, consensus::Core const& core, State const& state, Wishes wishes);

    void renamed(Instant now, ProcessId id);

    /// From now on it only wants to give its slot away.
    void retire(Instant now);
    [[nodiscard]] bool retires() const { return retires_since_ != never; }
    /// It retires and has a slot, and may still hear that the others can go on without it.
    [[nodiscard]] bool hopes_to_leave(Instant now, consensus::Core const& core) const;

    /// It retires and has left, but the voters that stay may not know that yet. Of two voters the
    /// one that leaves may be the only one that can tell the other.
    [[nodiscard]] bool hands_over(Instant now, consensus::Core const& core) const;

    /// Whether this voter may propose `changes`, which `asker` asked for over a link. A process may
    /// ask only for itself: to register, and to take a slot. It gets a slot that another member
    /// fills only if this voter does not hear from that member.
    [[nodiscard]] bool may_propose(consensus::MemberId asker, std::string_view changes,
                                   consensus::Core const& core, State const& state) const;

    /// The processes to link to now.
    [[nodiscard]] std::vector<Target> targets(consensus::Core const& core,
                                              State const& state) const;

    [[nodiscard]] Phase const& phase() const { return phase_; }
    [[nodiscard]] Instant deadline() const { return next_look_; }
    [[nodiscard]] Identity const& identity() const { return identity_; }

  private:
    void follow_phase(Instant now, consensus::Core const& core, State const& state);
    void set_if_different(Proposals& proposals, State const& state, std::string const& path,
                          std::string const& value) const;
    void register_in(Proposals& proposals, State const& state, bool votes) const;
    void keep_slot(Proposals& proposals, consensus::Core const& core, State const& state) const;
    void pulse(Instant now, Voting& voting, State const& state, Proposals& proposals) const;
    void kick(Instant now, Voting& voting, consensus::Core const& core, State const& state,
              Proposals& proposals) const;
    void clean(Instant now, consensus::Core const& core, State const& state, Proposals& proposals);
    void empty_strays(Instant now, consensus::Core const& core, State const& state,
                      Proposals& proposals);
    void switch_rules(Instant now, consensus::Core const& core, State const& state,
                      Proposals& proposals) const;
    [[nodiscard]] bool can_leave(consensus::Core const& core) const;
    void leave(Instant now, Voting& voting, consensus::Core const& core, State const& state,
               Proposals& proposals) const;
    void follow(Instant now, Following& following, consensus::Core const& core, State const& state,
                std::optional<consensus::Ask>& ask);
    void join(Instant now, Following const& following, consensus::Core const& core,
              State const& state, Proposals& wanted) const;
    [[nodiscard]] bool first_of_those_heard(Instant now, consensus::Core const& core) const;

    Identity identity_;
    std::vector<std::string> seeds_;
    Timing timing_;
    Phase phase_;
    Instant next_look_;
    std::map<std::string, Instant> missing_since_;  // registered, but neither voters nor linked
    std::string cleaned_upto_;                      // clean() looks at /ctl/node in pages
    struct Stray {
        Revision rev;
        Instant since;
    };
    std::map<std::string, Stray> strays_;  // slots that name a process without a vote
    std::size_t asked_ = 0;
    Instant retires_since_ = never;
    Instant left_at_ = never;  // when it noticed, retiring, that it has no vote any more
};

}  // namespace doozer::replica
