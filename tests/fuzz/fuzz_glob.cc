// Any bytes as a glob and, behind a zero byte, a path: what the watch table wakes is what matches,
// and what matches is never pruned.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "store/glob.h"
#include "store/store.h"
#include "store/watch_table.h"

using namespace doozer::store;  // NOLINT(google-build-using-namespace): a program, not a library

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    std::size_t const zero = text.find('\0');
    auto const glob = Glob::parse(text.substr(0, zero));
    if (!glob.ok() || zero == text.npos) return 0;
    auto const path = Path::parse(text.substr(zero + 1));
    if (!path.ok() || path.value().is_root()) return 0;

    bool const matches = glob.value().matches(path.value().text());
    WatchTable table;
    Store store(StoreLimits{});
    table.add(glob.value(), 1, 1, store.revision());
    std::vector<std::uint64_t> woken;
    auto const applied = store.apply(Mutation::del(path.value(), clobber));
    table.take(applied.event.path, woken);
    std::vector<GlobScan::Due> due;
    while (table.is_behind(store.revision())) {
        SearchBudget budget{100};
        table.scan(store, budget, due);
    }
    DOOZER_ASSERT(woken.size() + due.size() == (matches ? 1U : 0U));
    DOOZER_ASSERT(table.size() == (matches ? 0U : 1U));
    if (!matches) return 0;
    std::string_view const matched = path.value().text();
    for (std::size_t slash = matched.rfind('/'); slash != 0;
         slash = matched.rfind('/', slash - 1)) {
        DOOZER_ASSERT(glob.value().may_match_below(matched.substr(0, slash)));
    }
    return 0;
}
