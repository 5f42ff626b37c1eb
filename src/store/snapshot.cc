#include "store/snapshot.h"

#include "base/little_endian.h"

namespace doozer::store {
namespace {

constexpr std::uint64_t version = 1;

Error damaged(std::string const& why) {
    return {Errc::other, "damaged snapshot: " + why};
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

Result<Done> take_files(std::string_view& in, std::uint64_t files, Store& store) {
    for (; files > 0; --files) {
        auto const rev = take_number(in, 8);
        if (!rev) return damaged("cut short");
        DOOZER_TRY(auto const file, take_path_and_value(in));
        if (!store.load_file(file.path, Revision(static_cast<std::int64_t>(*rev)), file.value)) {
            return damaged("file out of place");
        }
    }
    return Done{};
}

Result<Done> take_changes(std::string_view& in, Store& store) {
    if (in.empty()) return damaged("no change");
    while (!in.empty()) {
        auto const kind = *take_number(in, 1);
        if (kind > static_cast<std::uint64_t>(EventKind::nop)) return damaged("kind of change");
        DOOZER_TRY(auto const change, take_path_and_value(in));
        if (!store.replay(static_cast<EventKind>(kind), change.path, change.value)) {
            return damaged("change out of place");
        }
    }
    return Done{};
}

}  // namespace

std::string encode_snapshot(Store const& store) {
    std::string out;
    append_number(out, version, 1);
    append_number(out, store.tree_bytes_max(), 8);
    std::int64_t const old = store.first_revision().value() - 1;
    append_number(out, static_cast<std::uint64_t>(old), 8);
    std::size_t const count_at = out.size();
    append_number(out, 0, 8);
    std::uint64_t files = 0;
    store.for_each_old_file([&](std::string_view path, Version const& file) {
        ++files;
        append_number(out, static_cast<std::uint64_t>(file.rev.value()), 8);
        append_path_and_value(out, path, file.value.view());
    });
    std::string count;
    append_number(count, files, 8);
    out.replace(count_at, count.size(), count);
    std::string path;
    for (Revision rev = store.first_revision(); rev <= store.revision(); rev = rev.next()) {
        Event const event = store.event(rev, path);
        append_number(out, static_cast<std::uint64_t>(event.kind), 1);
        append_path_and_value(out, event.path, event.value.view());
    }
    return out;
}

Result<Store> decode_snapshot(std::string_view bytes, StoreLimits limits) {
    auto const format = take_number(bytes, 1);
    auto const tree_bytes = take_number(bytes, 8);
    auto const old = take_number(bytes, 8);
    auto const files = take_number(bytes, 8);
    if (!files) return damaged("no header");
    if (*format != version) return damaged("version");
    if (*old > static_cast<std::uint64_t>(revision_max.value())) return damaged("revision");
    limits.tree_bytes = *tree_bytes;
    Store store(limits);
    store.begin_at(Revision(static_cast<std::int64_t>(*old)));
    if (auto taken = take_files(bytes, *files, store); !taken.ok()) return taken.error();
    if (auto taken = take_changes(bytes, store); !taken.ok()) return taken.error();
    return store;
}

}  // namespace doozer::store
