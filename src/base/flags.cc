#include "base/flags.h"

#include <optional>
#include <utility>

#include "base/parse.h"

namespace doozer::base {
namespace {

template <typename T, typename Parse>
Flags::Setter setter(T& target, Parse parse) {
    return [&target, parse](std::string_view text) -> Result<Done> {
        auto parsed = parse(text);
        if (!parsed.ok()) return parsed.error();
        target = std::move(parsed).value();
        return Done{};
    };
}

Error failed(std::string text) {
    return {Errc::other, std::move(text)};
}

}  // namespace

void Flags::add_text(std::string name, std::string& target) {
    add(std::move(name), [&target](std::string_view text) -> Result<Done> {
        target = text;
        return Done{};
    });
}

void Flags::add_texts(std::string name, std::vector<std::string>& target) {
    add(std::move(name), [&target](std::string_view text) -> Result<Done> {
        target.emplace_back(text);
        return Done{};
    });
}

void Flags::add_boolean(std::string name, bool& target) {
    flags_.push_back({std::move(name), true, setter(target, parse_boolean)});
}

void Flags::add_integer(std::string name, std::int64_t& target) {
    add(std::move(name), setter(target, [](std::string_view text) -> Result<std::int64_t> {
            auto parsed = parse_integer_literal(text);
            // The flag package says less than strconv.
            if (!parsed.ok() && parsed.error().detail == "invalid syntax") {
                return failed("parse error");
            }
            return parsed;
        }));
}

void Flags::add_duration(std::string name, Duration& target) {
    add(std::move(name), setter(target, parse_duration));
}

Flags::Flag const* Flags::find(std::string_view name) const {
    for (Flag const& flag : flags_) {
        if (flag.name == name) return &flag;
    }
    return nullptr;
}

Result<std::size_t> Flags::parse(std::span<std::string_view const> words) const {
    std::size_t at = 0;
    while (at < words.size()) {
        std::string_view const word = words[at];
        if (word.size() < 2 || word[0] != '-') return at;
        ++at;
        if (word == "--") return at;
        std::string_view name = word.substr(word[1] == '-' ? 2 : 1);
        if (name.empty() || name[0] == '-' || name[0] == '=') {
            return failed("bad flag syntax: " + std::string(word));
        }
        std::optional<std::string_view> value;
        if (std::size_t const equals = name.find('='); equals != name.npos) {
            value = name.substr(equals + 1);
            name = name.substr(0, equals);
        }
        std::string const shown = "-" + std::string(name);
        Flag const* const flag = find(name);
        if (flag == nullptr) return failed("flag provided but not defined: " + shown);
        if (!value && flag->is_boolean) value = "true";
        if (!value && at == words.size()) return failed("flag needs an argument: " + shown);
        if (!value) value = words[at++];
        auto const set = flag->set(*value);
        if (!set.ok()) {
            std::string const what =
                flag->is_boolean ? "invalid boolean value \"" + std::string(*value) + "\" for "
                                 : "invalid value \"" + std::string(*value) + "\" for flag ";
            return failed(what + shown + ": " + set.error().detail);
        }
    }
    return at;
}

}  // namespace doozer::base
