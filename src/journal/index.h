// Where in a journal the newest record of every file is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "journal/record.h"

namespace doozer::journal {

/// Looks paths up without copying them.
struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
        return std::hash<std::string_view>{}(path);
    }
};

/// A record's place.
struct Place {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;  ///< with its header

    [[nodiscard]] std::uint64_t end() const { return offset + bytes; }
    bool operator==(Place const&) const = default;
};

class Index {
  public:
    struct Entry {
        base::Revision rev;
        Place place;
    };
    using Files = std::unordered_map<std::string, Entry, PathHash, std::equal_to<>>;

    void apply(Mutation const& mutation, Place place) {
        Entry const entry{mutation.rev, place};
        // A record of revision 0 is a change of no cluster, so it does not tell where to go on.
        if (mutation.rev > base::missing || last_.rev == base::missing) last_ = entry;
        if (auto const found = files_.find(mutation.path); found != files_.end()) {
            live_bytes_ -= found->second.place.bytes;
            if (mutation.is_set())
                found->second = entry;
            else
                files_.erase(found);
        } else if (mutation.is_set()) {
            files_.emplace(mutation.path, entry);
        }
        if (mutation.is_set()) live_bytes_ += place.bytes;
    }

    /// Records have moved.
    template <typename NewPlace>
    void move(NewPlace const& new_place) {
        for (auto& [path, entry] : files_) entry.place = new_place(entry.place);
        last_.place = new_place(last_.place);
    }

    [[nodiscard]] Files const& files() const { return files_; }
    [[nodiscard]] Entry const* find(std::string_view path) const {
        auto const found = files_.find(path);
        return found == files_.end() ? nullptr : &found->second;
    }
    /// The last change, live or not, that has a revision above 0; without any it has revision 0.
    [[nodiscard]] Entry const& last() const { return last_; }
    [[nodiscard]] bool is_empty() const { return last_.place.bytes == 0; }
    /// What the records of files that exist take.
    [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }

  private:
    Files files_;
    Entry last_;
    std::uint64_t live_bytes_ = 0;
};

}  // namespace doozer::journal
