#include "client/store_identity.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace doozer::client {
namespace {

/// What follows `"name":` in a JSON document, or nothing. No text within the document can look like
/// that, since a quote in a text has a backslash before it. The library has no parser for JSON, so
/// that programs need not link one.
std::optional<std::string_view> after(std::string_view document, std::string_view name) {
    std::string const key = "\"" + std::string(name) + "\":";
    std::size_t const found = document.find(key);
    if (found == document.npos) return std::nullopt;
    return document.substr(found + key.size());
}

bool is_lineage(std::string_view text) {
    auto const is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == 32 && std::all_of(text.begin(), text.end(), is_digit);
}

/// Takes a lineage in quotes off `rest`, or returns an empty text.
std::string take_lineage(std::string_view& rest) {
    std::string_view const text = rest.substr(0, 34);
    if (text.size() != 34 || text.front() != '"' || text.back() != '"') return {};
    if (!is_lineage(text.substr(1, 32))) return {};
    rest.remove_prefix(34);
    return std::string(text.substr(1, 32));
}

}  // namespace

bool StoreIdentity::continues(StoreIdentity const& before, base::Revision seen) const {
    if (lineage == before.lineage) return true;
    if (std::find(ancestors.begin(), ancestors.end(), before.lineage) != ancestors.end())
        return true;
    return restored_at > seen;
}

StoreIdentity parse_store(std::string_view document) {
    StoreIdentity store;
    auto lineage = after(document, "lineage");
    if (!lineage) return store;
    store.lineage = take_lineage(*lineage);
    if (auto rest = after(document, "ancestors"); rest && rest->starts_with('[')) {
        do {
            rest->remove_prefix(1);
            std::string ancestor = take_lineage(*rest);
            if (ancestor.empty()) break;
            store.ancestors.push_back(std::move(ancestor));
        } while (rest->starts_with(',') && store.ancestors.size() < store_ancestors_max);
    }
    if (auto const rest = after(document, "restored_at")) {
        std::int64_t rev = 0;
        auto const read = std::from_chars(rest->data(), rest->data() + rest->size(), rev);
        if (read.ec == std::errc() && rev > 0) store.restored_at = base::Revision(rev);
    }
    return store;
}

}  // namespace doozer::client
