#include "sim/key_value.h"

#include <charconv>

namespace doozer::sim {

namespace {

constexpr std::string_view calendar = "/ctl/cal/";

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        std::size_t const end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::int64_t number(std::string_view text) {
    std::int64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

}  // namespace

Bytes encode(std::vector<Command> const& commands) {
    std::string text;
    for (Command const& c : commands) {
        text += std::to_string(c.id) + '\t' + c.key + '\t' + std::to_string(c.expected) + '\t' +
                c.value + "\t.\n";
    }
    return Bytes(text);
}

std::vector<Command> decode(Bytes const& payload) {
    std::vector<Command> commands;
    for (std::string_view const line : split(payload.view(), '\n')) {
        auto const f = split(line, '\t');
        DOOZER_ASSERT(f.size() == 5);
        commands.push_back({static_cast<std::uint64_t>(number(f[0])), std::string(f[1]),
                            std::string(f[3]), number(f[2])});
    }
    return commands;
}

KeyValue::KeyValue(MemberIds const& voters) {
    for (std::size_t i = 0; i < voters.size(); ++i) {
        files_[slot_key(i)] = {voters[i].str(), ++revision_};
    }
}

File const* KeyValue::find(std::string const& key) const {
    auto const at = files_.find(key);
    return at == files_.end() ? nullptr : &at->second;
}

std::string KeyValue::slot_of(std::string const& id) const {
    for (auto const& [key, file] : files_) {
        if (key.starts_with(calendar) && file.value == id) return key;
    }
    return "";
}

MemberIds KeyValue::voters() const {
    MemberIds ids;
    for (auto const& [key, file] : files_) {
        if (key.starts_with(calendar) && !file.value.empty()) ids.emplace_back(file.value);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

/// A slot takes an id that fills no other slot and never filled one before.
bool KeyValue::allowed(Command const& c) const {
    File const* const file = find(c.key);
    Revision const revision = file ? file->revision : Revision(0);
    if (c.expected >= 0 && revision.value() != c.expected) return false;
    if (!c.key.starts_with(calendar)) return true;
    if (c.value.empty()) return voters().size() > 1 || !file || file->value.empty();
    if (removed_.contains(c.value) || !slot_of(c.value).empty()) return false;
    return voters().size() < voters_max || (file && !file->value.empty());
}

Applied KeyValue::apply(Batch const& batch) {
    MemberIds const before = voters();
    for (Command const& c : decode(batch.payload())) {
        bool const done = allowed(c);
        ++revision_;
        if (done) files_[c.key] = {c.value, revision_};
        Hasher h;
        feed_all(h, chain_, revision_, c.id, done);
        h.bytes(c.key);
        h.bytes(c.value);
        chain_ = h.digest().low;
        changes_.push_back(
            {c.id, revision_, done, c.key, c.value, c.expected, batch.origin(), chain_});
    }
    Applied applied;
    applied.fingerprint = chain_;
    MemberIds after = voters();
    if (after == before) return applied;
    for (MemberId const id : before) {
        if (!Configuration::index_in(after, id)) removed_.insert(id.str());
    }
    applied.voters = std::move(after);
    return applied;
}

Applied KeyValue::force(MemberId survivor) {
    for (auto& [key, file] : files_) {
        bool const lost = key.starts_with(calendar) && file.value != survivor.str();
        if (lost && !file.value.empty()) removed_.insert(std::exchange(file.value, ""));
    }
    revision_ = Revision((revision_.value() >> 40U << 40U) + (std::int64_t{1} << 40U));
    Hasher h;
    feed_all(h, chain_, revision_);
    chain_ = h.digest().low;
    return {.voters = {}, .fingerprint = chain_};
}

Bytes KeyValue::snapshot() const {
    std::string text = std::to_string(revision_.value()) + '\t' + std::to_string(chain_) + "\t.\n";
    for (auto const& [key, file] : files_) {
        text += key + '\t' + std::to_string(file.revision.value()) + '\t' + file.value + "\t.\n";
    }
    for (std::string const& id : removed_) text += id + '\n';
    return Bytes(text);
}

bool KeyValue::install(Bytes const& snapshot) {
    KeyValue fresh;
    bool first = true;
    for (std::string_view const line : split(snapshot.view(), '\n')) {
        auto const f = split(line, '\t');
        if (first && f.size() == 3) {
            fresh.revision_ = Revision(number(f[0]));
            std::from_chars(f[1].data(), f[1].data() + f[1].size(), fresh.chain_);
        } else if (f.size() == 4) {
            fresh.files_[std::string(f[0])] = {std::string(f[2]), Revision(number(f[1]))};
        } else if (f.size() == 1 && !first) {
            fresh.removed_.insert(std::string(f[0]));
        } else {
            return false;
        }
        first = false;
    }
    if (first) return false;
    *this = std::move(fresh);
    return true;
}

void KeyValue::feed_to(Hasher& h) const {
    feed_all(h, revision_, chain_);
    for (auto const& [key, file] : files_) {
        h.bytes(key);
        h.bytes(file.value);
        feed(h, file.revision);
    }
}

}  // namespace doozer::sim
