// The simulator's own replicated state behind consensus::Application: a map of keys, in which
// /ctl/cal/<slot> says who votes. It stands where the store and its membership rules stand in the
// server, and is small enough for the explorer to copy a million times.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "consensus/small_application.h"

namespace doozer::sim {

using namespace consensus;

/// A write: `value` into `key`, if the key's revision is `expected` (clobber: in any case).
struct Command {
    std::uint64_t id = 0;  // the client operation it comes from
    std::string key;
    std::string value;
    std::int64_t expected = -1;
};
Bytes encode(std::vector<Command> const& commands);
std::vector<Command> decode(Bytes const& payload);

/// What became of one command.
struct CommandResult {
    std::uint64_t id = 0;
    Revision revision;
    bool done = false;  // false: the compare-and-set failed, or the rules of membership refused it
    std::string key;
    std::string value;
    std::int64_t expected = -1;
    MemberId origin;
    std::uint64_t chain = 0;  // a digest of everything up to here
};

struct File {
    std::string value;
    Revision revision;
};

class KeyValue : public SmallApplication {
  public:
    KeyValue() = default;
    /// A cluster of these voters, each in its slot.
    explicit KeyValue(MemberIds const& voters);

    Applied apply(Batch const& batch) override;
    Applied force(MemberId survivor) override;
    [[nodiscard]] Bytes snapshot() const override;
    bool install(Bytes const& snapshot) override;

    [[nodiscard]] std::map<std::string, File> const& files() const { return files_; }
    [[nodiscard]] File const* find(std::string const& key) const;
    [[nodiscard]] Revision revision() const { return revision_; }
    [[nodiscard]] std::uint64_t chain() const { return chain_; }
    [[nodiscard]] bool was_removed(std::string const& id) const { return removed_.contains(id); }
    /// The slot this member fills, or the first free one for "".
    [[nodiscard]] std::string slot_of(std::string const& id) const;
    /// What was applied since the last call.
    std::vector<CommandResult> take_changes() { return std::exchange(changes_, {}); }
    void feed_to(Hasher& h) const;

    static std::string slot_key(std::size_t slot) { return "/ctl/cal/" + std::to_string(slot); }

  private:
    [[nodiscard]] bool allowed(Command const& c) const;
    [[nodiscard]] MemberIds voters() const;

    std::map<std::string, File> files_;
    std::set<std::string> removed_;  // ids that may never come back (I10)
    Revision revision_;
    std::uint64_t chain_ = 0;
    std::vector<CommandResult> changes_;
};

}  // namespace doozer::sim
