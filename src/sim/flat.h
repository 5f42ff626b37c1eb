// Tables for millions of small entries: no node, no pointer, nothing ever erased.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "consensus/hasher.h"

namespace doozer::sim {

using consensus::Digest;

/// Grows in pieces that stay where they are, so that growing never needs twice the memory.
template <typename T>
class Chunked {
  public:
    void push_back(T value) {
        if (size_ % chunk == 0) chunks_.push_back(std::make_unique<T[]>(chunk));
        chunks_.back()[size_++ % chunk] = std::move(value);
    }
    T& operator[](std::size_t i) { return chunks_[i / chunk][i % chunk]; }
    T const& operator[](std::size_t i) const { return chunks_[i / chunk][i % chunk]; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const { return chunks_.size() * chunk * sizeof(T); }

  private:
    static constexpr std::size_t chunk = std::size_t{1} << 16U;
    std::vector<std::unique_ptr<T[]>> chunks_;
    std::size_t size_ = 0;
};

/// A number for a number. REQUIRES: no key and no value of all ones.
class FlatMap {
  public:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    /// The value of this key; `none` if there is none yet.
    [[nodiscard]] std::uint32_t find(std::uint64_t key) const {
        return entries_.empty() ? none : entries_[place(key)].value;
    }
    void put(std::uint64_t key, std::uint32_t value) {
        if (2 * (size_ + 1) > entries_.size()) grow();
        Entry& e = entries_[place(key)];
        if (e.value == none) ++size_;
        e = {key, value};
    }

  private:
    struct Entry {
        std::uint64_t key = 0;
        std::uint32_t value = none;
    };
    [[nodiscard]] std::size_t place(std::uint64_t key) const {
        std::size_t const mask = entries_.size() - 1;
        std::uint64_t const mixed = (key ^ key >> 29U) * 0x9E3779B97F4A7C15U;
        std::size_t at = (mixed ^ mixed >> 32U) & mask;
        while (entries_[at].value != none && entries_[at].key != key) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        std::vector<Entry> old(entries_.empty() ? 1024 : 2 * entries_.size());
        old.swap(entries_);
        for (Entry const& e : old) {
            if (e.value != none) entries_[place(e.key)] = e;
        }
    }

    std::vector<Entry> entries_;
    std::size_t size_ = 0;
};

/// A set of digests, numbered in the order in which they came.
class DigestSet {
  public:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    /// Its number, and whether it is new.
    std::pair<std::uint32_t, bool> insert(Digest const& d) {
        if (3 * (digests_.size() + 1) > 2 * places_.size()) grow();
        std::uint32_t& at = places_[place(d)];
        if (at != none) return {at, false};
        at = static_cast<std::uint32_t>(digests_.size());
        digests_.push_back(d);
        return {at, true};
    }
    [[nodiscard]] std::uint32_t find(Digest const& d) const {
        return places_.empty() ? none : places_[place(d)];
    }
    [[nodiscard]] std::size_t size() const { return digests_.size(); }
    [[nodiscard]] std::size_t bytes() const {
        return digests_.bytes() + places_.size() * sizeof(places_[0]);
    }

  private:
    [[nodiscard]] std::size_t place(Digest const& d) const {
        std::size_t const mask = places_.size() - 1;
        std::size_t at = d.low & mask;
        while (places_[at] != none && digests_[places_[at]] != d) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        places_.assign(places_.empty() ? 1024 : 2 * places_.size(), none);
        for (std::size_t i = 0; i < digests_.size(); ++i) {
            places_[place(digests_[i])] = static_cast<std::uint32_t>(i);
        }
    }

    Chunked<Digest> digests_;
    std::vector<std::uint32_t> places_;
};

}  // namespace doozer::sim
