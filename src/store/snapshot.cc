#include "store/snapshot.h"

#include "base/assert.h"
#include "base/little_endian.h"

namespace doozer::store {
namespace {

/// How many names a piece looks at: those that only later changes made are passed over.
constexpr int names_per_piece_max = 8192;

constexpr std::uint64_t end_mark = 255;  // no kind of change

Error damaged(std::string const& why) {
    return {Errc::other, "damaged snapshot: " + why};
}

void append_revision(std::string& out, Revision rev) {
    append_number(out, static_cast<std::uint64_t>(rev.value()), 8);
}

std::optional<Revision> take_revision(std::string_view& in) {
    auto const number = take_number(in, 8);
    if (!number || *number > static_cast<std::uint64_t>(revision_max.value())) return std::nullopt;
    return Revision(static_cast<std::int64_t>(*number));
}

void append_path_and_value(std::string& out, std::string_view path, std::string_view value) {
    append_number(out, path.size(), 2);
    append_number(out, value.size(), 4);
    out.append(path).append(value);
}

struct PathAndValue {
    Path path;
    std::string_view value;
};

Result<PathAndValue> take_path_and_value(std::string_view& in) {
    auto const path_size = take_number(in, 2);
    auto const value_size = take_number(in, 4);
    if (!path_size || !value_size) return damaged("cut short");
    auto const text = take_text(in, *path_size);
    auto const value = take_text(in, *value_size);
    if (!text || !value) return damaged("cut short");
    auto const path = Path::parse(*text);
    if (!path.ok()) return damaged("path");
    return PathAndValue{path.value(), *value};
}

}  // namespace

SnapshotReader::SnapshotReader(Store& store)
    : store_(store), hold_(store), entry_(&store.root()), next_change_(store.first_revision()) {}

void SnapshotReader::read(std::string& out, std::size_t bytes_max) {
    DOOZER_ASSERT(!is_lost() && !is_complete());
    std::size_t const full = out.size() + bytes_max;
    if (!header_done_) {
        header_done_ = true;
        append_number(out, store_.tree_bytes_max(), 8);
        append_revision(out, Revision(next_change_.value() - 1));
    }
    for (int i = 0; i < names_per_piece_max && out.size() < full && !complete_; ++i) {
        files_done_ ? read_change(out) : read_file(out);
    }
}

/// Looks at one name. Without recursion: a path may be some thousand names deep.
void SnapshotReader::read_file(std::string& out) {
    AllNames all;
    Entry const& here = *entry_;
    Entry const* next = nullptr;
    if (enter_) {
        if (here.base.rev != missing) {
            append_revision(out, here.base.rev);
            append_path_and_value(out, path_, here.base.value.view());
        }
        if (here.directory) next = here.directory->children.first(all);
        if (next != nullptr) {
            path_.append("/").append(next->key());
            entry_ = next;
            return;
        }
    }
    if (here.parent == nullptr) {
        append_revision(out, missing);
        files_done_ = true;
        return;
    }
    path_.resize(path_.size() - here.name_size - 1);
    next = here.parent->directory->children.first_after(here.key(), all);
    enter_ = next != nullptr;
    if (enter_) path_.append("/").append(next->key());
    entry_ = enter_ ? next : here.parent;
}

void SnapshotReader::read_change(std::string& out) {
    complete_ = next_change_ > store_.revision();
    if (complete_) return append_number(out, end_mark, 1);
    Event const event = store_.event(next_change_, path_);
    append_number(out, static_cast<std::uint64_t>(event.kind), 1);
    append_path_and_value(out, event.path, event.value.view());
    ++next_change_;
}

Result<Done> SnapshotWriter::write(std::string_view& in) {
    if (!store_) {
        DOOZER_TRY([[maybe_unused]] Done const header, write_header(in));
    }
    if (!files_done_) {
        DOOZER_TRY([[maybe_unused]] Done const files, write_files(in));
    }
    return write_changes(in);
}

Result<Done> SnapshotWriter::write_header(std::string_view& in) {
    auto const tree_bytes = take_number(in, 8);
    auto const old = take_revision(in);
    if (!tree_bytes || !old) return damaged("header");
    limits_.tree_bytes = *tree_bytes;
    store_.emplace(limits_);
    store_->begin_at(*old);
    return Done{};
}

Result<Done> SnapshotWriter::write_files(std::string_view& in) {
    while (!in.empty()) {
        auto const rev = take_revision(in);
        if (!rev) return damaged("cut short");
        files_done_ = *rev == missing;
        if (files_done_) break;
        DOOZER_TRY(auto const file, take_path_and_value(in));
        if (!store_->load_file(file.path, *rev, file.value)) return damaged("file out of place");
    }
    return Done{};
}

Result<Done> SnapshotWriter::write_changes(std::string_view& in) {
    while (!in.empty() && !complete_) {
        auto const kind = *take_number(in, 1);
        complete_ = kind == end_mark;
        if (complete_) break;
        if (kind > static_cast<std::uint64_t>(EventKind::nop)) return damaged("kind of change");
        DOOZER_TRY(auto const change, take_path_and_value(in));
        if (!store_->replay(static_cast<EventKind>(kind), change.path, change.value)) {
            return damaged("change out of place");
        }
    }
    return Done{};
}

Result<Store> SnapshotWriter::finish() {
    if (!complete_) return damaged("cut short");
    return std::move(*store_);
}

std::string encode_snapshot(Store& store) {
    std::string out;
    for (SnapshotReader reader(store); !reader.is_complete();) reader.read(out, SIZE_MAX / 2);
    return out;
}

Result<Store> decode_snapshot(std::string_view bytes, StoreLimits limits) {
    SnapshotWriter writer(limits);
    DOOZER_TRY([[maybe_unused]] Done const written, writer.write(bytes));
    return writer.finish();
}

}  // namespace doozer::store
