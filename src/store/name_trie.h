// An ordered map from names to things that know their name: the children of a directory, and the
// literal beginnings of the globs that somebody waits for.
//
// Two names are told apart at the first place where they differ, so a lookup costs as many steps
// as there are such places on the way, whatever the number of names; a comparison of whole names
// happens once, at the end. (Morrison, PATRICIA, JACM 15(4), 1968, with 66 branches for 2; the
// branches are packed as in Bagwell, Ideal Hash Trees, 2001.)
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "base/assert.h"
#include "store/path.h"

namespace doozer::store {

/// What a trie keeps about a subtree when nothing needs to be kept.
struct NoSummary {
    template <typename Leaf>
    static NoSummary of(Leaf const& /*unused*/) {
        return {};
    }
};

/// `Leaf` has `std::string_view key() const`, of path characters only, and outlives its stay in
/// the trie. `Summary` is what every node knows of the leaves below it: Summary::of(leaf) makes
/// one for a single leaf, and update() reaches all that contain a name.
template <typename Leaf, typename Summary = NoSummary>
class NameTrie {
  public:
    NameTrie() = default;
    NameTrie(NameTrie const&) = delete;
    NameTrie& operator=(NameTrie const&) = delete;
    ~NameTrie() { destroy(root_); }

    [[nodiscard]] bool empty() const { return root_.none(); }

    [[nodiscard]] Leaf* find(std::string_view name) const {
        Slot slot = root_;
        while (slot.is_node()) {
            Node const& node = *slot.node();
            if (node.depth > name.size()) return nullptr;
            std::size_t const symbol = symbol_at(name, node.depth);
            if (!node.has(symbol)) return nullptr;
            slot = node.slots()[node.index(symbol)];
        }
        return !slot.none() && slot.leaf()->key() == name ? slot.leaf() : nullptr;
    }

    /// REQUIRES: no leaf with this key is there.
    void insert(Leaf& leaf) {
        static_assert(alignof(Leaf) >= 2,
                      "the lowest bit of a leaf's address tells it from a node");
        std::string_view const name = leaf.key();
        if (root_.none()) {
            root_ = Slot(leaf);
            return;
        }
        std::string_view const neighbour = nearest(name)->key();
        std::size_t const split = first_difference(name, neighbour);
        DOOZER_ASSERT(split < std::max(name.size(), neighbour.size()));

        Slot* slot = &root_;
        while (slot->is_node() && slot->node()->depth < split) {
            Node& node = *slot->node();
            slot = &node.slots()[node.index(symbol_at(name, node.depth))];
        }
        if (slot->is_node() && slot->node()->depth == split) {
            *slot = Slot(add_branch(slot->node(), symbol_at(name, split), Slot(leaf)));
        } else {
            Node* const fork = make_node(2, split, leaf, summary_of(*slot));
            (void)add_branch(fork, symbol_at(neighbour, split), *slot);
            (void)add_branch(fork, symbol_at(name, split), Slot(leaf));
            *slot = Slot(fork);
        }
    }

    /// REQUIRES: a leaf with this key is there. The leaf itself is the caller's.
    void erase(std::string_view name) {
        Slot* above = nullptr;  // the slot that leads to the node that holds `slot`
        Slot* slot = &root_;
        while (slot->is_node()) {
            Node& node = *slot->node();
            above = slot;
            slot = &node.slots()[node.index(symbol_at(name, node.depth))];
        }
        DOOZER_ASSERT(!slot->none() && slot->leaf()->key() == name);
        if (above == nullptr) {
            root_ = Slot();
            return;
        }
        Leaf const* const gone = slot->leaf();
        Node* const node = above->node();
        remove_branch(*node, symbol_at(name, node->depth));
        if (node->size() == 1) {
            *above = node->slots()[0];
            free_node(node);
        }
        replace_witness(*gone, name);
    }

    /// Calls change(Summary&) for every subtree that holds `name`. REQUIRES: it is there.
    template <typename Change>
    void update(std::string_view name, Change change) {
        for (Slot slot = root_; slot.is_node();) {
            Node& node = *slot.node();
            change(node.summary);
            slot = node.slots()[node.index(symbol_at(name, node.depth))];
        }
    }

    /// The first leaf in byte order that `filter` lets through. filter.subtree(Summary) and
    /// filter.leaf(Leaf) say whether to look further there; both see only what comes in question.
    template <typename Filter>
    [[nodiscard]] Leaf* first(Filter& filter) const {
        return first_in(root_, filter);
    }

