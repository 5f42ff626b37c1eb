// A queue that is cheap to copy, however long it is.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace doozer::consensus {

/// Grows at the back and shrinks at the front. Copies share blocks of values: a copy costs a
/// pointer for each block, and an append to a shared block copies that block first.
template <typename T>
class SharedQueue {
  public:
    static constexpr std::size_t block_values = 256;

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    /// REQUIRES: i < size().
    [[nodiscard]] T const& operator[](std::size_t i) const {
        DOOZER_ASSERT(i < size_);
        std::size_t const at = first_ + i;
        return (*blocks_[at / block_values])[at % block_values];
    }
    [[nodiscard]] T const& front() const { return (*this)[0]; }

    void push_back(T value) {
        if ((first_ + size_) % block_values == 0) {
            blocks_.push_back(std::make_shared<Block>());
        } else if (blocks_.back().use_count() > 1) {
            blocks_.back() = std::make_shared<Block>(*blocks_.back());
        }
        blocks_.back()->push_back(std::move(value));
        ++size_;
    }
    /// REQUIRES: not empty.
    void pop_front() {
        DOOZER_ASSERT(size_ > 0);
        --size_;
        ++first_;
        // A value is let go of at once, since it may be large; unless a copy has the block.
        if (blocks_.front().use_count() == 1) {
            for (; gone_ < first_; ++gone_) (*blocks_.front())[gone_] = T{};
        }
        if (first_ < block_values) return;
        blocks_.pop_front();
        first_ = gone_ = 0;
    }
    /// The first index of which `before` is false. REQUIRES: true of all below, false of all above.
    template <typename Predicate>
    [[nodiscard]] std::size_t partition_point(Predicate before) const {
        std::size_t low = 0;
        std::size_t high = size_;
        while (low < high) {
            std::size_t const middle = low + (high - low) / 2;
            before((*this)[middle]) ? low = middle + 1 : high = middle;
        }
        return low;
    }

    // --- for generic code that reads all of it, or fills an empty one
    using value_type = T;
    class Iterator {
      public:
        Iterator(SharedQueue const& queue, std::size_t at) : queue_(&queue), at_(at) {}
        T const& operator*() const { return (*queue_)[at_]; }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        bool operator!=(Iterator const& other) const { return at_ != other.at_; }

      private:
        SharedQueue const* queue_;
        std::size_t at_;
    };
    [[nodiscard]] Iterator begin() const { return {*this, 0}; }
    [[nodiscard]] Iterator end() const { return {*this, size_}; }

  private:
    using Block = std::vector<T>;
    std::deque<std::shared_ptr<Block>> blocks_;  // all full but the last
    std::size_t first_ = 0;                      // index in the first block
    std::size_t gone_ = 0;                       // below this its values are let go of
    std::size_t size_ = 0;
};

}  // namespace doozer::consensus
