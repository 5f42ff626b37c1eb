// The client protocol's messages as values: what wire turns into bytes and back, what the replica
// is asked, and what it answers. Source: protocol.md, Framing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace doozer::base {

/// What a request asks for. Numbers 4, 8, 10 to 13 and 17 had a meaning before version 0.5 and
/// must not get a new one; verbs that the original did not have start at 32.
enum class Verb : std::int32_t {
    get = 1,
    set = 2,
    del = 3,
    rev = 5,
    wait = 6,
    nop = 7,
    walk = 9,
    getdir = 14,
    stat = 16,
    self = 20,
    force = 32,
    status = 33,
    list = 37,
    access = 99,
};

/// The `flags` of a response that tells of a change: neither of them means a NOP.
inline constexpr std::int32_t flag_set = 4;
inline constexpr std::int32_t flag_del = 8;

/// A request as it came: a field that was not sent is empty. The views point into the frame.
struct Request {
    std::optional<Tag> tag;
    std::optional<Verb> verb;  ///< any number that was sent, known or not
    std::optional<std::string_view> path;
    std::optional<std::string_view> value;
    std::optional<std::int32_t> offset;
    std::optional<Revision> rev;
    /// A read is answered from no state before this revision. Not of the original.
    std::optional<Revision> min_rev = {};
    /// A read sees every write that was answered anywhere before it. Not of the original.
    bool linear = false;
    /// LIST: only files after this path, and how many at most. Not of the original.
    std::optional<std::string_view> after = {};
    std::optional<std::int32_t> limit = {};

    bool operator==(Request const&) const = default;
};

/// A file or a change of one, as an answer with several of them tells it. Not of the original.
struct EventView {
    std::optional<std::string_view> path;
    std::optional<std::string_view> value;
    std::optional<Revision> rev;
    std::optional<std::int32_t> flags;

    bool operator==(EventView const&) const = default;
};

/// A response: a field that is empty is not sent, one that is zero or "" is. The views point into
/// memory of whoever made it.
struct Response {
    std::optional<Tag> tag;
    std::optional<std::int32_t> flags;
    std::optional<Revision> rev;
    std::optional<std::string_view> path;
    std::optional<std::string_view> value;
    std::optional<std::int32_t> len;
    std::optional<Errc> err_code;
    std::optional<std::string_view> err_detail;
    /// The newest revision that the server had applied. Not of the original; only in the answer to
    /// a request with a min_rev.
    std::optional<Revision> applied = {};
    /// LIST: the files of this page, and whether others follow. Not of the original.
    std::vector<EventView> events = {};
    bool more = false;

    bool operator==(Response const&) const = default;
};

}  // namespace doozer::base
