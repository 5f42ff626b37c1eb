#include "store/name_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"

namespace doozer::store {
namespace {

struct Name {
    std::string text;
    bool wanted = true;
    [[nodiscard]] std::string_view key() const { return text; }
};

struct Count {
    int leaves = 0;
    static Count of(Name const& /*unused*/) { return {1}; }
};

struct Everything {
    static bool subtree(Count const& /*unused*/) { return true; }
    static bool leaf(Name const& name) { return name.wanted; }
};

using Trie = NameTrie<Name, Count>;

std::vector<std::string> all(Trie const& trie) {
    Everything filter;
    std::vector<std::string> names;
    for (Name* name = trie.first(filter); name != nullptr;
         name = trie.first_after(name->text, filter)) {
        names.push_back(name->text);
    }
    return names;
}

TEST(NameTrie, KeepsByteOrder) {
    std::vector<Name> names;
    for (char const* text : {"b", "a", "a-b", "a.b", "ab", "A", "0", "-", "abc", "zz", "."}) {
        names.push_back({text});
    }
    Trie trie;
    for (Name& name : names) trie.insert(name);
    EXPECT_EQ(all(trie), (std::vector<std::string>{"-", ".", "0", "A", "a", "a-b", "a.b", "ab",
                                                   "abc", "b", "zz"}));
}

TEST(NameTrie, FindsOnlyWhatIsThere) {
    Name abc{"abc"};
    Name abd{"abd"};
    Trie trie;
    EXPECT_EQ(trie.find("abc"), nullptr);
    trie.insert(abc);
    trie.insert(abd);
    EXPECT_EQ(trie.find("abc"), &abc);
    for (char const* text : {"", "a", "ab", "abe", "abcd", "xbc", "x"}) {
        EXPECT_EQ(trie.find(text), nullptr) << text;
    }
}

TEST(NameTrie, FindsTheBeginningsOfAText) {
    std::vector<Name> names;
    for (char const* text : {"/", "/a", "/a/", "/a/b", "/a/bc", "/x", "/a/c"}) {
        names.push_back({text});
    }
    Trie trie;
    for (Name& name : names) trie.insert(name);
    std::vector<std::string> found;
    trie.for_each_prefix_of("/a/b", [&](Name& name) { found.push_back(name.text); });
    EXPECT_EQ(found, (std::vector<std::string>{"/", "/a", "/a/", "/a/b"}));
    found.clear();
    trie.for_each_prefix_of("/ya", [&](Name& name) { found.push_back(name.text); });
    EXPECT_EQ(found, std::vector<std::string>{"/"});
}

TEST(NameTrie, AgreesWithAnOrderedMap) {
    Prng prng(7);
    std::string_view const alphabet = "-./019AZaz";
    Trie trie;
    std::map<std::string, std::unique_ptr<Name>> twin;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t n = prng.below(7); n > 0; --n) text += alphabet[prng.below(10)];
        auto const known = twin.find(text);
        ASSERT_EQ(trie.find(text), known == twin.end() ? nullptr : known->second.get());
        if (known == twin.end()) {
            Name& name = *(twin[text] = std::make_unique<Name>(Name{text, !prng.one_in(4)}));
            trie.insert(name);
        } else if (prng.one_in(2)) {
            trie.erase(text);
            twin.erase(known);
        }
        std::vector<std::string> beginnings;
        for (std::size_t n = 0; n <= text.size(); ++n) {
            if (twin.contains(text.substr(0, n))) beginnings.push_back(text.substr(0, n));
        }
        std::vector<std::string> found;
        trie.for_each_prefix_of(text, [&](Name& name) { found.push_back(name.text); });
        ASSERT_EQ(found, beginnings) << text;

        auto after = twin.upper_bound(text);
        while (after != twin.end() && !after->second->wanted) ++after;
        Everything filter;
        ASSERT_EQ(trie.first_after(text, filter),
                  after == twin.end() ? nullptr : after->second.get())
            << text;
    }
    EXPECT_GT(twin.size(), 100U);
}

TEST(NameTrie, UpdatesWhatIsKnownOfSubtreesOnTheWay) {
    Name a{"aa"};
    Name b{"ab"};
    Name c{"c"};
    Trie trie;
    trie.insert(a);
    trie.insert(b);  // a node above a and b, knowing of a
    trie.update("ab", [](Count& count) { ++count.leaves; });
    trie.insert(c);  // a node above all, knowing what the one below knows
    trie.update("c", [](Count& count) { ++count.leaves; });
    std::vector<int> seen;
    struct Watch {
        std::vector<int>* seen;
        bool subtree(Count const& count) const {
            seen->push_back(count.leaves);
            return true;
        }
        static bool leaf(Name const& /*unused*/) { return true; }
    } watch{&seen};
    EXPECT_EQ(trie.first(watch), &a);
    EXPECT_EQ(seen, (std::vector<int>{3, 2}));
}

}  // namespace
}  // namespace doozer::store
