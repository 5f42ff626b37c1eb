// Values as bytes and back, by the fields that they declare (base/fields.h). What members send each
// other and what a flight recording holds is written this way.
//
// Numbers are varints (signed ones zigzag), the shortest form only; an id is its 16 characters;
// bytes, vectors, queues and maps are a count and what it counts, maps in the order of their keys;
// something optional is 0, or 1 and itself; one of several is its index and itself; anything else
// is its fields in their order. So a value has one encoding, and an encoding one value.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fields.h"
#include "base/strong.h"
#include "consensus/batch.h"
#include "consensus/message.h"
#include "consensus/types.h"

namespace doozer::wire {

using base::FieldAccess;
using base::HasFields;

constexpr std::uint64_t zigzag(std::int64_t n) {
    return (static_cast<std::uint64_t>(n) << 1U) ^ static_cast<std::uint64_t>(n >> 63U);
}
constexpr std::int64_t unzigzag(std::uint64_t n) {
    return static_cast<std::int64_t>(n >> 1U) ^ -static_cast<std::int64_t>(n & 1U);
}

/// Appends values to a string.
class ArchiveWriter {
  public:
    explicit ArchiveWriter(std::string& out) : out_(out) {}

    template <typename... T>
    void all(T const&... values) {
        (write(values), ...);
    }
    void number(std::uint64_t n) {
        if (n < 0x80) {
            out_.push_back(static_cast<char>(n));
            return;
        }
        std::array<char, 10> bytes;  // NOLINT(*-member-init)
        std::size_t used = 0;
        for (; n >= 0x80; n >>= 7U) bytes[used++] = static_cast<char>(n | 0x80U);
        bytes[used++] = static_cast<char>(n);
        out_.append(bytes.data(), used);
    }
    void raw(std::string_view bytes) { out_.append(bytes); }

  private:
    template <typename T>
    void write(T const& t) {
        if constexpr (std::is_integral_v<T>) {
            number(std::is_signed_v<T> ? zigzag(static_cast<std::int64_t>(t))
                                       : static_cast<std::uint64_t>(t));
        } else if constexpr (HasFields<T const> && !has_form_of_its_own<T>) {
            std::apply([&](auto const&... field) { all(field...); }, FieldAccess::of(t));
        } else {
            form(t);
        }
    }

    template <typename T>
    static constexpr bool has_form_of_its_own =
        std::is_same_v<T, consensus::Batch> || std::is_same_v<T, consensus::Vector>;

    template <typename Tag, typename Rep>
    void form(base::Strong<Tag, Rep> v) {
        write(v.value());
    }
    void form(consensus::MemberId const& id) { raw({id.text.data(), id.text.size()}); }
    void form(base::Bytes const& b) {
        number(b.size());
        raw(b.view());
    }
    /// REQUIRES: not null; nobody has a batch that is none.
    void form(consensus::Batch const& b) {
        DOOZER_ASSERT(b);
        write(*std::get<0>(FieldAccess::of(b)));
    }
    /// Where lanes and `seen` are is told as the distance from `delivered`, which is small.
    void form(consensus::Vector const& v) {
        auto const& [epoch, delivered, seen, closed, upto] = FieldAccess::of(v);
        all(epoch, delivered, distance(delivered, seen), closed, upto.size());
        for (consensus::Slot const u : upto) write(distance(delivered, u));
    }
    static std::int64_t distance(consensus::Slot from, consensus::Slot to) {
        return static_cast<std::int64_t>(to.value() - from.value());
    }
    void form(std::monostate) {}
    template <typename A, typename B>
    void form(std::pair<A, B> const& p) {
        all(p.first, p.second);
    }
    template <typename T>
    void form(std::optional<T> const& o) {
        number(o ? 1 : 0);
        if (o) write(*o);
    }
    template <typename T>
    void form(std::shared_ptr<T> const& p) {
        number(p ? 1 : 0);
        if (p) write(*p);
    }
    template <typename... T>
    void form(std::variant<T...> const& v) {
        number(v.index());
        std::visit([&](auto const& x) { write(x); }, v);
    }
    template <typename Values>
    void form(Values const& values) {
        number(values.size());
        for (auto const& x : values) write(x);
    }

    std::string& out_;
};

/// Thrown by ArchiveReader; it leaves no function of this folder that others call.
struct NoArchive {
    char const* why;
};

/// Takes values off the front of some bytes. Throws NoArchive at the first byte that ArchiveWriter
/// would not have written there. No count is believed before the bytes for it are there.
class ArchiveReader {
  public:
    explicit ArchiveReader(std::string_view bytes)
        : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

