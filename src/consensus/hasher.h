// A 128-bit digest of values: how batches, messages and whole members are compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/strong.h"
#include "consensus/shared_queue.h"
#include "consensus/types.h"

namespace doozer::consensus {

struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(Digest const&) const = default;
    DOOZER_FIELDS(high, low);
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

/// feed(h, value): everything that makes `value` what it is goes into `h`: the fields of a struct,
/// in their order; or what its own `void feed_to(Hasher&) const` picks.
template <typename T>
concept Feedable = requires(T const& t, Hasher& h) {
    t.feed_to(h);
};
template <typename T>
void feed(Hasher& h, T const& t);

/// feed_all(h, a, b, c): one after the other.
template <typename... T>
void feed_all(Hasher& h, T const&... values) {
    (feed(h, values), ...);
}

// One overload for each form that a value can have.
struct Feeder {
    Hasher& h;

    template <typename Tag, typename Rep>
    void operator()(Strong<Tag, Rep> v) const {
        h.word(static_cast<std::uint64_t>(v.value()));
    }
    void operator()(MemberId const& id) const { h.bytes({id.text.data(), id.text.size()}); }
    void operator()(Bytes const& b) const { h.bytes(b.view()); }
    void operator()(std::monostate) const {}
    template <typename A, typename B>
    void operator()(std::pair<A, B> const& p) const {
        feed_all(h, p.first, p.second);
    }
    template <typename T>
    void operator()(std::optional<T> const& o) const {
        h.word(o ? 1 : 0);
        if (o) feed(h, *o);
    }
    template <typename T>
    void operator()(std::shared_ptr<T> const& p) const {
        h.word(p ? 1 : 0);
        if (p) feed(h, *p);
    }
    template <typename T>
    void operator()(std::vector<T> const& v) const {
        each(v);
    }
    template <typename T>
    void operator()(std::deque<T> const& v) const {
        each(v);
    }
    template <typename T>
    void operator()(SharedQueue<T> const& q) const {
        each(q);
    }
    template <typename K, typename V>
    void operator()(std::map<K, V> const& m) const {
        each(m);
    }
    template <typename T>
    void operator()(PerLane<T> const& p) const {
        each(p);
    }
    template <typename... T>
    void operator()(std::variant<T...> const& v) const {
        h.word(v.index());
        std::visit([&](auto const& x) { feed(h, x); }, v);
    }

  private:
    template <typename Values>
    void each(Values const& values) const {
        h.word(values.size());
        for (auto const& x : values) feed(h, x);
    }
};

template <typename T>
void feed(Hasher& h, T const& t) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        h.word(static_cast<std::uint64_t>(t));
    } else if constexpr (Feedable<T>) {
        t.feed_to(h);
    } else if constexpr (HasFields<T const>) {
        std::apply([&](auto const&... field) { feed_all(h, field...); }, FieldAccess::of(t));
    } else {
        Feeder{h}(t);
    }
}

}  // namespace doozer::consensus
