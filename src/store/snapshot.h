// The whole store as bytes, in pieces: the tree as it was before the oldest change that is kept,
// and then every change. So a copy has the history of the original, and answers for the past as it
// does. What is changed while pieces are read is at the end of it: the last piece makes a copy
// complete.
//
//   snapshot = tree budget (8), revision of the old tree (8), file*, 0 (8), change*, 255 (1)
//   file     = revision (8), path size (2), value size (4), path, value      depth first
//   change   = kind (1), path size (2), value size (4), path, value
//
// Numbers are little-endian. A piece ends behind any of these.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace doozer::store {

/// Reads a store. REQUIRES: the store outlives it, and is not moved.
class SnapshotReader {
  public:
    explicit SnapshotReader(Store& store);

    /// Appends a piece of about `bytes_max` bytes, perhaps of none; it takes little time. REQUIRES:
    /// neither is_lost() nor is_complete().
    void read(std::string& out, std::size_t bytes_max);
    /// What was read is the store as it is now.
    [[nodiscard]] bool is_complete() const { return complete_; }
    /// So much has changed meanwhile that what is left can no longer be told.
    [[nodiscard]] bool is_lost() const { return hold_.is_void(); }

  private:
    void read_file(std::string& out);
    void read_change(std::string& out);

    Store& store_;
    Store::Hold hold_;
    bool header_done_ = false;
    bool files_done_ = false;
    bool complete_ = false;
    Entry const* entry_;  // to be looked at next, if it is to be entered; else to be left
    bool enter_ = true;
    std::string path_;  // of entry_; then of a change
    Revision next_change_;
};

/// Makes a store of such pieces, whole and in their order.
class SnapshotWriter {
  public:
    /// The budget for the tree is that of the snapshot, since all members must refuse the same; the
    /// bounds on the history are those of `limits`.
    explicit SnapshotWriter(StoreLimits limits) : limits_(limits) {}

    /// Takes a piece off the front of `in`, which is all of it, or up to the end of the snapshot.
    /// Error (other): these bytes are no piece that could follow.
    Result<Done> write(std::string_view& in);
    /// The store. Error (other): something is missing.
    Result<Store> finish();

  private:
    Result<Done> write_header(std::string_view& in);
    Result<Done> write_files(std::string_view& in);
    Result<Done> write_changes(std::string_view& in);

    StoreLimits limits_;
    std::optional<Store> store_;
    bool files_done_ = false;
    bool complete_ = false;
};

/// All pieces at once, and what they make.
std::string encode_snapshot(Store& store);
Result<Store> decode_snapshot(std::string_view bytes, StoreLimits limits);

}  // namespace doozer::store
