#include "journal/compaction.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "journal/reader.h"

namespace doozer::journal {

using base::Result;

std::string Compaction::file_of(std::string const& journal) {
    return journal + ".compacting";
}

namespace {

Compaction::Failure not_written(base::Error const& error) {
    return {false, error.detail};
}

}  // namespace

Compaction::Compaction(std::string journal, std::vector<Place> places, std::uint64_t end)
    : journal_(std::move(journal)), places_(std::move(places)), end_(end) {
    thread_ = std::thread([this] { promise_.set_value(make()); });
}

Compaction::~Compaction() {
    stop_ = true;
    thread_.join();
}

bool Compaction::is_done() const {
    return made_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

Result<Compaction::Made, Compaction::Failure> Compaction::make() const {
    auto const old = DiskFile::open_to_read(journal_);
    if (!old.ok()) return not_written(old.error());
    auto file = DiskFile::create(file_of(journal_));
    if (!file.ok()) return not_written(file.error());
    Made made{std::move(file).value(), 0, {}};
    made.offsets.reserve(places_.size());
    Reader reader(old.value(), 0, end_);
    std::string waiting;
    auto const write = [&]() -> Result<base::Done> {
        DOOZER_TRY([[maybe_unused]] auto const written, made.file.append(waiting));
        made.bytes += waiting.size();
        waiting.clear();
        return base::Done{};
    };
    for (Place const& place : places_) {
        // Nothing is skipped unread: a journal that is copied without being checked would carry
        // damage on, or end at it.
        std::optional<Record> record;
        do {
            if (stop_) return Failure{false, "stopped"};
            auto next = reader.next();
            if (!next.ok()) return Failure{true, next.error().message(journal_)};
            record = next.value();
            if (!record) return Failure{true, journal_ + ": ends before its end"};
        } while (record->offset != place.offset);
        DOOZER_ASSERT(record->bytes() == place.bytes);
        made.offsets.push_back(made.bytes + waiting.size());
        append_record(waiting, record->data);
        if (waiting.size() < base::journal_read_bytes) continue;
        if (auto const written = write(); !written.ok()) return not_written(written.error());
    }
    if (auto const written = write(); !written.ok()) return not_written(written.error());
    if (auto const synced = made.file.sync(); !synced.ok()) return not_written(synced.error());
    return made;
}

}  // namespace doozer::journal