    /// The same among the leaves whose key is greater than `name`, which need not be there.
    template <typename Filter>
    [[nodiscard]] Leaf* first_after(std::string_view name, Filter& filter) const {
        if (root_.none()) return nullptr;
        std::string_view const neighbour = nearest(name)->key();
        std::size_t const split = first_difference(name, neighbour);
        bool const below_all = split < std::max(name.size(), neighbour.size()) &&
                               symbol_at(name, split) < symbol_at(neighbour, split);
        return first_after_in(root_, Bound{name, split, below_all}, filter);
    }

    /// Calls found(Leaf&) for every leaf whose key is `text` or a beginning of it, and has at least
    /// `shortest` bytes.
    template <typename Found>
    void for_each_prefix_of(std::string_view text, Found found, std::size_t shortest = 0) const {
        Slot slot = root_;
        std::size_t agreed = 0;
        while (slot.is_node()) {
            Node const& node = *slot.node();
            std::size_t const skipped = node.depth - agreed;
            if (node.depth > text.size() ||
                text.compare(agreed, skipped, node.witness->key(), agreed, skipped) != 0) {
                return;
            }
            agreed = node.depth;
            if (node.has(0) && agreed >= shortest) found(*node.slots()[0].leaf());
            if (agreed == text.size()) return;
            std::size_t const symbol = symbol_at(text, agreed);
            if (!node.has(symbol)) return;
            slot = node.slots()[node.index(symbol)];
        }
        if (slot.none()) return;
        std::string_view const key = slot.leaf()->key();
        if (key.size() >= shortest && text.starts_with(key)) found(*slot.leaf());
    }

  private:
    struct Node;

    /// Nothing, a leaf, or a node.
    class Slot {
      public:
        Slot() = default;
        explicit Slot(Leaf& leaf) : bits_(reinterpret_cast<std::uintptr_t>(&leaf) | 1U) {}
        explicit Slot(Node* node) : bits_(reinterpret_cast<std::uintptr_t>(node)) {}
        [[nodiscard]] bool none() const { return bits_ == 0; }
        [[nodiscard]] bool is_node() const { return bits_ != 0 && (bits_ & 1U) == 0; }
        [[nodiscard]] Node* node() const { return reinterpret_cast<Node*>(bits_); }
        [[nodiscard]] Leaf* leaf() const { return reinterpret_cast<Leaf*>(bits_ & ~1ULL); }

      private:
        std::uintptr_t bits_ = 0;
    };

    /// A place where names differ: they agree before `depth`. Its branches are in symbol order,
    /// that of a name that ends here first (symbol 0).
    struct Node {
        std::array<std::uint64_t, 2> symbols;
        Leaf* witness;  // any leaf below: it knows what the names agree in
        std::uint16_t depth;
        std::uint16_t capacity;
        [[no_unique_address]] Summary summary;

        [[nodiscard]] Slot* slots() const {
            return reinterpret_cast<Slot*>(const_cast<Node*>(this) + 1);
        }
        [[nodiscard]] bool has(std::size_t symbol) const {
            return (symbols[symbol / 64] >> (symbol % 64) & 1U) != 0;
        }
        /// How many branches come before that of `symbol`.
        [[nodiscard]] std::size_t index(std::size_t symbol) const {
            auto const below = (std::uint64_t{1} << (symbol % 64)) - 1;
            if (symbol < 64) return static_cast<std::size_t>(std::popcount(symbols[0] & below));
            return static_cast<std::size_t>(std::popcount(symbols[0]) +
                                            std::popcount(symbols[1] & below));
        }
        [[nodiscard]] std::size_t size() const {
            return static_cast<std::size_t>(std::popcount(symbols[0]) + std::popcount(symbols[1]));
        }
    };
    static_assert(sizeof(Node) % alignof(Slot) == 0);

    /// Everything greater than `name`. Names agree with the trie up to `split`; below_all says
    /// that what differs there comes after `name` as a whole.
    struct Bound {
        std::string_view name;
        std::size_t split;
        bool below_all;
    };

    static std::size_t symbol_at(std::string_view name, std::size_t i) {
        return i < name.size() ? path_symbol(name[i]) : 0;
    }
    static std::size_t first_difference(std::string_view a, std::string_view b) {
        std::size_t const shorter = std::min(a.size(), b.size());
        std::size_t i = 0;
        while (i < shorter && a[i] == b[i]) ++i;
        return i;
    }

