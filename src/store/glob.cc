#include "store/glob.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/limits.h"

namespace doozer::store {
namespace {

constexpr char any_run = '\x01';  // `**` in Glob::rest_; `*` and `?` stand for themselves

bool is_wildcard(char c) {
    return c == '*' || c == '?' || c == any_run;
}

bool is_glob(std::string_view text) {
    if (text.empty() || text.size() > path_bytes_max || text[0] != '/') return false;
    if (text.size() == 1) return true;
    if (text.back() == '/') return false;
    char previous = 0;
    for (char const c : text) {
        if (path_symbol(c) == 0 && c != '*' && c != '?') return false;
        if (c == '/' && previous == '/') return false;
        previous = c;
    }
    return true;
}

/// Writes `**` as one character. What follows it of further stars adds nothing: a run of any
/// characters and then a run within a component is a run of any characters.
std::string join_stars(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "**") {
            out += any_run;
            ++i;
            while (i + 1 < text.size() && text[i + 1] == '*') ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The set of positions in a pattern that the characters read so far can have led to. Simulates
/// the pattern's automaton (Thompson, CACM 11(6), 1968), so that no pattern costs more than its
/// length times the path's, in words of 64 positions.
class Positions {
  public:
    explicit Positions(std::string_view pattern)
        : pattern_(pattern), words_(pattern.size() / 64 + 1) {
        std::fill_n(active_.begin(), words_, 0);
        add(0, active_);
    }

    void read(char c) {
        std::array<std::uint64_t, words_max> next;
        std::fill_n(next.begin(), words_, 0);
        for (std::size_t word = 0; word < words_; ++word) {
            for (std::uint64_t bits = active_[word]; bits != 0; bits &= bits - 1) {
                step(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)), c, next);
            }
        }
        std::memcpy(active_.data(), next.data(), words_ * sizeof(std::uint64_t));
    }

    [[nodiscard]] bool none() const {
        return std::all_of(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(words_),
                           [](std::uint64_t word) { return word == 0; });
    }
    [[nodiscard]] bool at_end() const {
        return (active_[pattern_.size() / 64] >> (pattern_.size() % 64) & 1U) != 0;
    }

  private:
    static constexpr std::size_t words_max = path_bytes_max / 64 + 1;
    using Set = std::array<std::uint64_t, words_max>;

    void add(std::size_t position, Set& set) const {
        set[position / 64] |= std::uint64_t{1} << (position % 64);
        // A run may be empty. Two runs never follow each other (join_stars), so once is enough.
        if (position < pattern_.size() &&
            (pattern_[position] == '*' || pattern_[position] == any_run)) {
            set[(position + 1) / 64] |= std::uint64_t{1} << ((position + 1) % 64);
        }
    }

    void step(std::size_t position, char c, Set& next) const {
        if (position == pattern_.size()) return;
        char const p = pattern_[position];
        bool const stays = p == any_run || (p == '*' && c != '/');
        bool const moves = p == c || (p == '?' && c != '/');
        if (stays) add(position, next);
        if (moves) add(position + 1, next);
    }

    std::string_view pattern_;
    std::size_t words_;
    Set active_;
};

}  // namespace

Glob::Glob(std::string_view text)
    : text_(text),
      prefix_size_(static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_wildcard) -
                                            text.begin())),
      rest_(join_stars(text.substr(prefix_size_))) {}

Result<Glob> Glob::parse(std::string_view text) {
    if (!is_glob(text)) {
        return Error{Errc::other, "invalid glob pattern: " + std::string(text)};
    }
    return Glob(text);
}

bool Glob::matches(std::string_view path) const {
    if (!path.starts_with(literal_prefix())) return false;
    std::string_view const tail = path.substr(prefix_size_);
    if (rest_.empty()) return tail.empty();
    if (rest_.size() == 1 && rest_[0] == any_run) return true;
    if (rest_ == "*") return tail.find('/') == tail.npos;
    Positions positions(rest_);
    for (char const c : tail) {
        positions.read(c);
        if (positions.none()) return false;
    }
    return positions.at_end();
}

bool Glob::may_match_below(std::string_view directory) const {
    std::string_view const prefix = literal_prefix();
    if (prefix.size() > directory.size()) {
        return prefix.starts_with(directory) && prefix[directory.size()] == '/';
    }
    if (!directory.starts_with(prefix)) return false;
    Positions positions(rest_);
    for (char const c : directory.substr(prefix.size())) positions.read(c);
    positions.read('/');
    return !positions.none();
}

}  // namespace doozer::store
