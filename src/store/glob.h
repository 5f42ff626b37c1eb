// Globs: patterns over paths.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/path.h"

namespace doozer::store {

/// A well-formed glob. `?` matches one character other than "/", `*` any run of them within one
/// component, `**` any run of characters including "/". Pairs of stars are taken from the left.
/// Source: protocol.md, Globs and paths.
class Glob {
  public:
    /// REFUSES with other, "invalid glob pattern: <text>".
    static Result<Glob> parse(std::string_view text);

    [[nodiscard]] bool matches(std::string_view path) const;

    /// Whether any path that begins with `directory` + "/" can match; `directory` is "" for "/".
    [[nodiscard]] bool may_match_below(std::string_view directory) const;

    /// How much work it is to try a path of that size, in steps of a SearchBudget.
    [[nodiscard]] std::size_t cost(std::size_t path_bytes) const;

    /// The characters before the first wildcard: every path that matches begins with them.
    [[nodiscard]] std::string_view literal_prefix() const {
        return std::string_view(text_).substr(0, prefix_size_);
    }
    /// Whether the glob is a path, which then is all it matches.
    [[nodiscard]] bool is_literal() const { return rest_.empty(); }
    [[nodiscard]] std::string const& text() const { return text_; }

  private:
    explicit Glob(std::string_view text);

    std::string text_;
    std::size_t prefix_size_ = 0;
    std::string rest_;  // from the first wildcard on, with every run of stars as one character
};

}  // namespace doozer::store
