#include "replica/state.h"

#include <algorithm>
#include <limits>

#include "base/little_endian.h"
#include "consensus/hasher.h"

namespace doozer::replica {

using store::Found;
using store::Path;

namespace {

constexpr std::string_view calendar = "/ctl/cal";
constexpr std::string_view in_calendar = "/ctl/cal/";
/// How many processes are looked at in one go.
constexpr std::size_t names_page = 256;

/// The revision that a condition is compared with. Source: protocol.md, Revisions.
Revision current(store::Store const& store, Path path) {
    return store.find(path, store.revision()).rev;
}

void append_ids(std::string& out, std::size_t count, auto const& ids) {
    append_number(out, count, 4);
    for (MemberId const& id : ids) out.append(id.text.data(), id.text.size());
}

std::optional<std::vector<MemberId>> take_ids(std::string_view& in) {
    auto const count = take_number(in, 4);
    if (!count || *count > in.size() / process_id_chars) return std::nullopt;
    std::vector<MemberId> ids;
    for (std::uint64_t i = 0; i < *count; ++i) ids.emplace_back(*take_text(in, process_id_chars));
    if (!std::is_sorted(ids.begin(), ids.end())) return std::nullopt;
    return ids;
}

}  // namespace

std::string node_path(std::string_view id, std::string_view name) {
    return std::string("/ctl/node/").append(id).append("/").append(name);
}

std::string ns_path(std::string_view cluster, std::string_view id) {
    return std::string("/ctl/ns/").append(cluster).append("/").append(id);
}

bool State::restore(std::vector<Restored> const& files, Revision last) {
    store_.begin_at(last);
    for (Restored const& file : files) {
        auto const path = Path::parse(file.path);
        if (!path.ok() || !store_.load_file(path.value(), file.rev, file.value)) return false;
    }
    store_.move_to(next_stride(last));
    return true;
}

std::optional<store::Applied> State::apply(Change const& change) {
    if (change.guard) {
        store::Mutation const& m = change.mutation;
        if (current(store_, change.guard->path) != change.guard->rev) return std::nullopt;
        if (m.condition != clobber && current(store_, m.path) != m.condition) return std::nullopt;
    }
    char const* const veto =
        overfills_calendar(change.mutation) ? "/ctl/cal takes no more entries" : nullptr;
    store::Applied applied = store_.apply(change.mutation, veto);
    note(applied);
    if ((change.guard || change.vouched) && !applied.refused) note_naming(change.mutation);
    return applied;
}

/// Only voters make guarded changes: for themselves, and for followers that ask them over a link.
/// They also vouch for followers that they are linked with. So a process that gets a slot by such a
/// change runs and can be reached.
void State::note_naming(store::Mutation const& m) {
    if (m.kind != store::MutationKind::set || !m.path.text().starts_with(in_calendar)) return;
    if (!m.value.empty() && m.value.size() <= process_id_chars) named_.emplace(m.value);
}

/// Whether a SET would make one entry more in /ctl/cal than it takes.
bool State::overfills_calendar(store::Mutation const& m) const {
    if (m.kind != store::MutationKind::set || !m.path.text().starts_with(in_calendar)) return false;
    if (rules_ < rules_of_willing_voters) return false;
    Found const found = store_.find(Path::trusted(calendar), store_.revision());
    if (found.kind != Found::Kind::directory || found.entries < calendar_entries_max) return false;
    std::string_view const entry =
        m.path.text().substr(0, m.path.text().find('/', in_calendar.size()));
    return store_.find(Path::trusted(entry), store_.revision()).kind == Found::Kind::nothing;
}

void State::note(store::Applied const& applied) {
    store::Event const& event = applied.event;
    consensus::Hasher h;
    feed_all(h, chain_, event.rev, event.kind);
    h.bytes(event.path);
    h.bytes(event.value.view());
    h.word(applied.refused ? static_cast<std::uint64_t>(applied.refused->code) : 0);
    chain_ = h.digest().low;
    bool const is_address = event.path.starts_with("/ctl/node/") && event.path.ends_with("/addr");
    touched_ = touched_ || is_address || event.path.starts_with(in_calendar);
}

void State::switch_rules(Rules to) {
    if (to != rules_ + 1) return;
    // Without this a process of an old release that registered while the order was on its way would
    // end, although the order counts for no process.
    bool const unknown_here = to > known_.newest();
    if (unknown_here ? !all_are_newer() : !all_know(to)) return;
    rules_ = to;
    consensus::Hasher h;
    feed_all(h, chain_, rules_);
    chain_ = h.digest().low;
}

std::optional<Rules> State::next_rules() const {
    Rules const next = rules_ + 1;
    if (next > known_.newest() || !all_know(next)) return std::nullopt;
    return next;
}

bool State::all_know(Rules rules) const {
    return all_versions(
        [&](std::string_view version) { return known_.are_known_to(version, rules); });
}

bool State::all_are_newer() const {
    return all_versions([&](std::string_view version) { return known_.is_newer(version); });
}

/// Of all who vote or are registered.
bool State::all_versions(std::function<bool(std::string_view)> const& pass) const {
    auto const passes = [&](std::string const& id) {
        auto const version = value(node_path(id, "version"));
        return pass(version ? version->view() : std::string_view());
    };
    for (MemberId const id : voters_) {
        if (!passes(id.str())) return false;
    }
    std::string after;
    for (bool more = true; more;) {
        std::vector<std::string> const page = names_after("/ctl/node", after, names_page);
        if (!std::all_of(page.begin(), page.end(), passes)) return false;
        more = page.size() == names_page;
        if (more) after = page.back();
    }
    return true;
}

bool State::knows(std::string const& id, Rules rules) const {
    auto const version = value(node_path(id, "version"));
    return known_.are_known_to(version ? version->view() : std::string_view(), rules);
}

bool State::may_begin_to_vote(std::string const& id, bool named_by_members) const {
    if (rules_ >= rules_of_willing_voters && !named_by_members) return false;
    return revision_of(node_path(id, "addr")) > missing && !is_outdated() && knows(id, rules_);
}

std::optional<MemberIds> State::take_new_voters() {
    std::set<MemberId> const named = std::exchange(named_, {});
    if (!std::exchange(touched_, false)) return std::nullopt;
    MemberIds next;
    for (Slot const& slot : slots()) {
        if (slot.content.empty() || slot.content.size() > process_id_chars) continue;
        if (!store::is_path_component(slot.content)) continue;
        MemberId const id(slot.content);
        bool const votes = std::binary_search(voters_.begin(), voters_.end(), id);
        bool const known = votes || may_begin_to_vote(slot.content, named.contains(id));
        bool const again = std::find(next.begin(), next.end(), id) != next.end();
        if (!known || again || removed_.contains(id)) continue;
        if (next.size() < consensus::voters_max) next.push_back(id);
    }
    std::sort(next.begin(), next.end());
    if (next.empty() || next == voters_) return std::nullopt;
    for (MemberId const id : voters_) {
        if (!std::binary_search(next.begin(), next.end(), id)) removed_.insert(id);
    }
    voters_ = next;
    return next;
}

std::string State::encode_tail() const {
    std::string out;
    append_number(out, chain_, 8);
    append_ids(out, voters_.size(), voters_);
    append_ids(out, removed_.size(), removed_);
    return out;
}

std::uint64_t State::begin_snapshot() {
    giving_.try_emplace(++last_given_, store_);
    return last_given_;
}

consensus::SnapshotPiece State::next_piece(std::uint64_t snapshot) {
    Giving& giving = giving_.at(snapshot);
    bool const first = giving.rules == 0;
    if (giving.reader.is_lost() || (!first && giving.rules != rules_)) return {{}, false, true};
    std::string piece;
    if (first) append_number(piece, giving.rules = rules_, 1);
    giving.reader.read(piece, limits_.snapshot_piece_bytes);
    if (giving.reader.is_complete()) piece += encode_tail();
    return {Bytes(piece), giving.reader.is_complete()};
}

/// False also for rules that this program does not know: then it is_outdated().
bool State::take_rules(std::string_view& in) {
    auto const rules = take_number(in, 1).value_or(0);
    taking_->rules = static_cast<Rules>(rules);
    if (rules > known_.newest()) rules_ = taking_->rules;
    return rules >= 1 && rules <= known_.newest();
}

bool State::install_piece(std::string_view piece) {
    if (!taking_ || (taking_->rules == 0 && !take_rules(piece))) return false;
    if (!taking_->writer.write(piece).ok()) return false;
    taking_->tail += piece;
    return true;
}

bool State::finish_install() {
    if (!taking_) return false;
    Taking taking = std::move(*taking_);
    taking_.reset();
    std::string_view tail = taking.tail;
    auto const chain = take_number(tail, 8);
    auto const voters = chain ? take_ids(tail) : std::nullopt;
    auto const removed = voters ? take_ids(tail) : std::nullopt;
    auto store = taking.writer.finish();
    if (!removed || !tail.empty() || !store.ok()) return false;
    giving_.clear();  // they read the store that goes
    store_ = std::move(store).value();
    chain_ = *chain;
    rules_ = taking.rules;
    voters_ = *voters;
    removed_ = {removed->begin(), removed->end()};
    touched_ = false;
    named_.clear();
    return true;
}

std::optional<Bytes> State::value(std::string const& path) const {
    Found found = store_.find(Path::trusted(path), store_.revision());
    if (found.kind != Found::Kind::file) return std::nullopt;
    return std::move(found.value);
}

Revision State::revision_of(std::string const& path) const {
    return current(store_, Path::trusted(path));
}

std::vector<State::Slot> State::slots() const {
    std::vector<Slot> slots;
    std::string const directory(calendar);
    // By the first rules all files are slots, however many. Later there are no more, but for what
    // was there before or comes from a journal.
    std::size_t const count = rules_ < rules_of_willing_voters
                                  ? std::numeric_limits<std::size_t>::max()
                                  : calendar_entries_max;
    for (std::string const& name : names_after(directory, {}, count)) {
        std::string path = directory;
        path.append("/").append(name);
        Found const found = store_.find(Path::trusted(path), store_.revision());
        if (found.kind != Found::Kind::file) continue;
        std::string_view const content = found.value.view().substr(0, process_id_chars + 1);
        slots.push_back({std::move(path), std::string(content), found.rev});
    }
    return slots;
}

std::vector<std::string> State::names_in(std::string const& directory) const {
    std::vector<std::string> names;
    store_.for_each_name(Path::trusted(directory),
                         [&](std::string_view name) { names.emplace_back(name); });
    return names;
}

std::vector<std::string> State::names_after(std::string const& directory, std::string_view after,
                                            std::size_t count) const {
    std::vector<std::string> names;
    store_.for_names_after(Path::trusted(directory), after, count,
                           [&](std::string_view name) { names.emplace_back(name); });
    return names;
}

std::vector<std::string> State::files_below(std::string const& directory) const {
    std::vector<std::string> files;
    for (std::string const& name : names_in(directory)) {
        std::string path = directory;
        path.append("/").append(name);
        bool const is_file = value(path).has_value();
        if (is_file) files.push_back(std::move(path));
    }
    return files;
}

}  // namespace doozer::replica
