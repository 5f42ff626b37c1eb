// Any bytes as a batch of mutations: what is taken off it encodes to the same bytes, can be
// applied, and every revision it makes has an event that can be read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "store/store.h"

using namespace doozer::store;  // NOLINT(google-build-using-namespace): a program, not a library

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    // Small limits, so that collection and a full store are met on the way.
    Store store(StoreLimits{.history_revisions = 3, .tree_bytes = 10'000});
    for (;;) {
        std::string_view const before = rest;
        auto const mutation = take_mutation(rest);
        if (!mutation.ok()) {
            DOOZER_ASSERT(rest.size() == before.size());
            return 0;
        }
        std::string again;
        append_mutation(again, mutation.value());
        DOOZER_ASSERT(before.starts_with(again) && before.size() == rest.size() + again.size());

        Revision const expected = store.revision().next();
        Applied const applied = store.apply(mutation.value());
        std::string path;
        Event const event = store.event(expected, path);
        DOOZER_ASSERT(applied.event.rev == expected && store.revision() == expected);
        DOOZER_ASSERT(event.path == applied.event.path && event.kind == applied.event.kind);
        DOOZER_ASSERT(event.value == applied.event.value);
        DOOZER_ASSERT(store.revision().value() - store.first_revision().value() < 3);
    }
}
