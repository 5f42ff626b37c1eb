// One process as a pure function: inputs in, effects out. All behaviour of Doozer is here; the
// shell around it only moves bytes and tells the time.
#pragma once

#include <deque>
#include <unordered_map>

#include "base/time.h"
#include "consensus/recorder.h"
#include "replica/access.h"
#include "replica/effects.h"
#include "replica/input.h"
#include "replica/linear_reads.h"
#include "replica/membership.h"
#include "replica/neighbours.h"
#include "replica/proposals.h"
#include "replica/reads.h"
#include "replica/sessions.h"
#include "replica/state.h"
#include "replica/status.h"

namespace doozer::replica {

struct Options {
    Identity identity;
    std::vector<std::string> attach_to;  ///< addresses of a cluster's members
    bool founds = true;                  ///< a cluster of its own, if it has no such address
    std::vector<Restored> restored;      ///< what the cluster that it founds begins with
    Revision restored_to = missing;      ///< the highest revision that was given there
    consensus::Lineage lineage;          ///< of the cluster that it founds: random
    Access access{"", ""};
    store::StoreLimits store;
    Duration pulse = seconds(1);
    std::size_t value_bytes_max = value_bytes_default;
    consensus::Tuning tuning;
    RulesTable rules;
    /// After so long it refuses linear reads, and changes that were not proposed yet.
    Duration no_quorum_after = seconds(3);
    consensus::Recorder* recorder = nullptr;  ///< of every step of the core; outlives the replica
};

/// Whether the process founds a cluster. Otherwise it takes a copy from a process that it is linked
/// to, perhaps one that the shell has found for it.
inline bool founds(Options const& options) {
    return options.founds && options.attach_to.empty();
}

/// Why a voter changes nothing any more after the cluster was forced on without it.
inline constexpr char const* forced_on_without_us =
    "the cluster was forced on without this process: not applied";

/// Why a voter that hears no majority refuses linear reads.
inline constexpr char const* cannot_ask = "no quorum: cannot ask for the newest";

class Replica : private consensus::Application {
  public:
    explicit Replica(Options options);

    /// Takes one input and appends to `effects`. Looks at nothing but `input` and `now`, and
    /// remembers nothing of `effects`: the same inputs at the same times have the same effects.
    void step(Instant now, Input const& input, Effects& effects);

    /// Whether it holds a complete copy. Before that, the shell does not listen to clients.
    [[nodiscard]] bool serving() const { return state_.store().revision() > missing; }

    [[nodiscard]] store::Store const& store() const { return state_.store(); }
    [[nodiscard]] State const& state() const { return state_; }
    [[nodiscard]] consensus::Core const& core() const { return core_; }
    [[nodiscard]] Membership const& membership() const { return membership_; }
    /// The cluster applies changes by rules that this program does not know: the process must end.
    [[nodiscard]] bool is_outdated() const { return state_.is_outdated(); }
    /// This voter hears no majority, so the cluster takes no changes as far as it knows.
    [[nodiscard]] bool has_no_quorum(Instant now) const;
    /// The cluster was forced on without this voter: it is never part of it again.
    [[nodiscard]] bool left_behind() const { return left_behind_; }

    /// The process was told to retire, has answered all changes of its clients, and has given its
    /// slot away or cannot.
    [[nodiscard]] bool retired(Instant now) const;
    [[nodiscard]] Status status(Instant now) const;

    /// The bytes of changes that came in and are not proposed yet.
    [[nodiscard]] std::size_t proposed_bytes() const { return proposals_.bytes(); }

    /// The rights of the session; none if it is closed.
    [[nodiscard]] Grants grants(SessionId session) const { return sessions_.grants(session); }

    /// Whether the session has asked for something that takes several turns to find.
    [[nodiscard]] bool is_searching(SessionId session) const {
        return reads_.is_searching(session);
    }

