#include "store/store.h"

#include <utility>

#include "base/assert.h"
#include "store/cost.h"

namespace doozer::store {
namespace {

constexpr std::string_view error_path = "/ctl/err";
constexpr int collected_per_change_max = 16'384;

std::string_view text_of(Error const& error) {
    switch (error.code) {
        case Errc::rev_mismatch:
            return "rev mismatch";
        case Errc::isdir:
            return "is a directory";
        case Errc::notdir:
            return "not a directory";
        default:
            return error.detail;
    }
}

/// The condition of a write, and then what may be written at all. Source: protocol.md, Revisions.
std::optional<Error> refusal(Tree::Place const& place, Revision condition) {
    bool const is_directory = place.entry != nullptr && place.entry->is_directory();
    Revision current = missing;
    if (is_directory) current = directory;
    if (place.entry != nullptr && place.entry->is_file()) current = place.entry->newest.rev;
    if (condition != clobber && condition < current) return Error{Errc::rev_mismatch};
    if (is_directory) return Error{Errc::isdir};
    return std::nullopt;
}

}  // namespace

Applied Store::apply(Mutation const& m, char const* veto) {
    Revision const rev = revision().next();
    Applied applied;
    switch (m.kind) {
        case MutationKind::set:
            applied.refused = set(m, veto);
            break;
        case MutationKind::del:
            applied.refused = del(m);
            break;
        case MutationKind::nop:
            record(nullptr, {}, EventKind::nop, false);
            break;
    }
    std::string_view path = m.path.text();
    if (applied.refused) {
        path = error_path;
        auto const why = Mutation::set(Path::trusted(path), text_of(*applied.refused), clobber);
        // Somebody may have made /ctl/err a directory. The revision is used up all the same.
        if (set(why)) {
            path = "/";
            record(nullptr, {}, EventKind::nop, false);
        }
    }
    Record const& made = history_.at(rev);
    applied.event = {rev, made.kind, path, made.kind == EventKind::set ? made.value : Bytes()};
    DOOZER_ASSERT(revision() == rev);
    collect();
    return applied;
}

std::optional<Error> Store::set(Mutation const& m, char const* veto) {
    Tree::Place const place = tree_.locate(m.path);
    if (place.below_file) return Error{Errc::notdir};
    if (auto refused = refusal(place, m.condition)) return refused;
    if (veto != nullptr) return Error{Errc::other, veto};
    std::size_t const more = growth(place, m.value);
    if (more > 0 && m.path.text() != error_path && tree_bytes_ + more > limits_.tree_bytes) {
        return Error{Errc::other, "store full"};
    }
    replay_set(place, m.value);
    return std::nullopt;
}

std::optional<Error> Store::del(Mutation const& m) {
    Tree::Place const place = tree_.locate(m.path);
    if (auto refused = refusal(place, m.condition)) return refused;
    replay_del(place, m.path);
    return std::nullopt;
}

void Store::replay_set(Tree::Place const& place, std::string_view content) {
    bool const was_present = place.entry != nullptr && place.entry->is_file();
    Bytes value(content);
    Revision const rev = revision().next();
    Entry& entry = put(place, {rev, value}, rev);
    record(&entry, std::move(value), EventKind::set, !was_present);
}

void Store::replay_del(Tree::Place const& place, Path path) {
    if (place.entry == nullptr) return record(nullptr, Bytes(path.text()), EventKind::del, false);
    bool const was_present = place.entry->is_file();
    if (was_present) {
        change_file(*place.entry, {});
        presence_changed(*place.entry, revision().next());
    }
    record(place.entry, {}, EventKind::del, was_present);
}

/// Gives the file at `place` a new content. Names that become present do so at revision `at`.
Entry& Store::put(Tree::Place const& place, Version version, Revision at) {
    Entry* entry = place.entry;
    if (entry == nullptr) {
        entry = &tree_.add_names(place);
        for (Entry* made = entry; made != place.deepest; made = made->parent) {
            history_bytes_ += entry_cost(made->name_size);
            if (made != entry) history_bytes_ += directory_cost;
        }
        if (place.deepest->parent != nullptr &&
            place.deepest->directory->counts.changed() == missing) {
            history_bytes_ += directory_cost;
        }
    }
    bool const was_present = entry->is_file();
    change_file(*entry, std::move(version));
    if (!was_present) presence_changed(*entry, at);
    return *entry;
}

/// What a SET adds to the tree; 0 if it makes it smaller.
std::size_t Store::growth(Tree::Place const& place, std::string_view value) const {
    std::size_t added = value_cost(value.size());
    std::size_t freed = 0;
    for (std::string_view rest = place.rest; !rest.empty();) {
        added += entry_cost(take_component(rest).size());
        if (!rest.empty()) added += directory_cost;
    }
    // Names that only the history knows are not in the tree.
    for (Entry const* e = place.deepest; !e->is_present(); e = e->parent) {
        added += entry_cost(e->name_size);
        if (e != place.entry) added += directory_cost;
    }
    if (place.entry != nullptr) freed = value_cost(place.entry->newest.value.size());
    return added > freed ? added - freed : 0;
}

/// Gives the entry its new content; what it had belongs to the history from now on.
void Store::change_file(Entry& entry, Version version) {
    files_ += version.rev != missing ? 1U : 0U;
    files_ -= entry.is_file() ? 1U : 0U;
    std::size_t const before = value_cost(entry.newest.value.size());
    tree_bytes_ += value_cost(version.value.size());
    tree_bytes_ -= before;
    history_bytes_ += before;
    entry.newest = std::move(version);
}

/// What is in the tree is counted there; what only the history knows, there.
void Store::presence_changed(Entry& entry, Revision rev) {
    tree_.presence_changed(entry, rev, [&](Entry const& moved, bool one_more_count) {
        bool const is_directory = &moved != &entry;
        std::size_t const cost = entry_cost(moved.name_size) + (is_directory ? directory_cost : 0);
        if (one_more_count) history_bytes_ += count_change_cost;
        if (moved.is_present()) {
            tree_bytes_ += cost;
            history_bytes_ -= cost;
        } else {
            tree_bytes_ -= cost;
            history_bytes_ += cost;
        }
    });
}

void Store::record(Entry* entry, Bytes value, EventKind kind, bool presence_changed) {
    Record record;
    record.entry = entry;
    record.kind = kind;
    record.presence_changed = presence_changed;
    history_bytes_ += record_cost;
    if (entry == nullptr) history_bytes_ += value_cost(value.size());
    if (entry != nullptr) record.previous = entry->last_change;
    record.value = std::move(value);
    history_.append(std::move(record));
    if (entry != nullptr) entry->last_change = history_.newest();
}

bool Store::keeps_too_much() const {
    if (history_.size() <= 1) return false;
    return static_cast<std::int64_t>(history_.size()) > limits_.history_revisions ||
           history_bytes_ > limits_.history_bytes;
}

void Store::collect() {
    if (!keeps_too_much()) return;
    if (holds_ > 0) {
        if (history_bytes_ / 2 <= limits_.history_bytes) return;
        ++holds_voided_;
    }
    // What a hold has left behind is made up for in steps.
    for (int i = 0; i < collected_per_change_max && keeps_too_much(); ++i) collect_first();
    listings_.collect(history_.first());
}

/// Takes the oldest change out of the history: the state it led to is now the oldest known.
void Store::collect_first() {
    Revision const rev = history_.first();
    Record record = history_.take_first();
    history_bytes_ -= record_cost;
    if (record.entry == nullptr) {
        history_bytes_ -= value_cost(record.value.size());
        return;
    }
    Entry& entry = *record.entry;
    history_bytes_ -= value_cost(entry.base.value.size());
    entry.base = record.kind == EventKind::set ? Version{rev, std::move(record.value)} : Version{};
    if (record.presence_changed) {
        history_bytes_ -= count_change_cost * Tree::collect_counts(entry, history_.first());
    }
    if (entry.last_change != rev) return;
    entry.last_change = missing;
    tree_.release(entry, [&](Entry const& gone) {
        history_bytes_ -= entry_cost(gone.name_size);
        if (gone.directory) {
            history_bytes_ -= directory_cost;
            history_bytes_ -= count_change_cost * (gone.directory->counts.size() - 1);
        }
    });
}

bool Store::load_file(Path path, Revision rev, std::string_view value) {
    DOOZER_ASSERT(history_.size() == 0);
    Tree::Place const place = tree_.locate(path);
    if (place.below_file || rev <= missing || rev > revision()) return false;
    if (place.entry != nullptr && place.entry->is_present()) return false;
    Entry& entry = put(place, {rev, Bytes(value)}, revision());
    entry.base = entry.newest;
    history_bytes_ -= count_change_cost * Tree::collect_counts(entry, first_revision());
    return true;
}

bool Store::replay(EventKind kind, Path path, std::string_view value) {
    Tree::Place const place = tree_.locate(path);
    bool const is_directory = place.entry != nullptr && place.entry->is_directory();
    switch (kind) {
        case EventKind::set:
            if (is_directory || place.below_file) return false;
            replay_set(place, value);
            break;
        case EventKind::del:
            if (is_directory || !value.empty()) return false;
            replay_del(place, path);
            break;
        case EventKind::nop:
            if (!path.is_root() || !value.empty()) return false;
            record(nullptr, {}, EventKind::nop, false);
            break;
    }
    collect();
    return true;
}

void Store::move_to(Revision rev) {
    DOOZER_ASSERT(rev > revision());
    ++holds_voided_;
    while (history_.size() > 0) collect_first();
    history_.move_to(Revision(rev.value() - 1));
    record(nullptr, {}, EventKind::nop, false);
    listings_.collect(rev);
}

Found Store::find(Path path, Revision at) const {
    DOOZER_ASSERT(at <= revision() && (at >= first_revision() || at == revision()));
    Entry const* const entry = tree_.locate(path).entry;
    if (entry == nullptr) return {};
    if (auto const count = directory_at(*entry, at)) {
        return {Found::Kind::directory, directory, {}, *count};
    }
    Version version = version_at(*entry, at, history_);
    if (version.rev == missing) return {};
    return {Found::Kind::file, version.rev, std::move(version.value), 0};
}

Event Store::event(Revision rev, std::string& path) const {
    Record const& record = history_.at(rev);
    path.clear();
    if (record.entry != nullptr) {
        append_path(path, *record.entry);
        return {rev, record.kind, path, record.kind == EventKind::set ? record.value : Bytes()};
    }
    path = record.kind == EventKind::del ? record.value.view() : "/";
    return {rev, record.kind, path, {}};
}

std::optional<Event> Store::change_before(Path path, Revision before) const {
    Entry const* const entry = tree_.locate(path).entry;
    if (entry == nullptr) return std::nullopt;
    Revision rev = entry->last_change;
    if (rev != missing && rev >= before && before > first_revision()) {
        rev = history_.newest_not_after(rev, before.plus(-1));
    }
    if (rev != missing && rev < before && rev >= first_revision()) {
        Record const& record = history_.at(rev);
        Bytes const value = record.kind == EventKind::set ? record.value : Bytes();
        return Event{rev, record.kind, path.text(), value};
    }
    // Without a change that is kept, what there is now is as it was.
    Version const& oldest = entry->last_change == missing ? entry->newest : entry->base;
    if (oldest.rev == missing || oldest.rev >= before) return std::nullopt;
    return Event{oldest.rev, EventKind::set, path.text(), oldest.value};
}

std::shared_ptr<Listing> Store::walk(Glob const& glob, Revision at) {
    return listings_.find_or_make(tree_.root(), &glob, at);
}

std::shared_ptr<Listing> Store::getdir(Path path, Revision at) {
    Entry const* const entry = tree_.locate(path).entry;
    DOOZER_ASSERT(entry != nullptr && directory_at(*entry, at).has_value());
    return listings_.find_or_make(*entry, nullptr, at);
}

}  // namespace doozer::store
