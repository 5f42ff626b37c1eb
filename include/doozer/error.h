// Errors are values: a function that can be refused returns a Result.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace doozer {

/// Why a call failed. Numbers below 1000 come from the server and are those of the protocol
/// (docs/protocol.md, Framing); a newer server may send one that has no name here. Numbers from
/// 1000 on are this library's own.
enum class Errc : int {
    tag_in_use = 1,    ///< cannot happen with this library
    unknown_verb = 2,  ///< the server is too old for this request
    readonly = 3,      ///< no known server takes writes now; the detail may say why
    too_late = 4,      ///< the revision is no longer in the server's history
    rev_mismatch = 5,  ///< the file has changed since the revision that the write names
    bad_path = 6,      ///< no path: "/" or "/" and one or more of A-Z a-z 0-9 . - repeated
    missing_arg = 7,   ///< cannot happen with this library
    range = 8,         ///< an offset after the last entry
    notdir = 20,       ///< a component of the path is a file
    isdir = 21,        ///< the path is a directory
    noent = 22,        ///< there is nothing at this path
    other = 127,       ///< the detail says what, e.g. "permission denied"

    invalid_uri = 1000,      ///< the text is no Doozer URI; nothing was tried
    connect_failed = 1001,   ///< no address answered; the detail names the last one and the reason
    timeout = 1002,          ///< no answer in time, for a read or a write that was never sent
    unknown_outcome = 1003,  ///< a write was sent and its answer was lost: it may have been done
    closed = 1004,           ///< the Client was destroyed, or the watch cancelled; not done
    would_deadlock = 1005,   ///< a blocking call from within a callback; nothing was sent
    limit_exceeded = 1006,   ///< one of the limits in client.h; nothing was sent
    bad_response = 1007,     ///< the server's answer lacks a field that it must have
    not_durable = 1008,      ///< the write was done, but doozerp has not acknowledged it in time
    behind = 1009,           ///< the servers lack what this Client has met: they lag, or lost it
    other_store = 1010,      ///< the servers have another store than this Client has used
};

/// The code's name: as in the protocol ("REV_MISMATCH"), and in the same form for this library's
/// own
/// ("UNKNOWN_OUTCOME"); "ERROR" for a number that has no name here.
std::string_view name_of(Errc code) noexcept;

/// What is known of a write that ended with an error.
enum class WriteOutcome {
    not_done,  ///< it was not done, and never will be
    done,      ///< it was done; the error is about something else
    unknown,   ///< it was done, or was not done, or will still be done
};

struct Error {
    Errc code = Errc::other;
    /// What a person reads, in one line: the server's words, or this library's. May be empty.
    std::string detail = {};

    /// The whole error in one line. A refusal of the server: "REV_MISMATCH", "OTHER: permission
    /// denied". An error of this library: its detail, "connect 10.0.0.1:8046: Connection refused".
    [[nodiscard]] std::string message() const;

    /// REQUIRES: this is the error of a write.
    [[nodiscard]] WriteOutcome write_outcome() const noexcept;

    bool operator==(Error const&) const = default;
};

/// A T, or the error why there is none. To ask for the one that is absent stops the process.
template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

    [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    /// REQUIRES: ok().
    [[nodiscard]] T& value() & { return *checked(std::get_if<0>(&state_)); }
    [[nodiscard]] T const& value() const& { return *checked(std::get_if<0>(&state_)); }
    [[nodiscard]] T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
    T& operator*() & { return value(); }
    T const& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    T const* operator->() const { return &value(); }

    /// REQUIRES: !ok().
    [[nodiscard]] Error const& error() const { return *checked(std::get_if<1>(&state_)); }

  private:
    template <typename P>
    static P* checked(P* there) {
        if (there == nullptr) {
            std::fputs("doozer::Result: asked for what is not there\n", stderr);
            std::abort();
        }
        return there;
    }
    std::variant<T, Error> state_;
};

/// The result of a call that returns no value.
struct Done {
    bool operator==(Done const&) const = default;
};

}  // namespace doozer
