// Paths: the names of files, judged before anything else happens with them.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace doozer::store {

using namespace base;

/// A well-formed path: "/" or a sequence of "/" + one or more of `A-Z a-z 0-9 . -`, at most
/// path_bytes_max bytes. A view: it lives no longer than the text it was parsed from.
/// Source: protocol.md, Globs and paths.
class Path {
  public:
    /// REFUSES with bad_path whatever is no path.
    static Result<Path> parse(std::string_view text);

    /// REQUIRES: `text` is a path. For text that this program made itself.
    static Path trusted(std::string_view text);

    static Path root() { return Path("/"); }

    [[nodiscard]] std::string_view text() const { return text_; }
    bool operator==(Path const&) const = default;
    [[nodiscard]] bool is_root() const { return text_.size() == 1; }

  private:
    explicit Path(std::string_view text) : text_(text) {}
    std::string_view text_;
};

/// Whether `text` could stand between two slashes of a path.
bool is_path_component(std::string_view text);

/// Takes the first component off `rest`, a path or what follows a component in one:
/// "/a/b" gives "a" and leaves "/b". REQUIRES: rest is neither empty nor "/".
inline std::string_view take_component(std::string_view& rest) {
    std::size_t const slash = rest.find('/', 1);
    bool const last = slash == std::string_view::npos;
    std::string_view const component = rest.substr(1, last ? slash : slash - 1);
    rest = last ? std::string_view() : rest.substr(slash);
    return component;
}

/// The place of a path character in byte order, from 1 on; 0 for a character no path may hold.
/// There are `path_symbols` places, 0 included.
std::size_t path_symbol(char c);
inline constexpr std::size_t path_symbols = 66;

}  // namespace doozer::store
