// Any bytes as a path: refused, or a name that the tree finds again and lists where it belongs.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "store/store.h"

using namespace doozer::store;  // NOLINT(google-build-using-namespace): a program, not a library

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const path = Path::parse(text);
    if (!path.ok() || path.value().is_root()) return 0;

    Store store(StoreLimits{});
    store.apply(Mutation::set(Path::trusted("/middle/m"), "m", missing));
    bool const set = !store.apply(Mutation::set(path.value(), "value", missing)).refused;
    Found const found = store.find(path.value(), store.revision());
    DOOZER_ASSERT(set == (found.kind == Found::Kind::file && found.value.view() == "value"));
    if (!set) return 0;

    auto const listing = store.walk(Glob::parse(text).value(), store.revision());
    SearchBudget budget;
    auto const answer = store.seek(*listing, 0, budget);
    DOOZER_ASSERT(answer.state == Listing::State::found);
    std::string listed;
    append_path(listed, *answer.entry);
    DOOZER_ASSERT(listed == text);

    DOOZER_ASSERT(!store.apply(Mutation::del(path.value(), store.revision())).refused);
    DOOZER_ASSERT(store.find(path.value(), store.revision()).kind == Found::Kind::nothing);
    return 0;
}
