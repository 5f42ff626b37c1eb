#include "journal/reader.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace doozer::journal {

using base::Result;

std::string Damage::message(std::string const& name) const {
    if (kind == Kind::unreadable) return why;
    return name + ": bad record at offset " + std::to_string(offset) + ": " + why;
}

Reader::Reader(DiskFile const& file, std::uint64_t begin, std::optional<std::uint64_t> end)
    : file_(&file), offset_(begin), end_(end) {
    auto const size = file.size();
    std::uint64_t const last = end.value_or(size.ok() ? size.value() : 0);
    std::uint64_t const all = last > begin ? last - begin : 0;
    buffer_.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(all, base::journal_read_bytes)));
}

Damage Reader::damage(Damage::Kind kind, std::string why) const {
    return {kind, offset_, std::move(why)};
}

/// Whether there are that many bytes from offset_ on; if so they are in the buffer.
Reader::Read Reader::fill(std::size_t bytes) {
    if (filled_ - begin_ >= bytes) return true;
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= std::exchange(begin_, 0);
    if (buffer_.size() < bytes) buffer_.resize(bytes);
    std::uint64_t const from = offset_ + filled_;
    std::size_t room = buffer_.size() - filled_;
    if (end_) room = static_cast<std::size_t>(std::min<std::uint64_t>(room, *end_ - from));
    auto const got = file_->read_at(from, {buffer_.data() + filled_, room});
    if (!got.ok()) return damage(Damage::Kind::unreadable, got.error().detail);
    filled_ += got.value();
    return filled_ >= bytes;
}

Result<std::optional<Record>, Damage> Reader::next() {
    DOOZER_TRY(bool const has_header, fill(record_header_bytes));
    if (!has_header) {
        if (filled_ == begin_) return std::optional<Record>();
        return damage(Damage::Kind::cut_short, "the file ends within its header");
    }
    auto const header = decode_header({buffer_.data() + begin_, record_header_bytes});
    if (!is_record_size(header.size))
        return damage(Damage::Kind::size, "size " + std::to_string(header.size) +
                                              " is not between 0 and " +
                                              std::to_string(base::journal_record_bytes_max));
    auto const size = static_cast<std::size_t>(header.size);
    DOOZER_TRY(bool const has_data, fill(record_header_bytes + size));
    if (!has_data) return damage(Damage::Kind::cut_short, "the file ends within its data");
    Record record;
    record.offset = offset_;
    record.sum = header.sum;
    record.data = {buffer_.data() + begin_ + record_header_bytes, size};
    if (net::sha1(record.data) != header.sum)
        return damage(Damage::Kind::checksum, "checksum mismatch");
    offset_ += record.bytes();
    begin_ += record_header_bytes + size;
    return std::optional(record);
}

// --- the end of a journal ------------------------------------------------------------------------

namespace {

/// Whether a record begins here. Adds what was hashed to find out.
bool is_record(std::string_view bytes, std::uint64_t& hashed) {
    if (bytes.size() < record_header_bytes) return false;
    auto const header = decode_header(bytes);
    bytes.remove_prefix(record_header_bytes);
    if (!is_record_size(header.size) || static_cast<std::size_t>(header.size) > bytes.size())
        return false;
    std::string_view const data = bytes.substr(0, static_cast<std::size_t>(header.size));
    if (!data.empty() && !parse_mutation(data).ok()) return false;
    hashed += data.size();
    return net::sha1(data) == header.sum;
}

}  // namespace

Result<bool> is_torn_end(DiskFile const& file, Damage const& damage) {
    if (damage.kind == Damage::Kind::unreadable || damage.kind == Damage::Kind::no_mutation)
        return false;
    // What begins with a size that no record has may be anything but a journal.
    if (damage.kind == Damage::Kind::size && damage.offset == 0) return false;
    DOOZER_TRY(std::uint64_t const size, file.size());
    std::uint64_t const rest = size - damage.offset;
    if (rest > base::journal_torn_bytes_max) return false;
    std::vector<char> buffer(static_cast<std::size_t>(rest));
    DOOZER_TRY(std::size_t const got, file.read_at(damage.offset, buffer));
    std::string_view const bytes(buffer.data(), got);
    std::uint64_t hashed = 0;
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        if (is_record(bytes.substr(at), hashed)) return false;
        if (hashed > base::journal_search_bytes_max) return false;
    }
    return true;
}

// --- the tree ------------------------------------------------------------------------------------

namespace {

base::Error damaged(Damage const& damage, std::string const& name) {
    return {base::Errc::other, damage.message(name)};
}

void apply(Tree& tree, Mutation const& mutation, std::uint64_t offset) {
    tree.last = std::max(tree.last, mutation.rev);
    if (is_control(mutation.path)) return;
    std::string path(mutation.path);
    if (mutation.is_set())
        tree.files.insert_or_assign(std::move(path),
                                    StoredFile{mutation.rev, std::string(*mutation.value), offset});
    else
        tree.files.erase(path);
}

/// A file below a file has no place in a tree.
Result<base::Done> check_tree(Tree const& tree, std::string const& name) {
    for (auto const& [path, file] : tree.files) {
        for (std::size_t slash = path.rfind('/'); slash > 0; slash = path.rfind('/', slash - 1)) {
            if (!tree.files.contains(path.substr(0, slash))) continue;
            std::string why = name;
            why.append(": the record at offset ").append(std::to_string(file.offset));
            why.append(" sets ").append(path).append(" below the file ");
            why.append(path, 0, slash);
            return base::Error{base::Errc::other, std::move(why)};
        }
    }
    return base::Done{};
}

}  // namespace

Result<Tree> read_tree(std::string const& name) {
    DOOZER_TRY(DiskFile const file, DiskFile::open_to_read(name));
    DOOZER_TRY(std::uint64_t const size, file.size());
    Tree tree;
    tree.bytes = size;
    Reader reader(file);
    for (;;) {
        auto const record = reader.next();
        if (!record.ok()) {
            DOOZER_TRY(bool const torn, is_torn_end(file, record.error()));
            if (!torn) return damaged(record.error(), name);
            tree.torn = record.error().message(name);
            break;
        }
        if (!record.value()) break;
        ++tree.records;
        if (record.value()->data.empty()) continue;
        auto const mutation = parse_mutation(record.value()->data);
        if (!mutation.ok())
            return damaged({Damage::Kind::no_mutation, record.value()->offset,
                            "it is no change: " + mutation.error().detail},
                           name);
        apply(tree, mutation.value(), record.value()->offset);
    }
    DOOZER_TRY([[maybe_unused]] auto const checked, check_tree(tree, name));
    return tree;
}

}  // namespace doozer::journal
