// Integers that mean different things have different types.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace doozer::base {

/// An integer of type `Rep` that mixes with no other Strong type. `Tag` only tells types apart.
template <typename Tag, typename Rep>
class Strong {
  public:
    using rep = Rep;

    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : value_(value) {}

    [[nodiscard]] constexpr Rep value() const { return value_; }
    constexpr auto operator<=>(Strong const&) const = default;

    constexpr Strong& operator++() {
        ++value_;
        return *this;
    }
    [[nodiscard]] constexpr Strong next() const { return Strong(static_cast<Rep>(value_ + 1)); }
    [[nodiscard]] constexpr Strong plus(Rep n) const {
        return Strong(static_cast<Rep>(value_ + n));
    }

  private:
    Rep value_{};
};

}  // namespace doozer::base

template <typename Tag, typename Rep>
struct std::hash<doozer::base::Strong<Tag, Rep>> {
    std::size_t operator()(doozer::base::Strong<Tag, Rep> const& v) const noexcept {
        return std::hash<Rep>{}(v.value());
    }
};