    /// A leaf that agrees with `name` at least as far as any other does. REQUIRES: !empty().
    [[nodiscard]] Leaf* nearest(std::string_view name) const {
        Slot slot = root_;
        while (slot.is_node()) {
            Node const& node = *slot.node();
            std::size_t const symbol = symbol_at(name, node.depth);
            slot = node.slots()[node.has(symbol) ? node.index(symbol) : 0];
        }
        return slot.leaf();
    }

    static Summary summary_of(Slot slot) {
        return slot.is_node() ? slot.node()->summary : Summary::of(*slot.leaf());
    }

    /// Gives every node on the way to `name` whose witness is gone another one.
    void replace_witness(Leaf const& gone, std::string_view name) {
        for (Slot slot = root_; slot.is_node();) {
            Node& node = *slot.node();
            if (node.witness == &gone) {
                Slot below = node.slots()[0];
                while (below.is_node()) below = below.node()->slots()[0];
                node.witness = below.leaf();
            }
            std::size_t const symbol = symbol_at(name, node.depth);
            if (!node.has(symbol)) return;
            slot = node.slots()[node.index(symbol)];
        }
    }

    static Node* make_node(std::size_t capacity, std::size_t depth, Leaf& witness,
                           Summary summary) {
        void* const memory = ::operator new(sizeof(Node) + capacity * sizeof(Slot));
        return new (memory) Node{{0, 0},
                                 &witness,
                                 static_cast<std::uint16_t>(depth),
                                 static_cast<std::uint16_t>(capacity),
                                 summary};
    }
    static void free_node(Node* node) { ::operator delete(node); }

    /// Returns `node`, or what takes its place if it had no room.
    static Node* add_branch(Node* node, std::size_t symbol, Slot slot) {
        std::size_t const size = node->size();
        if (size == node->capacity) {
            std::size_t const wider = std::min(path_symbols, size + 2 + size / 2);
            Node* const moved = make_node(wider, node->depth, *node->witness, node->summary);
            moved->symbols = node->symbols;
            std::copy_n(node->slots(), size, moved->slots());
            free_node(node);
            node = moved;
        }
        std::size_t const at = node->index(symbol);
        std::copy_backward(node->slots() + at, node->slots() + size, node->slots() + size + 1);
        node->slots()[at] = slot;
        node->symbols[symbol / 64] |= std::uint64_t{1} << (symbol % 64);
        return node;
    }
    static void remove_branch(Node& node, std::size_t symbol) {
        std::size_t const at = node.index(symbol);
        std::copy(node.slots() + at + 1, node.slots() + node.size(), node.slots() + at);
        node.symbols[symbol / 64] &= ~(std::uint64_t{1} << (symbol % 64));
    }

    template <typename Filter>
    static Leaf* first_in(Slot slot, Filter& filter) {
        if (slot.none()) return nullptr;
        if (!slot.is_node()) return filter.leaf(*slot.leaf()) ? slot.leaf() : nullptr;
        return first_from(*slot.node(), 0, filter);
    }

    template <typename Filter>
    static Leaf* first_from(Node const& node, std::size_t index, Filter& filter) {
        if (!filter.subtree(node.summary)) return nullptr;
        for (std::size_t const size = node.size(); index < size; ++index) {
            if (Leaf* const leaf = first_in(node.slots()[index], filter)) return leaf;
        }
        return nullptr;
    }

    template <typename Filter>
    static Leaf* first_after_in(Slot slot, Bound const& bound, Filter& filter) {
        bool const parted = !slot.is_node() || slot.node()->depth > bound.split;
        if (parted) return bound.below_all ? first_in(slot, filter) : nullptr;
        Node const& node = *slot.node();
        if (!filter.subtree(node.summary)) return nullptr;
        std::size_t const symbol = symbol_at(bound.name, node.depth);
        std::size_t index = node.index(symbol);
        if (node.has(symbol)) {
            if (Leaf* const leaf = first_after_in(node.slots()[index], bound, filter)) return leaf;
            ++index;
        }
        return first_from(node, index, filter);
    }

    static void destroy(Slot slot) {
        if (!slot.is_node()) return;
        Node* const node = slot.node();
        for (std::size_t i = 0; i < node->size(); ++i) destroy(node->slots()[i]);
        free_node(node);
    }

    Slot root_;
};

}  // namespace doozer::store
