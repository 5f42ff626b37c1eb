#include "store/glob.h"

#include <algorithm>
#include <array>
#include <cstdint>

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

/// The positions in a pattern that the characters read so far can have led to, 64 to a word: no
/// pattern costs more than its length divided by 64 times the path's. (Baeza-Yates and Gonnet, A
/// new approach to text searching, CACM 35(10), 1992, over Thompson's automaton.)
template <std::size_t words_max>
class Positions {
  public:
    explicit Positions(std::string_view pattern)
        : size_(pattern.size()), words_(pattern.size() / 64 + 1) {
        for (Set& set : moves_) std::fill_n(set.begin(), words_, 0);
        for (Set* set : {&active_, &question_marks_, &component_runs_, &runs_}) {
            std::fill_n(set->begin(), words_, 0);
        }
        for (std::size_t i = 0; i < pattern.size(); ++i) {
            switch (pattern[i]) {
                case any_run:
                    insert(runs_, i);
                    break;
                case '*':
                    insert(component_runs_, i);
                    break;
                case '?':
                    insert(question_marks_, i);
                    break;
                default:
                    insert(moves_[path_symbol(pattern[i])], i);
                    break;
            }
        }
        active_[0] = 1;
        skip_empty_runs();
    }

    void read(char c) {
        Set const& exact = moves_[path_symbol(c)];
        std::uint64_t const within = c == '/' ? 0 : ~std::uint64_t{0};
        std::uint64_t carry = 0;
        for (std::size_t w = 0; w < words_; ++w) {
            std::uint64_t const moving = active_[w] & (exact[w] | (question_marks_[w] & within));
            std::uint64_t const staying = active_[w] & (runs_[w] | (component_runs_[w] & within));
            active_[w] = staying | moving << 1U | carry;
            carry = moving >> 63U;
        }
        skip_empty_runs();
    }

    [[nodiscard]] bool none() const {
        return std::all_of(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(words_),
                           [](std::uint64_t word) { return word == 0; });
    }
    [[nodiscard]] bool at_end() const { return (active_[size_ / 64] >> (size_ % 64) & 1U) != 0; }

  private:
    using Set = std::array<std::uint64_t, words_max>;

    static void insert(Set& set, std::size_t position) {
        set[position / 64] |= std::uint64_t{1} << (position % 64);
    }
    /// A run may be empty. Two runs never follow each other (join_stars), so once is enough.
    void skip_empty_runs() {
        std::uint64_t carry = 0;
        for (std::size_t w = 0; w < words_; ++w) {
            std::uint64_t const at_run = active_[w] & (runs_[w] | component_runs_[w]);
            active_[w] |= at_run << 1U | carry;
            carry = at_run >> 63U;
        }
    }

    std::size_t size_;
    std::size_t words_;
    Set active_;
    Set question_marks_;
    Set component_runs_;
    Set runs_;
    std::array<Set, path_symbols> moves_;  // by the character that moves on from the position
};

/// Reads `text`, and then decides what it has led to.
template <std::size_t words_max, typename Decide>
bool run(std::string_view pattern, std::string_view text, Decide decide) {
    Positions<words_max> positions(pattern);
    for (char const c : text) {
        positions.read(c);
        if (positions.none()) return false;
    }
    return decide(positions);
}

template <typename Decide>
bool run_any(std::string_view pattern, std::string_view text, Decide decide) {
    return pattern.size() < 64 ? run<1>(pattern, text, decide)
                               : run<path_bytes_max / 64 + 1>(pattern, text, decide);
}

std::uint16_t literal_beginning(std::string_view text) {
    auto const first = std::find_if(text.begin(), text.end(), is_wildcard);
    return static_cast<std::uint16_t>(first - text.begin());
}

}  // namespace

Glob::Glob(std::string_view text)
    : text_(text), prefix_size_(literal_beginning(text)), shortest_(prefix_size_) {
    auto const first = text.begin() + prefix_size_;
    auto const last = std::find_if(text.rbegin(), text.rend(), is_wildcard).base();
    if (first == text.end()) return;
    suffix_size_ = static_cast<std::uint16_t>(text.end() - last);
    pattern_ = join_stars(text.substr(prefix_size_, static_cast<std::size_t>(last - first)));
    auto const runs = std::count_if(pattern_.begin(), pattern_.end(),
                                    [](char c) { return c == '*' || c == any_run; });
    shortest_ = static_cast<std::uint16_t>(prefix_size_ + suffix_size_ + pattern_.size() -
                                           static_cast<std::size_t>(runs));
    kind_ = Middle::several;
    if (pattern_.size() == 1 && pattern_[0] == any_run) kind_ = Middle::run;
    if (pattern_ == "*") kind_ = Middle::component_run;
}

Result<Glob> Glob::parse(std::string_view text) {
    if (!is_glob(text)) {
        return Error{Errc::other, "invalid glob pattern: " + std::string(text)};
    }
    return Glob(text);
}

std::optional<std::string_view> Glob::rest_of(std::string_view path) const {
    if (path.size() < shortest_ || !path.starts_with(literal_prefix()) ||
        !path.ends_with(literal_suffix())) {
        return std::nullopt;
    }
    return path.substr(prefix_size_, path.size() - prefix_size_ - suffix_size_);
}

bool Glob::matches(std::string_view path) const {
    auto const rest = rest_of(path);
    if (!rest) return false;
    switch (kind_) {
        case Middle::nothing:
            return rest->empty();
        case Middle::run:
            return true;
        case Middle::component_run:
            return rest->find('/') == rest->npos;
        case Middle::several:
            break;
    }
    return run_any(pattern_, *rest, [](auto const& positions) { return positions.at_end(); });
}

bool Glob::may_match_below(std::string_view directory) const {
    std::string_view const prefix = literal_prefix();
    if (prefix.size() > directory.size()) {
        return prefix.starts_with(directory) && prefix[directory.size()] == '/';
    }
    if (!directory.starts_with(prefix)) return false;
    if (kind_ == Middle::run) return true;
    std::string const rest = pattern_ + std::string(literal_suffix());
    return run_any(rest, directory.substr(prefix.size()), [](auto& positions) {
        positions.read('/');
        return !positions.none();
    });
}

// Measured with store_bench, BM_CostlyMatch: a step takes less than 100 ns.
std::size_t Glob::cost_max(std::size_t path_bytes) const {
    std::size_t const words = pattern_.size() / 64;
    return 3 + path_bytes / 16 + path_bytes * words / 48;
}

std::size_t Glob::cost(std::string_view path) const {
    auto const rest = rest_of(path);
    if (!rest) return 1;
    return kind_ == Middle::several ? cost_max(rest->size()) : 1 + rest->size() / 1024;
}

}  // namespace doozer::store
