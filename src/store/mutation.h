// A change that somebody wants, as it goes through the one global order: who proposes it encodes
// it into a batch, who applies it decodes it. The condition is judged when it is applied.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "store/path.h"

namespace doozer::store {

enum class MutationKind : unsigned char { set = 1, del = 2, nop = 3 };

/// The views point into the batch, or into whatever the proposer made it from.
struct Mutation {
    MutationKind kind = MutationKind::nop;
    Path path = Path::root();
    std::string_view value = {};  ///< empty for del and nop
    Revision condition = clobber;

    static Mutation set(Path path, std::string_view value, Revision condition) {
        return {MutationKind::set, path, value, condition};
    }
    static Mutation del(Path path, Revision condition) {
        return {MutationKind::del, path, {}, condition};
    }
    static Mutation nop() { return {}; }

    bool operator==(Mutation const&) const = default;
};

/// Appends `m` to `batch`: kind (1 byte), condition (8), path size (2), value size (4), path,
/// value; numbers little-endian.
void append_mutation(std::string& batch, Mutation const& m);

/// Takes the first mutation off `batch`. REFUSES with other whatever append_mutation cannot have
/// written; `batch` is then as it was.
Result<Mutation> take_mutation(std::string_view& batch);

}  // namespace doozer::store
