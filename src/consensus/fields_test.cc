// Is every field of every value declared? A field that is not leaves a hole between those that are.
// The test misses only a field that fits into the padding after a smaller one.
#include "base/fields.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <typeindex>

#include "consensus/core.h"

namespace doozer::consensus {
namespace {

class Holes {
  public:
    std::string found;
    std::size_t types = 0;

    template <typename T>
    void look_at(T const& t) {
        if constexpr (HasFields<T const>) {
            if (!seen_.insert(typeid(T)).second) return;
            ++types;
            std::map<std::size_t, Piece> pieces;
            std::apply([&](auto const&... field) { (put(pieces, t, field), ...); },
                       FieldAccess::of(t));
            check(pieces, sizeof(T), alignof(T), typeid(T).name());
            std::apply([&](auto const&... field) { (look_at(field), ...); }, FieldAccess::of(t));
        } else if constexpr (!std::is_integral_v<T>) {
            inside(t);
        }
    }

  private:
    struct Piece {
        std::size_t size;
        std::size_t alignment;
    };
    template <typename T, typename F>
    static void put(std::map<std::size_t, Piece>& pieces, T const& t, F const& field) {
        auto const offset =
            reinterpret_cast<char const*>(&field) - reinterpret_cast<char const*>(&t);
        pieces[static_cast<std::size_t>(offset)] = {sizeof(F), alignof(F)};
    }
    void check(std::map<std::size_t, Piece> const& pieces, std::size_t size, std::size_t alignment,
               char const* type) {
        std::size_t end = 0;
        for (auto const& [offset, piece] : pieces) {
            if (offset - end >= piece.alignment) found += std::string(type) + " has a hole\n";
            end = offset + piece.size;
        }
        // One byte is what an empty struct has.
        if (size - end >= alignment && size > 1) found += std::string(type) + " goes on\n";
    }

    // What a container may hold is looked at even if it holds nothing now.
    template <typename T>
    void inside(std::optional<T> const&) {
        look_at(T{});
    }
    template <typename T>
    void inside(std::shared_ptr<T> const&) {
        look_at(T{});
    }
    template <typename T>
    void inside(std::vector<T> const&) {
        look_at(T{});
    }
    template <typename T>
    void inside(std::deque<T> const&) {
        look_at(T{});
    }
    template <typename T>
    void inside(SharedQueue<T> const&) {
        look_at(T{});
    }
    template <typename T>
    void inside(PerLane<T> const&) {
        look_at(T{});
    }
    template <typename K, typename V>
    void inside(std::map<K, V> const&) {
        look_at(K{});
        look_at(V{});
    }
    template <typename A, typename B>
    void inside(std::pair<A, B> const&) {
        look_at(A{});
        look_at(B{});
    }
    template <typename... T>
    void inside(std::variant<T...> const&) {
        (look_at(T{}), ...);
    }
    template <typename Tag, typename Rep>
    void inside(Strong<Tag, Rep> const&) {}
    void inside(MemberId const&) {}
    void inside(Bytes const&) {}
    void inside(std::monostate) {}

    std::set<std::type_index> seen_;
};

TEST(Fields, AreAllDeclared) {
    Holes holes;
    holes.look_at(Core(MemberId("a"), {}, Tuning{}));
    holes.look_at(Input(Tick{}));
    holes.look_at(Applied{});
    EXPECT_EQ(holes.found, "");
    EXPECT_GT(holes.types, 40U);
}

struct Forgetful {
    std::uint64_t a = 0;
    bool forgotten = false;
    std::uint64_t b = 0;
    DOOZER_FIELDS(a, b);
};
struct ForgetfulAtLast {
    std::uint64_t a = 0;
    bool b = false;
    Slot forgotten;
    DOOZER_FIELDS(a, b);
};

TEST(Fields, AreMissedWhereTheyAreNotDeclared) {
    Holes holes;
    holes.look_at(Forgetful{});
    EXPECT_NE(holes.found.find("has a hole"), std::string::npos);
    holes.look_at(ForgetfulAtLast{});
    EXPECT_NE(holes.found.find("goes on"), std::string::npos);
}

}  // namespace
}  // namespace doozer::consensus
