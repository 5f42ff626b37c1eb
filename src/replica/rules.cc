#include "replica/rules.h"

#include "base/assert.h"
#include "base/parse.h"

namespace doozer::replica {
namespace {

/// Takes a number and what separates it from the next; -1: there is none.
int take_part(std::string_view& version) {
    std::string_view const part = version.substr(0, version.find('.'));
    version.remove_prefix(part.size() == version.size() ? part.size() : part.size() + 1);
    auto const number = base::parse_integer(part);
    constexpr int highest = 1'000'000;
    bool const plausible = number.ok() && number.value() >= 0 && number.value() <= highest;
    return plausible ? static_cast<int>(number.value()) : -1;
}

std::pair<int, int> major_and_minor(std::string_view version) {
    int const major = take_part(version);
    return {major, take_part(version)};
}

}  // namespace

bool RulesTable::are_known_to(std::string_view version, Rules rules) const {
    DOOZER_ASSERT(rules >= 1 && rules <= newest());
    return rules == 1 || major_and_minor(version) >= since[rules - 1U];
}

bool RulesTable::is_newer(std::string_view version) const {
    return major_and_minor(version) > major_and_minor(release);
}

}  // namespace doozer::replica
