// Refusals: what the server answers when it does not do what was asked.
#pragma once

#include <string>

namespace doozer::base {

/// The codes a response carries. Source: protocol.md, Framing.
enum class Errc : int {
    tag_in_use = 1,
    unknown_verb = 2,
    readonly = 3,
    too_late = 4,
    rev_mismatch = 5,
    bad_path = 6,
    missing_arg = 7,
    range = 8,
    notdir = 20,
    isdir = 21,
    noent = 22,
    other = 127,
};

/// A refusal: a code, and for `other` the detail that a person reads.
struct Error {
    Errc code = Errc::other;
    std::string detail = {};

    bool operator==(Error const&) const = default;
};

}  // namespace doozer::base
