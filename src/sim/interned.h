// Values that are kept once each and named by a number.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "consensus/hasher.h"

namespace doozer::sim {

using consensus::Digest;

struct DigestHash {
    std::size_t operator()(Digest const& d) const noexcept { return d.low; }
};

/// REQUIRES: equal digests mean equal values.
template <typename T>
class Interned {
  public:
    using Id = std::uint32_t;
    Id put(Digest const& digest, T value) {
        auto const [at, is_new] = ids_.try_emplace(digest, static_cast<Id>(values_.size()));
        if (is_new) values_.push_back(std::make_unique<T const>(std::move(value)));
        return at->second;
    }
    [[nodiscard]] std::optional<Id> find(Digest const& digest) const {
        auto const at = ids_.find(digest);
        return at == ids_.end() ? std::nullopt : std::optional<Id>(at->second);
    }
    T const& operator[](Id id) const { return *values_[id]; }
    [[nodiscard]] std::size_t size() const { return values_.size(); }

  private:
    std::unordered_map<Digest, Id, DigestHash> ids_;
    std::vector<std::unique_ptr<T const>> values_;
};

}  // namespace doozer::sim
