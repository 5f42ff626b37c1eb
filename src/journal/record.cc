#include "journal/record.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/limits.h"

namespace doozer::journal {
namespace {

static_assert(base::journal_record_bytes_max <= std::numeric_limits<std::int32_t>::max());

base::Error no_mutation(char const* why) {
    return {base::Errc::other, why};
}

bool is_path_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
}

/// A path of a file: "/" and a name, once or more. Source: protocol.md, Globs and paths.
bool is_file_path(std::string_view path) {
    if (path.size() < 2 || path.size() > base::path_bytes_max) return false;
    char before = 0;
    for (char const c : path) {
        if (c == '/' ? before == '/' : (before == 0 || !is_path_char(c))) return false;
        before = c;
    }
    return before != '/';
}

}  // namespace

RecordHeader decode_header(std::string_view bytes) {
    DOOZER_ASSERT(bytes.size() >= record_header_bytes);
    RecordHeader header{};
    std::copy_n(bytes.begin(), sha1_bytes, header.sum.begin());
    std::uint32_t size = 0;
    for (std::size_t i = record_header_bytes; i-- > sha1_bytes;)
        size = (size << 8U) | static_cast<unsigned char>(bytes[i]);
    header.size = static_cast<std::int32_t>(size);
    return header;
}

bool is_record_size(std::int64_t size) {
    return size >= 0 && size <= static_cast<std::int64_t>(base::journal_record_bytes_max);
}

void append_record(std::string& out, std::string_view data) {
    DOOZER_ASSERT(is_record_size(static_cast<std::int64_t>(data.size())));
    net::Sha1 const sum = net::sha1(data);
    out.append(sum.data(), sum.size());
    for (unsigned shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<char>(static_cast<std::uint32_t>(data.size()) >> shift));
    out.append(data);
}

std::string to_text(Mutation const& mutation) {
    std::string text = std::to_string(mutation.rev.value());
    text.reserve(text.size() + mutation.path.size() + mutation.value.value_or("").size() + 2);
    text.append(":").append(mutation.path);
    if (mutation.value) text.append("=").append(*mutation.value);
    return text;
}

base::Result<Mutation> parse_mutation(std::string_view data) {
    std::int64_t rev = 0;
    char const* const end = data.data() + data.size();
    auto const number = std::from_chars(data.data(), end, rev);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != ':')
        return no_mutation("no revision");
    if (rev < 0) return no_mutation("a revision below 0");
    Mutation mutation;
    mutation.rev = base::Revision(rev);
    data.remove_prefix(static_cast<std::size_t>(number.ptr - data.data()) + 1);
    std::size_t const equals = data.find('=');
    mutation.path = data.substr(0, equals);
    if (equals != std::string_view::npos) mutation.value = data.substr(equals + 1);
    if (!is_file_path(mutation.path)) return no_mutation("no path of a file");
    return mutation;
}

bool is_control(std::string_view path) {
    return path == "/ctl" || path.starts_with("/ctl/");
}

}  // namespace doozer::journal
