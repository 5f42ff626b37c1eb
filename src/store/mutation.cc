#include "store/mutation.h"

#include <array>
#include <cstdint>

#include "base/assert.h"
#include "base/limits.h"
#include "base/little_endian.h"

namespace doozer::store {
namespace {

constexpr std::size_t header_bytes = 1 + 8 + 2 + 4;

Error damaged(char const* why) {
    return {Errc::other, std::string("damaged mutation: ") + why};
}

}  // namespace

void append_mutation(std::string& batch, Mutation const& m) {
    DOOZER_ASSERT(m.value.size() <= value_bytes_ceiling);
    std::array<char, header_bytes> header;
    header[0] = static_cast<char>(m.kind);
    put_number(&header[1], static_cast<std::uint64_t>(m.condition.value()), 8);
    put_number(&header[9], m.path.text().size(), 2);
    put_number(&header[11], m.value.size(), 4);
    batch.append(header.data(), header.size()).append(m.path.text()).append(m.value);
}

Result<Mutation> take_mutation(std::string_view& batch) {
    if (batch.size() < header_bytes) return damaged("no header");
    auto const kind = static_cast<unsigned char>(batch[0]);
    std::size_t const path_size = get_number(&batch[9], 2);
    std::size_t const value_size = get_number(&batch[11], 4);
    std::string_view const content = batch.substr(header_bytes);
    if (kind < 1 || kind > 3) return damaged("unknown kind");
    if (value_size > value_bytes_ceiling) return damaged("size");
    if (content.size() < path_size + value_size) return damaged("cut short");

    auto const path = Path::parse(content.substr(0, path_size));
    if (!path.ok()) return damaged("path");
    Mutation const m{MutationKind{kind}, path.value(), content.substr(path_size, value_size),
                     Revision(static_cast<std::int64_t>(get_number(&batch[1], 8)))};
    if (m.kind != MutationKind::set && value_size != 0) return damaged("value without a set");
    if (m.kind == MutationKind::nop && m != Mutation::nop()) return damaged("nop with more");
    batch.remove_prefix(header_bytes + path_size + value_size);
    return m;
}

}  // namespace doozer::store
