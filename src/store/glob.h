// Globs: patterns over paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

    /// How much work it is to try this path, in steps of a SearchBudget. Most paths that do not
    /// match cost one step: their length, their beginning or their end tells.
    [[nodiscard]] std::size_t cost(std::string_view path) const;
    /// The most that a path of so many bytes can cost.
    [[nodiscard]] std::size_t cost_max(std::size_t path_bytes) const;

    /// The characters before the first wildcard: every path that matches begins with them.
    [[nodiscard]] std::string_view literal_prefix() const {
        return std::string_view(text_).substr(0, prefix_size_);
    }
    /// The characters after the last wildcard: every path that matches ends with them. Empty if
    /// the glob has no wildcard.
    [[nodiscard]] std::string_view literal_suffix() const {
        return std::string_view(text_).substr(text_.size() - suffix_size_);
    }
    /// What stands between the literal prefix and the literal suffix.
    enum class Middle : unsigned char {
        nothing,        ///< the glob is a path, which is all that it matches
        component_run,  ///< `*`
        run,            ///< `**`, or more stars
        several         ///< `?`, or more than one wildcard
    };
    [[nodiscard]] Middle middle() const { return kind_; }
    [[nodiscard]] bool is_literal() const { return kind_ == Middle::nothing; }
    [[nodiscard]] std::string const& text() const { return text_; }

  private:
    explicit Glob(std::string_view text);
    /// The part of `path` that the middle has to match; nothing if its length, its beginning or its
    /// end does not fit.
    [[nodiscard]] std::optional<std::string_view> rest_of(std::string_view path) const;

    std::string text_;
    std::string pattern_;  // the middle, with every run of stars as one character
    std::uint16_t prefix_size_ = 0;
    std::uint16_t suffix_size_ = 0;
    std::uint16_t shortest_ = 0;  // no shorter path matches
    Middle kind_ = Middle::nothing;
};

}  // namespace doozer::store
