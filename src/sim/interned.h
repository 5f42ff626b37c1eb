// Values that are kept once each and named by a number.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "sim/flat.h"

namespace doozer::sim {

/// REQUIRES: equal digests mean equal values.
template <typename T>
class Interned {
  public:
    using Id = std::uint32_t;
    Id put(Digest const& digest, T value) {
        auto const [id, is_new] = ids_.insert(digest);
        if (is_new) values_.push_back(std::make_unique<T const>(std::move(value)));
        return id;
    }
    T const& operator[](Id id) const { return *values_[id]; }
    [[nodiscard]] std::size_t size() const { return values_.size(); }

  private:
    DigestSet ids_;
    Chunked<std::unique_ptr<T const>> values_;
};

}  // namespace doozer::sim
