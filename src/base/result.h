// A value or the reason why there is none. Refusals are values; exceptions never cross a folder.
#pragma once

#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/error.h"

namespace doozer::base {

/// Holds a T or an E. REQUIRES for value(): ok(); for error(): !ok().
template <typename T, typename E = Error>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(*-explicit-*)
    Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    [[nodiscard]] T& value() & {
        DOOZER_ASSERT(ok());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T const& value() const& {
        DOOZER_ASSERT(ok());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        DOOZER_ASSERT(ok());
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] E const& error() const {
        DOOZER_ASSERT(!ok());
        return *std::get_if<1>(&state_);
    }

  private:
    std::variant<T, E> state_;
};

/// The result of something that only succeeds or is refused.
struct Done {};

}  // namespace doozer::base

/// DOOZER_TRY(auto x, f()): x is f()'s value, or the enclosing function returns f()'s error.
#define DOOZER_TRY(declaration, expression) \
    DOOZER_TRY_NAMED(DOOZER_TRY_JOIN(doozer_try_, __LINE__), declaration, expression)
#define DOOZER_TRY_NAMED(name, declaration, expression) \
    auto name = (expression);                           \
    if (!name.ok()) return name.error();                \
    declaration = std::move(name).value()
#define DOOZER_TRY_JOIN(a, b) DOOZER_TRY_JOIN_AGAIN(a, b)
#define DOOZER_TRY_JOIN_AGAIN(a, b) a##b
