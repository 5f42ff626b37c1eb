// The numbers and names of consensus: members, slots, lanes, epochs, ballots, configurations.
// Source: docs/consensus.md, Terms.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/fields.h"
#include "base/ids.h"
#include "base/strong.h"
#include "base/time.h"

namespace doozer::consensus {

using namespace base;

/// A place in the sequence of one epoch; dealt to the lanes in turn.
using Slot = Strong<struct SlotTag, std::uint64_t>;
/// The reign of one configuration. The first is 1; a process without a copy is in epoch 0.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
/// (round << 3 | index among the voters), round >= 1: an attempt to seal an epoch. 0: nothing is
/// promised, and the owners fill their lanes.
using Ballot = Strong<struct BallotTag, std::uint64_t>;
/// The number of a batch among those of its origin: 1, 2, 3, ... without gaps.
using Oseq = Strong<struct OseqTag, std::uint64_t>;
/// Index of a lane, and of its owner in Configuration::owners.
using Lane = std::size_t;

/// An epoch has at most this many voters; so an index among them fits three bits of a ballot.
inline constexpr std::size_t voters_max = 7;

/// The id of a process for its whole life. To copy it allocates nothing.
struct MemberId {
    std::array<char, process_id_chars> text{};

    MemberId() = default;
    /// REQUIRES: at most 16 characters.
    explicit MemberId(std::string_view id) {
        DOOZER_ASSERT(id.size() <= text.size());
        std::copy(id.begin(), id.end(), text.begin());
    }
    bool operator==(MemberId const& other) const {
        return half(0) == other.half(0) && half(1) == other.half(1);
    }
    /// As the characters compare one after the other, but by words: members are looked up several
    /// times in every step of a core.
    std::strong_ordering operator<=>(MemberId const& other) const {
        if (auto const order = half(0) <=> other.half(0); order != 0) return order;
        return half(1) <=> other.half(1);
    }
    [[nodiscard]] std::string str() const {
        return {text.begin(), std::find(text.begin(), text.end(), '\0')};
    }

  private:
    /// Half of the text as a number that is in the order of its characters, which may be signed.
    [[nodiscard]] std::uint64_t half(std::size_t index) const {
        static_assert(process_id_chars == 2 * sizeof(std::uint64_t));
        constexpr std::uint64_t signs =
            std::numeric_limits<char>::is_signed ? 0x8080808080808080U : 0;
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + index * sizeof word, sizeof word);
        if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
        return word ^ signs;
    }
};
using MemberIds = std::vector<MemberId>;  // always sorted, no id twice

/// 128 random bits that name a cluster; only an operator's force makes a new one.
struct Lineage {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(Lineage const&) const = default;
    DOOZER_FIELDS(high, low);
};

/// Who votes and who owns lanes in one epoch.
struct Configuration {
    Lineage lineage;
    Epoch epoch;
    MemberIds voters;  // at most voters_max; none: this process holds no copy yet
    MemberIds owners;  // a subset of the voters, at least one if there are voters

    bool operator==(Configuration const&) const = default;
    DOOZER_FIELDS(lineage, epoch, voters, owners);

    [[nodiscard]] std::size_t majority() const { return voters.size() / 2 + 1; }
    [[nodiscard]] Lane lane_of(Slot s) const { return s.value() % owners.size(); }
    [[nodiscard]] std::optional<std::size_t> voter_index(MemberId id) const {
        return index_in(voters, id);
    }
    [[nodiscard]] std::optional<Lane> lane_owned_by(MemberId id) const {
        return index_in(owners, id);
    }
    [[nodiscard]] static std::optional<std::size_t> index_in(MemberIds const& ids, MemberId id) {
        for (std::size_t i = 0; i < ids.size(); ++i) {  // they are few
            if (ids[i] == id) return i;
        }
        return std::nullopt;
    }
};

/// Something about each lane of an epoch, without memory of its own.
template <typename T>
class PerLane {
  public:
    PerLane() = default;
    explicit PerLane(std::size_t lanes) : size_(lanes) { DOOZER_ASSERT(lanes <= voters_max); }

    [[nodiscard]] std::size_t size() const { return size_; }
    T& operator[](Lane l) {
        DOOZER_ASSERT(l < size_);
        return at_[l];
    }
    T const& operator[](Lane l) const {
        DOOZER_ASSERT(l < size_);
        return at_[l];
    }
    [[nodiscard]] T const* begin() const { return at_.data(); }
    [[nodiscard]] T const* end() const { return at_.data() + size_; }
    bool operator==(PerLane const&) const = default;

  private:
    std::array<T, voters_max> at_{};
    std::size_t size_ = 0;
};

/// For each lane the slot below which everything is known: item or skip. U in docs/consensus.md.
using Frontier = PerLane<Slot>;

/// A set of lanes or of voters, by index.
class IndexSet {
  public:
    void insert(std::size_t i) { bits_ = static_cast<std::uint8_t>(bits_ | (1U << i)); }
    [[nodiscard]] bool contains(std::size_t i) const { return ((bits_ >> i) & 1U) != 0; }
    [[nodiscard]] bool empty() const { return bits_ == 0; }
    [[nodiscard]] std::size_t size() const {
        return static_cast<std::size_t>(__builtin_popcount(bits_));
    }
    [[nodiscard]] std::uint8_t bits() const { return bits_; }
    [[nodiscard]] static IndexSet of_bits(std::uint8_t bits) {
        IndexSet s;
        s.bits_ = bits;
        return s;
    }
    bool operator==(IndexSet const&) const = default;

  private:
    std::uint8_t bits_ = 0;
    DOOZER_FIELDS(bits_);
};

}  // namespace doozer::consensus
