// The values of the store, and its events.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace doozer {

/// The position of a change in the one order in which every server applies all changes; the first
/// change has revision 1. The revision of a file is that of its last change. As the condition of a
/// write it means "unless the file was changed since"; see also missing and clobber.
class Revision {
  public:
    constexpr Revision() = default;
    constexpr explicit Revision(std::int64_t value) : value_(value) {}

    [[nodiscard]] constexpr std::int64_t value() const { return value_; }
    /// The revision after this one.
    [[nodiscard]] constexpr Revision next() const { return Revision(value_ + 1); }
    constexpr auto operator<=>(Revision const&) const = default;

  private:
    std::int64_t value_ = 0;
};

/// The revision of every file that does not exist; as a condition: "only if it does not exist".
inline constexpr Revision missing{0};
/// As a condition: none; the write is made in any case.
inline constexpr Revision clobber{-1};
/// The revision that stat() reports for a directory.
inline constexpr Revision directory{-2};

/// A file's content.
struct File {
    Revision rev = missing;  ///< of its last change; missing if there is no such file
    std::string value = {};  ///< any bytes; empty if there is no such file

    [[nodiscard]] bool exists() const { return rev != missing; }
    bool operator==(File const&) const = default;
};

/// What is at a path.
struct Stat {
    Revision rev = missing;  ///< the last change of a file; otherwise missing or directory
    std::int64_t len = 0;    ///< bytes of a file's content, entries of a directory, or 0

    [[nodiscard]] bool exists() const { return rev != missing; }
    [[nodiscard]] bool is_directory() const { return rev == directory; }
    bool operator==(Stat const&) const = default;
};

/// One change; as the answer of a walk, one file as its last change left it.
struct Event {
    enum class Kind {
        set,  ///< the file at `path` now holds `value`
        del,  ///< the file at `path` is gone
        nop,  ///< nothing changed; `path` is "/"
    };

    Revision rev;
    Kind kind = Kind::nop;
    std::string path = {};
    std::string value = {};  ///< any bytes; empty unless kind is set

    [[nodiscard]] bool is_set() const { return kind == Kind::set; }
    [[nodiscard]] bool is_del() const { return kind == Kind::del; }
    bool operator==(Event const&) const = default;
};

}  // namespace doozer
