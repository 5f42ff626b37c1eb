#include "journal/dump.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/limits.h"
#include "base/visible.h"
#include "journal/file.h"
#include "journal/index.h"
#include "journal/reader.h"

namespace doozer::journal {
namespace {

using base::Done;
using base::Result;

constexpr int exit_success = 0;
constexpr int exit_failure = 2;

int fail(std::FILE* err, char const* program, std::string const& why) {
    std::fprintf(err, "%s: %s\n", program, base::visible_line(why).c_str());
    return exit_failure;
}

/// What --summary tells.
class Summary {
  public:
    void count(Record const& record) {
        ++records_;
        bytes_ = record.end();
        auto const mutation = parse_mutation(record.data);
        if (!mutation.ok()) {
            ++no_mutations_;
            return;
        }
        if (!first_) first_ = mutation.value().rev;
        if (last_ && mutation.value().rev < *last_) ++steps_back_;
        last_ = mutation.value().rev;
        if (mutation.value().is_set())
            files_.emplace(mutation.value().path);
        else if (auto const found = files_.find(mutation.value().path); found != files_.end())
            files_.erase(found);
    }

    void print(std::FILE* err) const {
        std::fprintf(err, "records %" PRIu64 "\nfiles %zu\n", records_, files_.size());
        if (first_)
            std::fprintf(err, "first revision %" PRId64 "\nlast revision %" PRId64 "\n",
                         first_->value(), last_->value());
        std::fprintf(err, "bytes %" PRIu64 "\n", bytes_);
        if (no_mutations_ > 0)
            std::fprintf(err, "records that are no mutation %" PRIu64 "\n", no_mutations_);
        if (steps_back_ > 0)
            std::fprintf(err, "records of a lower revision than the one before %" PRIu64 "\n",
                         steps_back_);
    }

  private:
    std::uint64_t records_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t no_mutations_ = 0;
    std::uint64_t steps_back_ = 0;
    std::optional<base::Revision> first_;
    std::optional<base::Revision> last_;
    std::unordered_set<std::string, PathHash, std::equal_to<>> files_;
};

void print_check(Record const& record, std::FILE* err) {
    std::fprintf(err, "offset %" PRIu64 " bytes %" PRIu64 " sha1 %s ok\n", record.offset,
                 record.bytes(), net::to_hex(record.sum).c_str());
}

std::string json_line(Record const& record, bool verify) {
    std::string line = to_json(record.data);
    if (!verify) return line;
    line.pop_back();
    return line + ",\"offset\":" + std::to_string(record.offset) +
           ",\"bytes\":" + std::to_string(record.bytes()) + ",\"sha1\":\"" +
           net::to_hex(record.sum) + "\"}";
}

/// Prints all good records; returns the damage after them, if there is any.
std::optional<Damage> print_records(DiskFile const& file, DumpOptions const& options,
                                    Summary& summary, std::FILE* out, std::FILE* err) {
    Reader reader(file);
    bool const is_terminal = isatty(fileno(out)) != 0;
    for (;;) {
        auto const next = reader.next();
        if (!next.ok()) return next.error();
        if (!next.value()) return std::nullopt;
        Record const& record = *next.value();
        std::string line =
            options.json ? json_line(record, options.verify) : std::string(record.data);
        if (is_terminal) line = base::visible_text(line);
        line += '\n';
        std::fwrite(line.data(), 1, line.size(), out);
        if (options.verify && !options.json) print_check(record, err);
        if (options.summary) summary.count(record);
    }
}

Result<DiskFile> open(std::string const& name, bool to_write) {
    if (!to_write) return DiskFile::open_to_read(name);
    // Not created: a misspelled name is an error.
    DOOZER_TRY([[maybe_unused]] DiskFile const there, DiskFile::open_to_read(name));
    return DiskFile::open_to_append(name);
}

Result<std::optional<Lock>> lock_if(bool wanted, std::string const& name) {
    if (!wanted) return std::optional<Lock>();
    DOOZER_TRY([[maybe_unused]] DiskFile const there, DiskFile::open_to_read(name));
    DOOZER_TRY(Lock lock, Lock::take(name));
    return std::optional<Lock>(std::move(lock));
}

}  // namespace

int dump(std::string const& name, DumpOptions const& options, std::FILE* out, std::FILE* err) {
    static constexpr char const* program = "dumpjournal";
    auto const lock = lock_if(options.repair, name);
    if (!lock.ok()) return fail(err, program, lock.error().detail);
    auto file = open(name, options.repair);
    if (!file.ok()) return fail(err, program, file.error().detail);
    Summary summary;
    auto const damage = print_records(file.value(), options, summary, out, err);
    if (std::fflush(out) != 0 || std::ferror(out) != 0)
        return fail(err, program, "standard output cannot be written");
    if (damage) {
        fail(err, program, damage->message(name));
        if (!options.repair || damage->kind == Damage::Kind::unreadable) return exit_failure;
        auto const cut = file.value().cut(damage->offset);
        if (!cut.ok()) return fail(err, program, cut.error().detail);
        std::fprintf(err, "%s: %s: cut at offset %" PRIu64 "\n", program,
                     base::visible_line(name).c_str(), damage->offset);
    }
    if (options.summary) summary.print(err);
    return exit_success;
}

// --- writejournal --------------------------------------------------------------------------------

namespace {

/// Goes over the records that are there: what is appended behind a damage could never be read.
Result<Done> check(DiskFile const& file) {
    Reader reader(file);
    for (;;) {
        auto const next = reader.next();
        if (!next.ok())
            return base::Error{base::Errc::other,
                               next.error().message(file.name()) + "; nothing was appended"};
        if (!next.value()) return Done{};
    }
}

/// Reads lines of bounded size.
class Lines {
  public:
    explicit Lines(std::FILE* in) : in_(in) {}

