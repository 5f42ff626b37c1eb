// For tests: values of any type that declares its fields, filled by chance.
#pragma once

#include <algorithm>
#include <string>

#include "base/prng.h"
#include "wire/archive.h"

namespace doozer::wire {

class RandomValues {
  public:
    explicit RandomValues(std::uint64_t seed) : prng_(seed) {}

    template <typename T>
    void fill(T& t) {
        if constexpr (std::is_same_v<T, bool>) {
            t = prng_.one_in(2);
        } else if constexpr (std::is_integral_v<T>) {
            t = static_cast<T>(prng_.next() >> prng_.below(64));
        } else if constexpr (HasFields<T> && !std::is_same_v<T, consensus::Batch> &&
                             !std::is_same_v<T, consensus::IndexSet>) {
            std::apply([&](auto&... field) { (fill(field), ...); }, FieldAccess::of(t));
        } else {
            form(t);
        }
    }
    /// A message of the kind with this index.
    template <typename... T>
    void fill_kind(std::variant<T...>& v, std::size_t kind) {
        std::size_t index = 0;
        ((index++ == kind ? fill(v.template emplace<T>()) : void()), ...);
    }
    base::Prng& prng() { return prng_; }

  private:
    std::size_t few() { return prng_.one_in(3) ? 0 : 1 + prng_.below(4); }

    template <typename Tag, typename Rep>
    void form(base::Strong<Tag, Rep>& v) {
        Rep rep{};
        fill(rep);
        v = base::Strong<Tag, Rep>(rep);
    }
    void form(consensus::MemberId& id) {
        for (char& c : id.text) c = static_cast<char>('A' + prng_.below(26));
    }
    void form(base::Bytes& b) {
        std::string text(prng_.below(40), ' ');
        for (char& c : text) c = static_cast<char>(prng_.next());
        b = base::Bytes(text);
    }
    void form(consensus::Batch& b) {
        consensus::MemberId origin;
        consensus::Oseq oseq;
        base::Bytes payload;
        consensus::NextEpoch control;
        fill(origin);
        fill(oseq);
        fill(payload);
        fill(control);
        b = prng_.one_in(4) ? consensus::Batch(origin, control)
                            : consensus::Batch(origin, oseq, payload);
    }
    void form(consensus::IndexSet& s) {
        s = consensus::IndexSet::of_bits(static_cast<std::uint8_t>(prng_.below(128)));
    }
    template <typename T>
    void form(std::optional<T>& o) {
        o.reset();
        if (prng_.one_in(2)) fill(o.emplace());
    }
    template <typename T>
    void form(std::shared_ptr<T>& p) {
        p = nullptr;
        if (prng_.one_in(3)) return;
        auto value = std::make_shared<std::remove_const_t<T>>();
        fill(*value);
        p = std::move(value);
    }
    template <typename T>
    void form(consensus::PerLane<T>& p) {
        p = consensus::PerLane<T>(prng_.below(consensus::voters_max + 1));
        for (consensus::Lane l = 0; l < p.size(); ++l) fill(p[l]);
    }
    template <typename K, typename V>
    void form(std::map<K, V>& m) {
        m.clear();
        for (std::size_t n = few(); n > 0; --n) {
            K key{};
            fill(key);
            fill(m[key]);
        }
    }
    template <typename T>
    void form(std::vector<T>& v) {
        v.resize(few());
        for (T& x : v) fill(x);
    }

    base::Prng prng_;
};

}  // namespace doozer::wire
