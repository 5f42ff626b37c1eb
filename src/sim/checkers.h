// What must be true of everything that was seen in a run, whatever happened to the network.
// Source: docs/consensus.md, Invariants.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "consensus/seal.h"
#include "store/event.h"

namespace doozer::sim {

using namespace consensus;

/// One revision.
struct Change {
    Revision rev;
    store::EventKind kind = store::EventKind::nop;
    std::string path;
    std::string value;
    bool operator==(Change const&) const = default;
};
using ChangeLog = std::map<Revision, Change>;

/// A value as the checkers keep it: a large one by its first word, its size and a hash.
std::string brief(std::string_view value);

/// A survivor was forced on: what others had applied in (kept, begins) is lost.
struct Fork {
    Revision kept;
    Revision begins;
    Instant when;
    /// The operations that processes knew which the survivor reached when it was ordered to go on.
    std::set<std::uint64_t> known = {};
    /// The operations that the survivor took over: it applied them at revisions that nobody is
    /// told.
    std::set<std::uint64_t> taken = {};
    std::set<std::string> deleted = {};  // files that this left deleted
};

/// All members apply the same changes in the same order (I6), and end each epoch alike (I5). Each
/// returns nothing if all is well, else what is wrong.
class Agreement {
  public:
    std::string applied(Change const& change);
    /// Members that applied equally many batches hold the same.
    std::string stands(Lineage lineage, std::uint64_t applied, std::uint64_t fingerprint);
    std::string entered(Configuration const& configuration);
    /// One seal value for each ballot of an epoch (I4).
    std::string accepted(Lineage lineage, Epoch epoch, Acceptor const& acceptor);

    [[nodiscard]] ChangeLog const& log() const { return log_; }
    /// The newest configuration that any member has entered.
    [[nodiscard]] Configuration const& newest() const { return newest_; }
    [[nodiscard]] std::size_t epochs() const { return epochs_.size(); }
    void forced(Fork const& fork) { forks_.push_back(fork); }
    [[nodiscard]] std::vector<Fork> const& forks() const { return forks_; }
    /// Lineages are numbered in the order in which they began; 0 for one that is not known.
    [[nodiscard]] std::size_t number_of(Lineage lineage) const {
        auto const at = lineages_.find(lineage);
        return at == lineages_.end() ? 0 : at->second;
    }

  private:
    ChangeLog log_;
    std::map<std::pair<Lineage, std::uint64_t>, std::uint64_t> fingerprints_;
    std::map<std::pair<Lineage, Epoch>, Configuration> epochs_;
    std::map<std::tuple<Lineage, Epoch, Ballot>, Digest> seals_;
    std::map<Lineage, std::size_t> lineages_;  // numbered in the order in which they began
    Configuration newest_;
    std::vector<Fork> forks_;
};

/// Nobody is removed whom the others hear (docs/consensus.md, Joins and removals). In virtual time.
class Attendance {
  public:
    explicit Attendance(Duration kick_after) : kick_after_(kick_after) {}

    void heard(MemberId by, MemberId from, Instant now);
    /// `by` does not hear `from`, or has not for a time, so lately that an order to remove it for
    /// this may still be on its way.
    [[nodiscard]] bool has_missed(MemberId from, MemberId by, Instant now) const;

  private:
    struct Heard {
        Instant last;
        std::optional<Instant> missed_until;  // the end of the last long gap
    };
    /// Clocks of members differ by a fifth.
    [[nodiscard]] Duration long_gap() const { return Duration(kick_after_.value() * 4 / 5); }

    Duration kick_after_;
    std::map<std::pair<MemberId, MemberId>, Heard> heard_;  // by whom, from whom
};

enum class OpKind : std::uint8_t { set, compare_and_set, del, local_read, later_read, linear_read };
enum class OpState : std::uint8_t { pending, done, refused, unknown };

/// One request of a client. Values that are written begin with "v" and the number of the operation;
/// a large one is kept as brief() has it. Empty values are written to a file that nobody reads.
struct Op {
    std::uint64_t id = 0;
    std::size_t session = 0;
    OpKind kind = OpKind::set;
    std::string path;
    std::string value;  // written, or found
    Revision expected = clobber;
    Revision min_rev = missing;  // later_read: what its client had seen, anywhere
    Instant start;
    Instant end = never;
    OpState state = OpState::pending;
    Revision rev;            // of the change; of the file, for a read
    bool succeeded = false;  // a compare-and-set that was applied may still have failed
    std::size_t branch = 0;  // the number of the lineage of who answered
};

/// What one client was told, waiting again and again for the next change, without a gap.
struct Watch {
    std::string prefix;        // every path that begins so
    Revision from;             // the first revision that was asked for
    Revision upto;             // the last that was answered
    std::vector<Change> told;  // in order
};

/// Looks at the whole history. Returns all that is wrong with it, a line each.
std::vector<std::string> check_history(std::vector<Op> const& ops,
                                       std::vector<Watch> const& watches, ChangeLog const& log);

}  // namespace doozer::sim
