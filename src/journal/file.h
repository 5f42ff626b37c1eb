// Files as the journal needs them: appended to, forced to disk, replaced at once. Every error names
// the file in one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace doozer::journal {

class DiskFile {
  public:
    static base::Result<DiskFile> open_to_read(std::string name);
    /// Creates it with mode 0640 if there is none.
    static base::Result<DiskFile> open_to_append(std::string name);
    /// A new one in place of whatever there was of that name; a link is not followed.
    static base::Result<DiskFile> create(std::string name);

    ~DiskFile();
    DiskFile(DiskFile&& other) noexcept;
    DiskFile& operator=(DiskFile&& other) noexcept;
    DiskFile(DiskFile const&) = delete;
    DiskFile& operator=(DiskFile const&) = delete;

    [[nodiscard]] std::string const& name() const { return name_; }
    [[nodiscard]] base::Result<std::uint64_t> size() const;
    /// As many bytes as there are, from `offset` on; fewer than asked for at the file's end only.
    [[nodiscard]] base::Result<std::size_t> read_at(std::uint64_t offset,
                                                    std::span<char> into) const;
    /// Error: some of the bytes may have been written.
    base::Result<base::Done> append(std::string_view bytes);
    /// Forces what was written to disk. After an error nobody knows what is there.
    base::Result<base::Done> sync();
    base::Result<base::Done> cut(std::uint64_t size);
    /// Gives the file this name, in place of the file that had it, and forces that to disk. Both
    /// must be in one folder.
    base::Result<base::Done> rename(std::string const& name);
    /// Everybody may read it.
    base::Result<base::Done> make_readable();
    /// Nobody else has the file locked, or gets it while this one lives. False if somebody has.
    base::Result<bool> lock();

  private:
    DiskFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
    static base::Result<DiskFile> open(std::string name, int flags);

    int fd_ = -1;
    std::string name_;
};

/// Forces the names in the folder of this file to disk.
base::Result<base::Done> sync_folder_of(std::string const& name);

/// "<doing> <name>: <what errno says>"
base::Error file_error(char const* doing, std::string const& name);

/// The process that writes a journal holds it: "<journal>.lock" has no other use.
class Lock {
  public:
    /// Error: somebody else writes that journal.
    static base::Result<Lock> take(std::string const& journal);

  private:
    explicit Lock(DiskFile file) : file_(std::move(file)) {}
    DiskFile file_;
};

}  // namespace doozer::journal
