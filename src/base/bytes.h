// An immutable string of bytes that is stored once and shared: a file's value is the same memory
// in the tree, in the history, in an event and in a connection's output queue.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace doozer::base {

/// A counted reference to immutable bytes; empty bytes need no memory.
///
/// The count is not atomic: all copies of one Bytes live on one thread. That is the server's
/// event loop, the only thread that touches the store.
class Bytes {
  public:
    Bytes() = default;
    explicit Bytes(std::string_view content);

    Bytes(Bytes const& other) : block_(other.block_) {
        if (block_) ++block_->references;
    }
    Bytes(Bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Bytes& operator=(Bytes other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Bytes() {
        if (block_ && --block_->references == 0) free_block(block_);
    }

    [[nodiscard]] std::string_view view() const {
        return block_ ? std::string_view(block_->content(), block_->size) : std::string_view();
    }
    [[nodiscard]] std::size_t size() const { return block_ ? block_->size : 0; }
    /// How many share the content; 0 for empty bytes, which nobody needs to hold.
    [[nodiscard]] std::size_t references() const { return block_ ? block_->references : 0; }
    [[nodiscard]] bool empty() const { return size() == 0; }
    bool operator==(Bytes const& other) const { return view() == other.view(); }

    /// What a value of `size` bytes costs beyond its bytes: the header and the allocator's share.
    static constexpr std::size_t overhead_bytes = 24;

  private:
    struct Block {
        std::uint32_t references;
        std::uint32_t size;
        [[nodiscard]] char* content() { return reinterpret_cast<char*>(this + 1); }
    };
    static void free_block(Block* block) noexcept;

    Block* block_ = nullptr;
};

}  // namespace doozer::base
