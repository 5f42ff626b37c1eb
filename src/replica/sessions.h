// The connected clients, as far as the replica knows them: what they may do and which of their
// tags are taken.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "replica/access.h"

namespace doozer::replica {

using namespace base;

/// A set of tags; open addressing, since every write goes through it. The seed is a secret, so that
/// nobody can choose tags that meet in one place.
class TagSet {
  public:
    explicit TagSet(std::uint64_t seed) : seed_(seed) {}

    [[nodiscard]] bool contains(Tag tag) const;
    /// REQUIRES: the tag is not in the set.
    void insert(Tag tag);
    /// REQUIRES: the tag is in the set.
    void erase(Tag tag);
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    [[nodiscard]] std::size_t home(Tag tag) const;
    [[nodiscard]] std::size_t slot_of(Tag tag) const;
    void grow();

    std::vector<std::optional<Tag>> slots_;  // a power of two of them, or none
    std::size_t size_ = 0;
    std::uint64_t seed_;
};

struct Session {
    Grants grants;
    TagSet outstanding;  ///< tags of requests that have no reply yet
};

class Sessions {
  public:
    Sessions(Grants initial, std::uint64_t seed) : initial_(initial), seed_(seed) {}

    /// REQUIRES: the id was never used before.
    void open(SessionId id);
    void close(SessionId id) { sessions_.erase(id); }
    /// Null if it is closed.
    [[nodiscard]] Session* find(SessionId id);

  private:
    Grants initial_;
    std::uint64_t seed_;
    std::unordered_map<SessionId, Session> sessions_;
};

}  // namespace doozer::replica
