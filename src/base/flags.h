// Command-line flags by Go's rules, which scripts around the original rely on: `-l x`, `-l=x` and
// `--l x` are the same; parsing stops at the first word that is no flag, or behind `--`; a value
// may begin with a dash; a boolean takes a value only as `-v=false`; nothing is abbreviated.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace doozer::base {

class Flags {
  public:
    /// Takes the value, or says why not ("parse error").
    using Setter = std::function<Result<Done>(std::string_view)>;

    void add(std::string name, Setter set) {
        flags_.push_back({std::move(name), false, std::move(set)});
    }
    void add_text(std::string name, std::string& target);
    /// May be given several times.
    void add_texts(std::string name, std::vector<std::string>& target);
    void add_boolean(std::string name, bool& target);
    void add_integer(std::string name, std::int64_t& target);  ///< Go form: 0x10, 1_000
    void add_duration(std::string name, Duration& target);     ///< Go form: 1m30s

    /// Reads the flags at the beginning of `words` (without the program's name) and returns how
    /// many words they took. Error (other), as Go's flag package says it:
    /// "flag provided but not defined: -x", "flag needs an argument: -x",
    /// "invalid value "v" for flag -x: parse error", "bad flag syntax: ---x".
    Result<std::size_t> parse(std::span<std::string_view const> words) const;

  private:
    struct Flag {
        std::string name;
        bool is_boolean;
        Setter set;
    };
    [[nodiscard]] Flag const* find(std::string_view name) const;

    std::vector<Flag> flags_;
};

}  // namespace doozer::base
