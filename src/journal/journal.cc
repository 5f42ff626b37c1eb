#include "journal/journal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "journal/reader.h"

namespace doozer::journal {

using base::Done;
using base::Result;

namespace {

std::string restoring_file_of(std::string const& journal) {
    return journal + ".restoring";
}

/// What takes the journal's place must be in its folder, and not replace a link to it.
std::string behind_link(std::string const& name) {
    std::error_code error;
    if (!std::filesystem::is_symlink(name, error)) return name;
    auto const file = std::filesystem::canonical(name, error);
    return error ? name : file.string();
}

/// Gives the file another name that nothing else has, beside its own.
Result<Done> keep(std::string const& name) {
    std::string const kept = name + ".before-restore";
    std::string other = kept;
    for (int number = 2; link(name.c_str(), other.c_str()) != 0; ++number) {
        if (errno != EEXIST) return file_error("link", other);
        std::error_code error;
        // One that did not come to its end has kept it already.
        if (std::filesystem::equivalent(name, other, error)) break;
        other = kept + "." + std::to_string(number);
    }
    return Done{};
}

}  // namespace

Result<Journal> Journal::open(std::string const& link, bool repair, Found& found) {
    std::string const name = behind_link(link);
    DOOZER_TRY(Lock lock, Lock::take(name));
    // What was left behind by one that did not come to its end.
    unlink(Compaction::file_of(name).c_str());
    unlink(restoring_file_of(name).c_str());
    DOOZER_TRY(DiskFile file, DiskFile::open_to_append(name));
    Journal journal(std::move(lock), std::move(file));
    DOOZER_TRY([[maybe_unused]] auto const loaded, journal.load(repair, found));
    // What was written and not forced to disk when the last writer died may be lost with the power
    // still; from here on it counts as journaled.
    DOOZER_TRY([[maybe_unused]] auto const synced, journal.file_.sync());
    DOOZER_TRY([[maybe_unused]] auto const named, sync_folder_of(name));
    return journal;
}

Result<Done> Journal::load(bool repair, Found& found) {
    Reader reader(file_);
    std::optional<Damage> damage;
    for (;;) {
        auto const record = reader.next();
        if (!record.ok()) {
            damage = record.error();
            break;
        }
        if (!record.value()) return Done{};
        Place const place{record.value()->offset, record.value()->bytes()};
        if (!record.value()->data.empty()) {
            auto const mutation = parse_mutation(record.value()->data);
            if (!mutation.ok()) {
                damage = {Damage::Kind::no_mutation, place.offset,
                          "it is no change: " + mutation.error().detail};
                break;
            }
            if (!is_control(mutation.value().path)) index_.apply(mutation.value(), place);
        }
        end_ = place.end();
        ++found.records;
    }
    std::string const message = damage->message(name_);
    if (damage->kind == Damage::Kind::unreadable) return base::Error{base::Errc::other, message};
    DOOZER_TRY(bool const torn, is_torn_end(file_, *damage));
    if (!torn && !repair)
        return base::Error{base::Errc::other,
                           message + "; -f cuts the journal there, which loses what follows"};
    DOOZER_TRY(std::uint64_t const size, file_.size());
    found.cut = message + ": cut " + std::to_string(size - damage->offset) +
                " bytes, the journal ends at offset " + std::to_string(damage->offset) + " now";
    return file_.cut(damage->offset);
}

bool Journal::fits(Mutation const& mutation) {
    return is_record_size(static_cast<std::int64_t>(to_text(mutation).size()));
}

void Journal::add(Mutation const& mutation) {
    std::size_t const before = group_.size();
    append_record(group_, to_text(mutation));
    index_.apply(mutation, {end_ + before, group_.size() - before});
}

Result<Done> Journal::commit() {
    if (group_.empty()) return Done{};
    DOOZER_TRY([[maybe_unused]] auto const written, file_.append(group_));
    DOOZER_TRY([[maybe_unused]] auto const synced, file_.sync());
    end_ += group_.size();
    group_.clear();
    // Gives back the memory of a burst.
    if (group_.capacity() > base::journal_read_bytes) group_.shrink_to_fit();
    return Done{};
}

Result<std::string> Journal::read(Place place) const {
    DOOZER_ASSERT(place.end() <= end_);
    Reader reader(file_, place.offset, place.end());
    auto const record = reader.next();
    if (!record.ok()) return base::Error{base::Errc::other, record.error().message(name_)};
    DOOZER_ASSERT(record.value().has_value());
    return std::string(record.value()->data);
}

Result<Journal> Journal::begin_anew() const {
    DOOZER_TRY(DiskFile file, DiskFile::create(restoring_file_of(name_)));
    return Journal({}, std::move(file));
}

Result<Done> Journal::replace_by(Journal other) {
    DOOZER_ASSERT(!compaction_ && group_.empty() && other.group_.empty());
    DOOZER_TRY([[maybe_unused]] auto const kept, keep(name_));
    DOOZER_TRY([[maybe_unused]] auto const synced, other.file_.sync());
    DOOZER_TRY([[maybe_unused]] auto const renamed, other.file_.rename(name_));
    file_ = std::move(other.file_);
    index_ = std::move(other.index_);
    end_ = other.end_;
    return Done{};
}

// --- compaction ----------------------------------------------------------------------------------

void Journal::start_compaction() {
    DOOZER_ASSERT(!compaction_);
    DOOZER_ASSERT(group_.empty());
    std::vector<Place> places;
    places.reserve(index_.files().size() + 1);
    for (auto const& [path, entry] : index_.files()) places.push_back(entry.place);
    // The last change tells where to go on, even if it is a delete.
    if (index_.last().place.bytes > 0) places.push_back(index_.last().place);
    auto const before = [](Place const& a, Place const& b) { return a.offset < b.offset; };
    std::sort(places.begin(), places.end(), before);
    places.erase(std::unique(places.begin(), places.end()), places.end());
    compaction_ = std::make_unique<Compaction>(name_, std::move(places), end_);
}

Result<Journal::Step> Journal::finish_compaction() {
    DOOZER_ASSERT(group_.empty());
    if (!compaction_ || !compaction_->is_done()) return Step{};
    auto const compaction = std::move(compaction_);
    auto taken = compaction->take();
    if (!taken.ok()) {
        unlink(Compaction::file_of(name_).c_str());
        if (taken.error().journal_is_damaged)
            return base::Error{base::Errc::other, taken.error().why};
        return Step{false, taken.error().why};
    }
    auto made = std::move(taken).value();
    auto const copied = copy_tail(made.file, compaction->end());
    if (!copied.ok()) {
        unlink(Compaction::file_of(name_).c_str());
        return Step{false, copied.error().detail};
    }
    DOOZER_TRY([[maybe_unused]] auto const renamed, made.file.rename(name_));
    file_ = std::move(made.file);

    auto const& places = compaction->places();
    std::uint64_t const moved_by = compaction->end() - made.bytes;
    index_.move([&](Place place) {
        if (place.bytes == 0) return place;
        if (place.offset >= compaction->end()) return Place{place.offset - moved_by, place.bytes};
        auto const found =
            std::lower_bound(places.begin(), places.end(), place,
                             [](Place const& a, Place const& b) { return a.offset < b.offset; });
        DOOZER_ASSERT(found != places.end() && *found == place);
        return Place{made.offsets[static_cast<std::size_t>(found - places.begin())], place.bytes};
    });
    end_ -= moved_by;
    return Step{true};
}

Result<Done> Journal::copy_tail(DiskFile& to, std::uint64_t from) const {
    std::vector<char> buffer(base::journal_read_bytes);
    while (from < end_) {
        std::size_t const wanted = std::min<std::uint64_t>(buffer.size(), end_ - from);
        DOOZER_TRY(std::size_t const got, file_.read_at(from, {buffer.data(), wanted}));
        if (got == 0) return base::Error{base::Errc::other, name_ + ": ends before its end"};
        DOOZER_TRY([[maybe_unused]] auto const written, to.append({buffer.data(), got}));
        from += got;
    }
    return to.sync();
}

}  // namespace doozer::journal