    /// False at the end. A line that is too long for a record is returned as far as it was read.
    bool next(std::string& line) {
        line.clear();
        int c = EOF;
        while (line.size() <= base::journal_record_bytes_max && (c = std::getc(in_)) != EOF) {
            if (c == '\n') break;
            line.push_back(static_cast<char>(c));
        }
        if (c == EOF && line.empty()) return false;
        ++number_;
        return true;
    }
    [[nodiscard]] std::uint64_t number() const { return number_; }

  private:
    std::FILE* in_;
    std::uint64_t number_ = 0;
};

/// Why the line cannot become a record, or nothing. An empty one can: the format knows it.
std::optional<std::string> refusal_of(std::string_view line) {
    if (line.size() > base::journal_record_bytes_max)
        return "longer than " + std::to_string(base::journal_record_bytes_max) + " bytes";
    if (line.empty()) return std::nullopt;
    auto const mutation = parse_mutation(line);
    if (mutation.ok()) return std::nullopt;
    return "no mutation (" + mutation.error().detail + ")";
}

Result<Done> append_lines(DiskFile& file, Lines& lines) {
    std::string line;
    std::string group;
    std::optional<base::Error> refused;
    while (!refused && lines.next(line)) {
        if (auto const why = refusal_of(line)) {
            refused = base::Error{base::Errc::other, "line " + std::to_string(lines.number()) +
                                                         " is " + *why + "; " +
                                                         std::to_string(lines.number() - 1) +
                                                         " lines before it were appended"};
            break;
        }
        append_record(group, line);
        if (group.size() < base::journal_group_bytes_max) continue;
        DOOZER_TRY([[maybe_unused]] auto const written, file.append(group));
        group.clear();
    }
    DOOZER_TRY([[maybe_unused]] auto const written, file.append(group));
    DOOZER_TRY([[maybe_unused]] auto const synced, file.sync());
    DOOZER_TRY([[maybe_unused]] auto const named, sync_folder_of(file.name()));
    if (refused) return *refused;
    return Done{};
}

}  // namespace

int write(std::string const& name, std::FILE* in, std::FILE* err) {
    static constexpr char const* program = "writejournal";
    auto const lock = Lock::take(name);
    if (!lock.ok()) return fail(err, program, lock.error().detail);
    auto file = DiskFile::open_to_append(name);
    if (!file.ok()) return fail(err, program, file.error().detail);
    if (auto const good = check(file.value()); !good.ok())
        return fail(err, program, good.error().detail);
    Lines lines(in);
    auto const appended = append_lines(file.value(), lines);
    if (!appended.ok()) return fail(err, program, appended.error().detail);
    if (std::ferror(in) != 0) return fail(err, program, "standard input cannot be read");
    return exit_success;
}

}  // namespace doozer::journal
