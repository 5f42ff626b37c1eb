#include "replica/ancestry.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/parse.h"

namespace doozer::replica {
namespace {

constexpr std::size_t lineage_digits = 32;
constexpr std::string_view journal_word = "journal ";

std::string hex(std::uint64_t n) {
    std::string text(16, '0');
    for (std::size_t i = 16; i > 0; --i, n >>= 4U) text[i - 1] = "0123456789abcdef"[n & 15U];
    return text;
}

bool is_lineage(std::string_view text) {
    auto const is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == lineage_digits && std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace

std::string text_of(consensus::Lineage const& lineage) {
    return hex(lineage.high) + hex(lineage.low);
}

std::string text_of(Ancestry const& ancestry) {
    std::string text;
    for (std::string const& lineage : ancestry.lineages) text.append(lineage).append("\n");
    if (ancestry.restored_at != base::missing)
        text.append(journal_word).append(std::to_string(ancestry.restored_at.value())).append("\n");
    return text;
}

Ancestry forced_on(Ancestry before, consensus::Lineage const& ended) {
    before.lineages.insert(before.lineages.begin(), text_of(ended));
    if (before.lineages.size() > ancestors_max) before.lineages.pop_back();
    return before;
}

Ancestry parse_ancestry(std::string_view text) {
    Ancestry ancestry;
    while (!text.empty()) {
        std::size_t const end = std::min(text.find('\n'), text.size());
        std::string_view const line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (is_lineage(line) && ancestry.lineages.size() < ancestors_max)
            ancestry.lineages.emplace_back(line);
        if (!line.starts_with(journal_word)) continue;
        auto const rev = base::parse_integer(line.substr(journal_word.size()));
        if (rev.ok() && rev.value() > 0) ancestry.restored_at = Revision(rev.value());
    }
    return ancestry;
}

Ancestry ancestry_in(State const& state) {
    auto const text = state.value(ancestry_path);
    return text ? parse_ancestry(text->view()) : Ancestry{};
}

store::Applied write_ancestry(Ancestry const& ancestry, State& state) {
    std::string const text = text_of(ancestry);
    auto const path = store::Path::trusted(ancestry_path);
    auto applied = state.apply({std::nullopt, store::Mutation::set(path, text, base::clobber)});
    DOOZER_ASSERT(applied.has_value());  // a change without a guard is always applied
    return *std::move(applied);
}

}  // namespace doozer::replica
