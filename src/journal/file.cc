#include "journal/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace doozer::journal {

using base::Done;
using base::Result;

base::Error file_error(char const* doing, std::string const& name) {
    // One thread at a time deals with a file, and strerror's texts are constants.
    return {base::Errc::other,
            std::string(doing) + " " + name + ": " + std::strerror(errno)};  // NOLINT(*-mt-unsafe)
}

Result<DiskFile> DiskFile::open(std::string name, int flags) {
    int const fd = ::open(name.c_str(), flags | O_CLOEXEC, 0640);
    if (fd < 0) return file_error("open", name);
    return DiskFile(fd, std::move(name));
}

Result<DiskFile> DiskFile::open_to_read(std::string name) {
    return open(std::move(name), O_RDONLY);
}

Result<DiskFile> DiskFile::open_to_append(std::string name) {
    return open(std::move(name), O_RDWR | O_APPEND | O_CREAT);
}

Result<DiskFile> DiskFile::create(std::string name) {
    // In a folder where others may write, the name may be a link to a file of ours.
    if (unlink(name.c_str()) != 0 && errno != ENOENT) return file_error("replace", name);
    return open(std::move(name), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW);
}

DiskFile::~DiskFile() {
    if (fd_ >= 0) close(fd_);
}

DiskFile::DiskFile(DiskFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)) {}

DiskFile& DiskFile::operator=(DiskFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(name_, other.name_);
    return *this;
}

Result<std::uint64_t> DiskFile::size() const {
    struct stat status {};
    if (fstat(fd_, &status) != 0) return file_error("stat", name_);
    return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> DiskFile::read_at(std::uint64_t offset, std::span<char> into) const {
    std::size_t got = 0;
    while (got < into.size()) {
        ssize_t const n =
            pread(fd_, into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_error("read", name_);
        if (n == 0) break;
        got += static_cast<std::size_t>(n);
    }
    return got;
}

Result<Done> DiskFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const n = write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_error("write", name_);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return Done{};
}

Result<Done> DiskFile::sync() {
    if (fdatasync(fd_) != 0) return file_error("sync", name_);
    return Done{};
}

Result<Done> DiskFile::cut(std::uint64_t size) {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return file_error("cut", name_);
    return sync();
}

Result<Done> DiskFile::rename(std::string const& name) {
    if (std::rename(name_.c_str(), name.c_str()) != 0) return file_error("rename", name_);
    name_ = name;
    return sync_folder_of(name);
}

Result<Done> DiskFile::make_readable() {
    if (fchmod(fd_, 0644) != 0) return file_error("chmod", name_);
    return Done{};
}

Result<bool> DiskFile::lock() {
    if (flock(fd_, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return file_error("lock", name_);
}

Result<Done> sync_folder_of(std::string const& name) {
    std::size_t const slash = name.rfind('/');
    std::string folder = ".";
    if (slash != std::string::npos) folder = slash == 0 ? "/" : name.substr(0, slash);
    int const fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return file_error("open", folder);
    bool const done = fsync(fd) == 0;
    auto const error = file_error("sync", folder);
    close(fd);
    if (!done) return error;
    return Done{};
}

Result<Lock> Lock::take(std::string const& journal) {
    DOOZER_TRY(DiskFile file, DiskFile::open_to_append(journal + ".lock"));
    DOOZER_TRY(bool const taken, file.lock());
    if (!taken)
        return base::Error{base::Errc::other, journal + " is being written by another process"};
    return Lock(std::move(file));
}

}  // namespace doozer::journal