    template <typename... T>
    void all(T&... values) {
        (read(values), ...);
    }
    template <typename T>
    T take() {
        T value{};
        read(value);
        return value;
    }
    std::uint64_t number() {
        std::uint64_t n = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (at_ == end_) throw NoArchive{"ends too early"};
            auto const byte = static_cast<unsigned char>(*at_++);
            if (shift == 63 && byte > 1) throw NoArchive{"a number of more than 64 bits"};
            n |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte >= 0x80) continue;
            if (byte == 0 && shift > 0) throw NoArchive{"a number in a longer form than needed"};
            return n;
        }
    }
    std::string_view raw(std::uint64_t size) {
        if (size > rest()) throw NoArchive{"ends too early"};
        char const* const from = at_;
        at_ += size;
        return {from, static_cast<std::size_t>(size)};
    }
    [[nodiscard]] std::size_t rest() const { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
    /// To be called behind the last value.
    void finish() const {
        if (at_ != end_) throw NoArchive{"goes on behind its end"};
    }

  private:
    template <typename T>
    void read(T& t) {
        if constexpr (std::is_same_v<T, bool>) {
            t = flag();
        } else if constexpr (std::is_integral_v<T>) {
            t = integer<T>();
        } else if constexpr (HasFields<T> && !has_form_of_its_own<T>) {
            std::apply([&](auto&... field) { all(field...); }, FieldAccess::of(t));
        } else {
            form(t);
        }
    }

    template <typename T>
    static constexpr bool has_form_of_its_own =
        std::is_same_v<T, consensus::Batch> || std::is_same_v<T, consensus::Vector> ||
        std::is_same_v<T, consensus::IndexSet>;

    template <typename T>
    T integer() {
        using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
        Wide n{};
        if constexpr (std::is_signed_v<T>) {
            n = unzigzag(number());
        } else {
            n = number();
        }
        if (!std::in_range<T>(n)) throw NoArchive{"a number that is too large"};
        return static_cast<T>(n);
    }
    bool flag() {
        std::uint64_t const n = number();
        if (n > 1) throw NoArchive{"neither yes nor no"};
        return n == 1;
    }
    /// How many follow. Each takes a byte at least, so a lie costs no memory.
    std::size_t count() {
        std::uint64_t const n = number();
        if (n > rest()) throw NoArchive{"counts more than there is"};
        return static_cast<std::size_t>(n);
    }

    template <typename Tag, typename Rep>
    void form(base::Strong<Tag, Rep>& v) {
        v = base::Strong<Tag, Rep>(integer<Rep>());
    }
    void form(consensus::MemberId& id) {
        std::memcpy(id.text.data(), raw(id.text.size()).data(), id.text.size());
    }
    void form(base::Bytes& b) { b = base::Bytes(raw(number())); }
    void form(consensus::Batch& b) {
        auto const& [body] = FieldAccess::of(b);
        body = shared<std::decay_t<decltype(body)>>();
    }
    void form(consensus::Vector& v) {
        auto const& [epoch, delivered, seen, closed, upto] = FieldAccess::of(v);
        all(epoch, delivered);
        seen = at_distance(delivered);
        closed = flag();
        upto = consensus::Frontier(lanes());
        for (consensus::Lane l = 0; l < upto.size(); ++l) upto[l] = at_distance(delivered);
    }
    consensus::Slot at_distance(consensus::Slot from) {
        auto const distance = static_cast<std::uint64_t>(integer<std::int64_t>());
        return consensus::Slot(from.value() + distance);
    }
    std::size_t lanes() {
        std::uint64_t const n = number();
        if (n > consensus::voters_max) throw NoArchive{"more lanes than there may be"};
        return static_cast<std::size_t>(n);
    }
    void form(consensus::IndexSet& s) {
        std::uint64_t const bits = number();
        if (bits >> consensus::voters_max != 0) throw NoArchive{"more voters than there may be"};
        s = consensus::IndexSet::of_bits(static_cast<std::uint8_t>(bits));
    }
    void form(std::monostate) {}
    template <typename A, typename B>
    void form(std::pair<A, B>& p) {
        all(p.first, p.second);
    }
    template <typename T>
    void form(std::optional<T>& o) {
        o.reset();
        if (flag()) o = take<T>();
    }
    template <typename T>
    void form(std::shared_ptr<T>& p) {
        p = flag() ? shared<std::shared_ptr<T>>() : nullptr;
    }
    template <typename Pointer>
    Pointer shared() {
        auto value = std::make_shared<std::remove_const_t<typename Pointer::element_type>>();
        read(*value);
        return value;
    }
    template <typename T>
    void form(consensus::PerLane<T>& p) {
        p = consensus::PerLane<T>(lanes());
        for (consensus::Lane l = 0; l < p.size(); ++l) read(p[l]);
    }
    template <typename... T>
    void form(std::variant<T...>& v) {
        std::uint64_t const index = number();
        if (index >= sizeof...(T)) throw NoArchive{"of a kind that is not known"};
        alternative(v, index, std::index_sequence_for<T...>{});
    }
    template <typename Variant, std::size_t... I>
    void alternative(Variant& v, std::uint64_t index, std::index_sequence<I...>) {
        static_cast<void>(((index == I && (read(v.template emplace<I>()), true)) || ...));
    }
    template <typename K, typename V>
    void form(std::map<K, V>& m) {
        m.clear();
        for (std::size_t n = count(); n > 0; --n) {
            auto key = take<K>();
            if (!m.empty() && !(m.rbegin()->first < key)) throw NoArchive{"keys out of order"};
            read(m.try_emplace(m.end(), std::move(key))->second);
        }
    }
    /// A vector or a queue. Grows as its values come, so that it never has room for more than
    /// twice as many as there are.
    template <typename Values>
    void form(Values& values) {
        values = Values();
        for (std::size_t n = count(); n > 0; --n) {
            values.push_back(take<typename Values::value_type>());
        }
    }

    char const* begin_;
    char const* at_;
    char const* end_;
};

}  // namespace doozer::wire
