// A 128-bit digest of values: how batches, messages and whole members are compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/strong.h"
#include "consensus/types.h"

namespace doozer::consensus {

struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(Digest const&) const = default;
};

/// Two independent lanes of multiply-and-rotate over 64-bit words. The same values give the same
/// digest on every machine of one byte order. Against chance, not against an attacker.
class Hasher {
  public:
    void word(std::uint64_t v) {
        a_ = rotate((a_ ^ v) * 0x9E3779B97F4A7C15U, 29);
        b_ = rotate((b_ + v) * 0xC2B2AE3D27D4EB4FU, 31) ^ a_;
    }
    void bytes(std::string_view text) {
        word(text.size());
        for (; text.size() >= 8; text.remove_prefix(8)) {
            std::uint64_t v = 0;
            std::memcpy(&v, text.data(), 8);
            word(v);
        }
        std::uint64_t rest = 0;
        if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
        word(rest);
    }
    [[nodiscard]] Digest digest() const { return {mix(a_ ^ (b_ >> 32U)), mix(b_ + a_)}; }

  private:
    static std::uint64_t rotate(std::uint64_t v, unsigned n) { return v << n | v >> (64U - n); }
    static std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }
    std::uint64_t a_ = 0x243F6A8885A308D3U;
    std::uint64_t b_ = 0x13198A2E03707344U;
};

/// feed(h, value): everything that makes `value` what it is goes into `h`. A struct takes part by
/// a member `void feed_to(Hasher&) const`.
template <typename T>
requires std::is_integral_v<T> || std::is_enum_v<T>
void feed(Hasher& h, T v) {
    h.word(static_cast<std::uint64_t>(v));
}
template <typename Tag, typename Rep>
void feed(Hasher& h, Strong<Tag, Rep> v) {
    h.word(static_cast<std::uint64_t>(v.value()));
}
inline void feed(Hasher& h, MemberId const& id) {
    h.bytes({id.text.data(), id.text.size()});
}
inline void feed(Hasher& h, Bytes const& b) {
    h.bytes(b.view());
}
inline void feed(Hasher& h, Lineage const& l) {
    h.word(l.high);
    h.word(l.low);
}
inline void feed(Hasher& h, Digest const& d) {
    h.word(d.high);
    h.word(d.low);
}
inline void feed(Hasher& h, IndexSet s) {
    h.word(s.bits());
}
template <typename T>
concept Feedable = requires(T const& t, Hasher& h) {
    t.feed_to(h);
};
template <Feedable T>
void feed(Hasher& h, T const& t) {
    t.feed_to(h);
}
template <typename A, typename B>
void feed(Hasher& h, std::pair<A, B> const& p);
template <typename T>
void feed(Hasher& h, std::optional<T> const& o);
template <typename T>
void feed(Hasher& h, std::shared_ptr<T> const& p);
template <typename T>
void feed(Hasher& h, PerLane<T> const& p);
template <typename T>
void feed(Hasher& h, std::vector<T> const& v) {
    h.word(v.size());
    for (auto const& x : v) feed(h, x);
}
template <typename K, typename V>
void feed(Hasher& h, std::map<K, V> const& m) {
    h.word(m.size());
    for (auto const& x : m) feed(h, x);
}
template <typename A, typename B>
void feed(Hasher& h, std::pair<A, B> const& p) {
    feed(h, p.first);
    feed(h, p.second);
}
template <typename T>
void feed(Hasher& h, std::optional<T> const& o) {
    h.word(o.has_value() ? 1 : 0);
    if (o) feed(h, *o);
}
template <typename T>
void feed(Hasher& h, std::shared_ptr<T> const& p) {
    h.word(p ? 1 : 0);
    if (p) feed(h, *p);
}
template <typename T>
void feed(Hasher& h, PerLane<T> const& p) {
    h.word(p.size());
    for (auto const& x : p) feed(h, x);
}
inline void feed(Hasher& h, Configuration const& c) {
    feed(h, c.lineage);
    feed(h, c.epoch);
    feed(h, c.voters);
    feed(h, c.owners);
}
/// feed_all(h, a, b, c): one after the other.
template <typename... T>
void feed_all(Hasher& h, T const&... values) {
    (feed(h, values), ...);
}

}  // namespace doozer::consensus
