// The one declaration of what a value is made of. What hashes, writes, reads or compares values
// goes through it, so that a new field is forgotten nowhere.
#pragma once

#include <tuple>

namespace doozer::base {

/// Reaches the fields that DOOZER_FIELDS declares, private ones too.
struct FieldAccess {
    /// A tuple of references to the fields of `t`, const if `t` is.
    template <typename T>
    static auto of(T& t) -> decltype(t.fields()) {
        return t.fields();
    }
};

/// A type with a DOOZER_FIELDS line.
template <typename T>
concept HasFields = requires(T& t) {
    FieldAccess::of(t);
};

}  // namespace doozer::base

/// Inside a class, behind its data: DOOZER_FIELDS(a, b, c) names all of it, in the order in which
/// it is hashed and written. In a private section only FieldAccess gets at it.
#define DOOZER_FIELDS(...)                     \
    friend struct ::doozer::base::FieldAccess; \
    [[nodiscard]] auto fields() {              \
        return std::tie(__VA_ARGS__);          \
    }                                          \
    [[nodiscard]] auto fields() const {        \
        return std::tie(__VA_ARGS__);          \
    }                                          \
    static_assert(true, "so that a semicolon follows")
