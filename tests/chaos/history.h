// What clients of a real cluster did and were told, as a file: one line for each operation, each
// event of a watch and each revision that a process holds. Times are nanoseconds of one clock that
// never goes back; revisions are those of the protocol.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chaos {

inline constexpr std::int64_t missing = 0;
inline constexpr std::int64_t clobber = -1;

// The same names, and the same order, as in sim/checkers.h.
enum class OpKind { set, compare_and_set, del, local_read, later_read, linear_read };
enum class OpState { pending, done, refused, unknown };
enum class ChangeKind { set, del, nop };

inline bool is_read(OpKind kind) {
    return kind >= OpKind::local_read;
}

struct Op {
    std::uint64_t id = 0;
    std::size_t session = 0;
    OpKind kind = OpKind::set;
    std::string path;
    std::string value;  // written, or found
    std::int64_t expected = clobber;
    std::int64_t min_rev = missing;
    std::int64_t start = 0;
    std::int64_t end = 0;
    OpState state = OpState::pending;
    std::int64_t rev = 0;
    bool succeeded = false;
};

struct Change {
    std::int64_t rev = 0;
    ChangeKind kind = ChangeKind::nop;
    std::string path;
    std::string value;
};

struct Watch {
    std::string prefix;
    std::int64_t from = 0;
    std::int64_t upto = 0;
    std::vector<Change> told;
};

struct History {
    std::vector<Op> ops;
    std::vector<Watch> watches;
    std::map<std::string, std::vector<Change>> logs;  // by the address of the process
};

void write(std::ostream& out, Op const& op);
void write(std::ostream& out, Watch const& watch);
void write_log(std::ostream& out, std::string const& address, Change const& change);

/// Adds what the file holds. Returns the number of the first line that is none of these, if any.
std::optional<std::size_t> read(std::istream& in, History& into);

}  // namespace chaos
