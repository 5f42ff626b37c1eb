// What a connection has still to send: small things in one growing string, large ones as shared
// bytes that are never copied, all of it written with as few system calls as the kernel allows.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace doozer::net {

class OutputQueue {
  public:
    /// Calls write(std::string&), which appends to the string what is to be sent.
    template <typename Write>
    void append(Write write) {
        bool const full = chunks_.empty() || !chunks_.back().shared.empty() ||
                          chunks_.back().text.size() >= chunk_bytes;
        if (full) chunks_.emplace_back();
        Chunk& chunk = chunks_.back();
        std::size_t const before = chunk.text.size();
        write(chunk.text);
        std::size_t const added = chunk.text.size() - before;
        chunk.charge += added;
        size_ += added;
        charge_ += added;
    }

    /// REQUIRES: content is not empty.
    void append(base::Bytes content);

    /// Fills `pieces` with what comes next and returns how many there are; none is empty. They are
    /// valid until the queue is changed.
    std::size_t front(std::span<std::string_view> pieces) const;

    /// Forgets the first `bytes`, which were sent. REQUIRES: bytes <= size().
    void consume(std::size_t bytes);

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// The memory it holds: of shared content the share that it had when it was appended.
    [[nodiscard]] std::size_t charge() const { return charge_; }

  private:
    /// Either text or shared content.
    struct Chunk {
        std::string text;
        base::Bytes shared;
        std::size_t charge = 0;
        [[nodiscard]] std::string_view view() const {
            return shared.empty() ? std::string_view(text) : shared.view();
        }
    };

    /// Text goes on in a new chunk from here on: what is sent is given back chunk by chunk.
    static constexpr std::size_t chunk_bytes = 65'536;

    std::deque<Chunk> chunks_;
    std::size_t sent_ = 0;  // of the first chunk
    std::size_t size_ = 0;
    std::size_t charge_ = 0;
};

}  // namespace doozer::net