    /// The memory of requests that wait for their answer: of one session, and of all.
    [[nodiscard]] std::size_t kept_bytes(SessionId session) const {
        return reads_.kept_bytes(session) + linear_reads_.kept_bytes(session);
    }
    [[nodiscard]] std::size_t kept_bytes() const {
        return reads_.kept_bytes() + linear_reads_.kept_bytes();
    }
    /// How many requests wait for a change, a revision, or the end of a search.
    [[nodiscard]] std::size_t waiting() const { return reads_.size(); }

  private:
    // replica.cc: requests
    void on_request(Instant now, ClientRequest const& in);
    void on_read(Instant now, ClientRequest const& in);
    void on_write(Instant now, ClientRequest const& in, Verb verb);
    void on_access(ClientRequest const& in, Session& session);
    void on_status(ClientRequest const& in);
    Result<store::Mutation> mutation_of(Request const& request, Verb verb) const;
    [[nodiscard]] bool vouches_for(store::Mutation const& m) const;
    void refuse(ClientRequest const& in, Error error);
    void refuse_write(Origin const& origin, std::string const& why);
    Reply& reply_to(SessionId session, std::optional<Tag> tag);

    // forcing.cc: an operator's order to go on alone
    void on_force(Instant now, ClientRequest const& in);
    [[nodiscard]] std::optional<std::string> why_not_force(Instant now,
                                                           Request const& request) const;
    void leave_behind();
    void end_force(std::optional<Error> refused);
    [[nodiscard]] std::string why_force_ended() const;

    // agreement.cc: between the requests and the one order
    void on_message(Instant now, PeerMessage const& in);
    void end_turn(Instant now);
    void propose(Instant now);
    bool submit_some(Instant now);
    void watch_quorum(Instant now);
    void refuse_linear_read(LinearReads::Kept const& kept, char const* why);
    void tell(Instant now, consensus::Input const& input);
    consensus::Output core_step(Instant now, consensus::Input const& input);
    consensus::Applied apply(consensus::Batch const& batch) override;
    void begin_force() override { taken_over_.emplace(); }
    consensus::Applied force(MemberId survivor) override;
    std::uint64_t begin_snapshot() override { return state_.begin_snapshot(); }
    consensus::SnapshotPiece next_piece(std::uint64_t snapshot) override {
        return state_.next_piece(snapshot);
    }
    void end_snapshot(std::uint64_t snapshot) override { state_.end_snapshot(snapshot); }
    void begin_install() override { state_.begin_install(); }
    bool install_piece(Bytes const& piece) override { return state_.install_piece(piece.view()); }
    bool finish_install() override;
    void abandon_install() override { state_.abandon_install(); }
    void reply_applied(Origin const& origin, store::Applied const& applied);
    void lose(consensus::Oseq upto);
    void aim();

    Options options_;
    State state_;
    Sessions sessions_;
    Reads reads_;
    LinearReads linear_reads_;
    Proposals proposals_;
    Membership membership_;
    Neighbours neighbours_;
    consensus::Core core_;

    struct InFlight {
        consensus::Oseq oseq;
        Proposed batch;
    };
    std::deque<InFlight> in_flight_;  // submitted and not applied yet, in order
    Instant core_wake_;
    Instant quorumless_since_ = never;
    bool refusing_ = false;          // changes and linear reads, since there is no quorum
    bool left_behind_ = false;       // the cluster was forced on without this voter
    std::optional<Origin> forcing_;  // who waits for the end of a Force
    /// Between begin_force() and force(): the files that were changed.
    std::optional<std::set<std::string>> taken_over_;
    bool leave_further_ = false;  // it may leave behind what a survivor does not hand over
    std::vector<Target> targets_;
    Effects* effects_ = nullptr;  // of the step that is being made
    Verb answering_{0};           // what reply_to() answers, and when that was asked
    Instant asked_ = never;
};

}  // namespace doozer::replica
