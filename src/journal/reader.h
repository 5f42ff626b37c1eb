// Reading a journal record by record, from the beginning to the end or to the first damage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "journal/file.h"
#include "journal/record.h"

namespace doozer::journal {

/// Why a journal cannot be read any further than `offset`, where the last good record ends.
struct Damage {
    enum class Kind {
        cut_short,    ///< the file ends within a record
        size,         ///< a size that no record has
        checksum,     ///< the data is not what the header says
        no_mutation,  ///< a whole record that is no change
        unreadable,   ///< the disk or the system refuses
    };
    Kind kind = Kind::unreadable;
    std::uint64_t offset = 0;
    std::string why = {};

    /// "<name>: bad record at offset 12: checksum mismatch"
    [[nodiscard]] std::string message(std::string const& name) const;
};

struct Record {
    std::uint64_t offset = 0;  ///< in the file, of its header
    std::string_view data;     ///< until the next call of the reader
    net::Sha1 sum = {};

    /// Header and data.
    [[nodiscard]] std::uint64_t bytes() const { return record_header_bytes + data.size(); }
    [[nodiscard]] std::uint64_t end() const { return offset + bytes(); }
};

class Reader {
  public:
    /// Reads [begin, end) of the file, which must outlive it; without `end` until there is no more.
    explicit Reader(DiskFile const& file, std::uint64_t begin = 0,
                    std::optional<std::uint64_t> end = {});

    /// The next record, or nothing at the end. After a Damage there is nothing to be had any more.
    base::Result<std::optional<Record>, Damage> next();

  private:
    using Read = base::Result<bool, Damage>;
    Read fill(std::size_t bytes);
    [[nodiscard]] Damage damage(Damage::Kind kind, std::string why) const;

    DiskFile const* file_;
    std::uint64_t offset_;
    std::optional<std::uint64_t> end_;
    std::vector<char> buffer_;  // of the file from offset_ on, in [begin_, filled_)
    std::size_t begin_ = 0;
    std::size_t filled_ = 0;
};

/// A file as a journal left it.
struct StoredFile {
    base::Revision rev;        ///< of its last change
    std::string value;         ///< any bytes
    std::uint64_t offset = 0;  ///< of the record it comes from
};

/// The tree that a journal describes.
struct Tree {
    std::map<std::string, StoredFile> files;  ///< by path; none is the servers' own (below /ctl)
    base::Revision last;                      ///< the highest revision in the journal, or missing
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;  ///< of the journal
    /// What had to be left out: a last record that was not written to its end. Else empty.
    std::string torn = {};
};

/// Reads a whole journal and changes nothing. A torn last record is left out and told of in `torn`:
/// it was never acknowledged. Error (other): one line with the file's name and the offset for any
/// other damage, for a record that is no change, and for changes that contradict each other (a file
/// below a file).
base::Result<Tree> read_tree(std::string const& name);

/// Whether damage at the end of a journal is what a loss of power in mid-write leaves, and not
/// records that were whole once: nothing that is a record follows it, and it is not larger than
/// what is written at a time.
base::Result<bool> is_torn_end(DiskFile const& file, Damage const& damage);

}  // namespace doozer::journal
