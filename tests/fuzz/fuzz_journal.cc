// Any bytes as a journal: read to its end or to one damage, whose place is in the file; and any
// bytes as the change in a record. Most random bytes have no right checksum, so the input is a list
// of records' data, and its first byte says which part of the file they make is then cut or
// changed.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "journal/reader.h"

namespace {

using namespace doozer::journal;  // NOLINT(google-build-using-namespace): a program, not a library

/// One file in memory for all inputs: its name is the same, its content is not.
class Scratch {
  public:
    Scratch() : fd_(memfd_create("journal", 0)), name_("/proc/self/fd/" + std::to_string(fd_)) {
        DOOZER_ASSERT(fd_ >= 0);
    }
    std::string const& holding(std::string_view content) {
        DOOZER_ASSERT(ftruncate(fd_, 0) == 0);
        DOOZER_ASSERT(pwrite(fd_, content.data(), content.size(), 0) ==
                      static_cast<ssize_t>(content.size()));
        return name_;
    }

  private:
    int fd_;
    std::string name_;
};

/// The lines of `text` as records.
std::string journal_of(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::string_view const line = text.substr(0, text.find('\n'));
        if (is_record_size(static_cast<std::int64_t>(line.size()))) append_record(out, line);
        text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
    }
    return out;
}

void read_records(std::string const& name, std::size_t size) {
    auto const file = DiskFile::open_to_read(name);
    DOOZER_ASSERT(file.ok());
    Reader reader(file.value());
    std::uint64_t end = 0;
    while (true) {
        auto const record = reader.next();
        if (!record.ok()) {
            DOOZER_ASSERT(record.error().offset == end && end <= size);
            DOOZER_ASSERT(record.error().message(name).find('\n') == std::string::npos);
            (void)is_torn_end(file.value(), record.error());
            return;
        }
        if (!record.value()) break;
        DOOZER_ASSERT(record.value()->offset == end);
        end = record.value()->end();
        auto const change = parse_mutation(record.value()->data);
        if (change.ok() && change.value().rev.value() > 0) (void)to_text(change.value());
    }
    DOOZER_ASSERT(end == size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 3) return 0;
    static Scratch scratch;
    std::string_view const text(reinterpret_cast<char const*>(data + 3), size - 3);
    std::string content = (data[0] & 1U) != 0 ? std::string(text) : journal_of(text);
    std::size_t const at = data[1] + 256U * data[2];
    if ((data[0] & 2U) != 0 && at < content.size()) content[at] ^= static_cast<char>(data[0]);
    if ((data[0] & 4U) != 0 && at < content.size()) content.resize(at);

    std::string const& name = scratch.holding(content);
    read_records(name, content.size());
    auto const tree = read_tree(name);
    if (!tree.ok()) DOOZER_ASSERT(tree.error().detail.find('\n') == std::string::npos);
    return 0;
}
