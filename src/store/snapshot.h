// The whole store as bytes: the tree as it was before the oldest change that is kept, and then
// every change. So a copy has the history of the original, and answers for the past as it does.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace doozer::store {

/// Version (1 byte), tree budget (8), revision of the old tree (8), number of its files (8), those
/// files (revision 8, path size 2, value size 4, path, value) in depth-first order, then the
/// changes (kind 1, path size 2, value size 4, path, value); numbers little-endian.
std::string encode_snapshot(Store const& store);

/// The budget for the tree is that of the snapshot, since all members must refuse the same; the
/// bounds on the history are those of `limits`. Error (other): these bytes are no snapshot.
Result<Store> decode_snapshot(std::string_view bytes, StoreLimits limits);

}  // namespace doozer::store
